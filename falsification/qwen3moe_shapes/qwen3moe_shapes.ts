/**
 * The tests of contract qwen3moe-shapes-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type Architecture,
  FUSED_PARTS,
  type FusedRole,
  GLOBAL_ROLES,
  type Instance,
  INSTANCES,
  LAYER_ROLES,
  requiredRoles,
  type Role,
  SHAPES,
  type ShapeSizes,
} from "../../contracts/mod.ts";
import { TABLES } from "../../contracts/tables/tables.ts";
import type { GgufFile } from "../../gguf/mod.ts";
import type { WeightType } from "../../kernels/formats.ts";
import { storedBytes } from "../../kernels/matrix.ts";
import { ARCHITECTURES } from "../../model/architectures.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import { resolveTensors } from "../../model/tensors.ts";
import type { Falsification, FalsificationTest } from "../falsification.ts";
import { packageText } from "../package_files.ts";
import { MIXTRAL_SIZES, PUBLISHED_SHAPES, QWEN2_MOE_SIZES } from "./published_shapes.ts";
import { shapesOfFiles } from "./files.ts";

/** What says, and checks, how large tensors are. */
export interface Shapes {
  /** innermost dimension first; undefined where no forward pass reads such a tensor */
  shapeOf(role: Role, sizes: ShapeSizes): readonly number[] | undefined;
  /** the sizes that the file's metadata states */
  sizesOf(file: GgufFile): ShapeSizes;
  /** @throws unless every tensor of the file has the shape that the file's sizes make */
  check(file: GgufFile): void;
  /**
   * Bytes of a tensor of rows of `columns` elements.
   *
   * @throws unless a row is a whole number of blocks
   */
  bytes(type: WeightType, rows: number, columns: number): number;
  /** the table in use, as TypeScript, and the one that the contract gives */
  table(): Promise<{ committed: string; generated: string }>;
}

const CONTRACT = "qwen3moe-shapes-v1";
const ROLES: readonly Role[] = [
  ...GLOBAL_ROLES,
  ...LAYER_ROLES,
  ...Object.keys(FUSED_PARTS) as FusedRole[],
];
/** Sizes of which no two, and no two products of two, are the same. */
const DISTINCT: ShapeSizes = {
  hidden: 7,
  heads: 11,
  kvHeads: 13,
  headSize: 38,
  feedForward: 17,
  experts: 5,
  expertFeedForward: 3,
  sharedFeedForward: 29,
  vocabulary: 23,
  ropeDimensions: 22,
};

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Elements of a mixture: all, and those that one token passes through. */
function elements(
  { shapeOf }: Shapes,
  architecture: Architecture,
  sizes: ShapeSizes,
  { layers, expertsUsed }: { layers: number; expertsUsed: number },
): { all: number; active: number } {
  const { experts } = sizes;
  const { global, layer } = requiredRoles(architecture);
  const count = (role: Role) => product(shapeOf(role, sizes) ?? [NaN]);
  const total = (roles: readonly Role[]) => roles.reduce((sum, role) => sum + count(role), 0);
  const stacks = total(layer.filter((role) => role.endsWith("_exps")));
  const all = total([...new Set<Role>([...global, "output"])]) + layers * total(layer);
  return { all, active: all - layers * stacks * (experts - expertsUsed) / experts };
}

const tests: readonly FalsificationTest<Shapes>[] = [
  {
    id: "F-SHAPES-001",
    title: "every required role of every architecture with a forward pass has a shape",
    run({ shapeOf }) {
      const architectures = Object.keys(ARCHITECTURES) as Architecture[];
      assert.ok(architectures.includes("qwen3_moe"));
      for (const architecture of architectures) {
        const { global, layer, fused } = requiredRoles(architecture);
        for (const role of [...global, ...layer, ...fused]) {
          const shape = shapeOf(role, DISTINCT);
          assert.ok(shape !== undefined, `${role} of ${architecture} has no shape`);
          assert.ok(
            shape.length > 0 && shape.every((size) => Number.isSafeInteger(size) && size > 0),
            `${role} of ${architecture} has the shape [${shape}]`,
          );
        }
      }
    },
  },
  {
    id: "F-SHAPES-002",
    title: "tensor_shapes.ts is what the contract generates",
    async run({ table }) {
      const { committed, generated } = await table();
      assert.ok(generated.includes("ffn_gate_exps"), "the contract gives no table");
      assert.equal(committed, generated, "run: deno task generate");
    },
  },
  {
    id: "F-SHAPES-003",
    title: "every shape is the published one",
    run({ shapeOf }) {
      const compared = new Set<string>();
      for (const { model, sizes, shapes } of PUBLISHED_SHAPES) {
        for (const [role, shape] of Object.entries(shapes)) {
          assert.deepEqual(shapeOf(role as Role, sizes), shape, `${role} of ${model}`);
          compared.add(role);
        }
      }
      for (const role of ROLES.filter((role) => shapeOf(role, DISTINCT) !== undefined)) {
        assert.ok(compared.has(role), `${role} has a shape that is compared with none`);
      }
    },
  },
  {
    id: "F-SHAPES-004",
    title: "the width of attention follows from the heads alone",
    run({ shapeOf }) {
      for (const hidden of [64, 256, 1000]) {
        const sizes = { ...DISTINCT, hidden, heads: 4, kvHeads: 2, headSize: 64 };
        assert.deepEqual(shapeOf("attn_q", sizes), [hidden, 256]);
        assert.deepEqual(shapeOf("attn_k", sizes), [hidden, 128]);
        assert.deepEqual(shapeOf("attn_v", sizes), [hidden, 128]);
        assert.deepEqual(shapeOf("attn_output", sizes), [256, hidden]);
        assert.deepEqual(shapeOf("attn_q_bias", sizes), [256]);
        assert.deepEqual(shapeOf("attn_q_norm", sizes), [64]);
        assert.deepEqual(shapeOf("attn_k_norm", sizes), [64]);
      }
    },
  },
  {
    id: "F-SHAPES-005",
    title: "stacks of experts have the inputs innermost and the experts outermost",
    run({ shapeOf }) {
      assert.deepEqual(shapeOf("ffn_gate_exps", DISTINCT), [7, 3, 5]);
      assert.deepEqual(shapeOf("ffn_up_exps", DISTINCT), [7, 3, 5]);
      assert.deepEqual(shapeOf("ffn_down_exps", DISTINCT), [3, 7, 5]);
      assert.deepEqual(shapeOf("ffn_gate_inp", DISTINCT), [7, 5]);
    },
  },
  {
    id: "F-SHAPES-006",
    title: "the published models have as many parameters as is said of them",
    run(shapes) {
      // By hand, of one layer: q and output 2048·4096, k and v 2048·512, two norms of 2048 and two
      // of 128, a router of 2048·128, and 3·2048·768 for each of 128 experts: 623,120,640. 48 layers,
      // embedding and head of 2048·151,936 each, and the last norm of 2048: 30,532,122,624. With 8
      // experts a layer has 56,889,600, all have 3,353,032,704.
      const ofQwen3 = (instance: Instance) => {
        const ropeDimensions = instance.headSize;
        const sizes = { ...instance, feedForward: 0, sharedFeedForward: 0, ropeDimensions };
        return elements(shapes, "qwen3_moe", sizes, instance);
      };
      const small = ofQwen3(INSTANCES["qwen3-30b-a3b"]);
      assert.deepEqual(small, { all: 30_532_122_624, active: 3_353_032_704 });
      // q and output 4096·8192, k and v 4096·512, norms 2·4096 + 2·128, a router of 4096·128, experts
      // of 3·4096·1536: 2,487,755,008 in a layer, 222,830,848 of them with 8 experts. 94 layers,
      // embedding and head of 4096·151,936 each, the last norm.
      const large = ofQwen3(INSTANCES["qwen3-235b-a22b"]);
      assert.deepEqual(large, { all: 235_093_634_560, active: 22_190_763_520 });
      // Four attention matrices of 2048·2048, three biases and two norms of 2048, a router of 2048·60,
      // 60 experts of 3·2048·1408, the shared one of 3·2048·5632 and its gate of 2048: 570,562,560 in
      // each of 24 layers; embedding and head of 2048·151,936 each, the last norm.
      const use = { layers: 24, expertsUsed: 4 };
      const sharing = elements(shapes, "qwen2_moe", QWEN2_MOE_SIZES, use);
      assert.deepEqual(sharing, { all: 14_315_784_192, active: 2_689_173_504 });
      // q and output 4096·4096, k and v 4096·1024, two norms of 4096, a router of 4096·8, 8 experts of
      // 3·4096·14,336: 1,451,270,144 in each of 32 layers; embedding and head of 4096·32,000 each, the
      // last norm.
      const mixtral = elements(shapes, "mixtral", MIXTRAL_SIZES, { layers: 32, expertsUsed: 2 });
      assert.deepEqual(mixtral, { all: 46_702_792_704, active: 12_879_925_248 });
      // "30.5B in total and 3.3B activated", "235B in total and 22B activated",
      // "14.3B in total and 2.7B activated", "47B parameters, but only uses 13B active parameters".
      const billions = (count: number, digits: number) =>
        Math.floor(count / 10 ** (9 - digits)) / 10 ** digits;
      assert.deepEqual([billions(small.all, 1), billions(small.active, 1)], [30.5, 3.3]);
      assert.deepEqual([billions(large.all, 0), billions(large.active, 0)], [235, 22]);
      const rounded = (count: number) => Math.round(count / 1e8) / 10;
      assert.deepEqual([rounded(sharing.all), rounded(sharing.active)], [14.3, 2.7]);
      assert.deepEqual([rounded(mixtral.all), rounded(mixtral.active)], [46.7, 12.9]);
    },
  },
];

/** The tests of qwen3moe-shapes-v1. */
export const qwen3moeShapes: Falsification<Shapes> = {
  contract: CONTRACT,

  subject: () => ({
    shapeOf: (role, sizes) => SHAPES[role]?.(sizes),
    sizesOf: readHyperParameters,
    check: (file) => void resolveTensors(file, readHyperParameters(file)),
    bytes: storedBytes,
    async table() {
      const { path, generate } = TABLES.find(({ contract }) => contract === CONTRACT)!;
      const yaml = await packageText(`contracts/${CONTRACT}.yaml`);
      return { committed: await packageText(path), generated: generate(yaml) };
    },
  }),

  tests: [...tests, ...shapesOfFiles],
};
