/**
 * Those tests of contract moe-expert-dispatch-v1 that take their experts from files.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type Architecture,
  ARCHITECTURES,
  LAYER_ROLES,
  requiredRoles,
  SHAPES,
  tensorName,
} from "../../contracts/mod.ts";
import { type GgufFile, openGguf, type TensorInfo } from "../../gguf/mod.ts";
import { assertSameBits, randomFloats } from "../../kernels/comparing.ts";
import { ARCHITECTURES as ARCHITECTURE_DESCRIPTIONS } from "../../model/architectures.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import {
  synthesizeBlob,
  type SynthOptions,
  WEIGHT_TYPES,
  type WeightTypes,
} from "../../synth/mod.ts";
import { assertNear, randomBatch, tokenOf } from "./expert_batches.ts";
import { expertOutput, type ExpertStacks, stacksOfFile } from "./expert_stacks.ts";
import type { FalsificationTest } from "../falsification.ts";
import { withHeader } from "../rebuilt_file.ts";
import type { Dispatcher } from "./moe_expert_dispatch.ts";

/**
 * Where a value in front of the down projection lies in the middle between two of its 8-bit steps,
 * f32 and f64 round it to different ones. A step is 1/127 of the largest value; of a vector of some
 * hundred values that is some 1e-3, and more than three such are unheard of.
 */
const QUANTIZED_ERROR = 3e-3;

/** Sums in f32 only, where no activation is rounded. */
const FLOAT_ERROR = 1e-6;

const SHARED_ROLES = LAYER_ROLES.filter((role) => role.endsWith("_shexp"));

/** One layer of five experts, their rows as short as blocks allow. */
function small(types: WeightTypes): SynthOptions {
  const [hidden, expertWidth] = types.includes("_k") ? [256, 512] : [32, 96];
  return { layers: 1, experts: 5, hidden, expertWidth, heads: 1, headSize: hidden, types, seed: 3 };
}

/** A tensor that is nowhere. */
function tensorNamed(name: string, shape: readonly number[]): TensorInfo {
  return { name, shape, type: "F32", bytes: 0, offset: 0, source: 0 };
}

/** The file of a mixture as one of another architecture, with all tensors that this requires. */
function disguised(file: GgufFile, architecture: Architecture): GgufFile {
  const entries = [...file.metadata].map(([key, value]) =>
    [key.replace(/^qwen3moe\./, `${architecture}.`), value] as const
  );
  const metadata = new Map([...entries, ["general.architecture", architecture] as const]);
  const sizes = readHyperParameters(file);
  const { global, layer, fused } = requiredRoles(architecture);
  const tensors = new Map<string, TensorInfo>();
  for (const role of [...global, ...layer, ...fused, ...SHARED_ROLES]) {
    const name = tensorName(architecture, role, "gguf", { layer: 0 });
    const shape = SHAPES[role]?.(sizes) ?? [sizes.hidden];
    if (name !== undefined) tensors.set(name, tensorNamed(name, shape));
  }
  return withHeader(file, { metadata, tensors });
}

/** Fails unless `experts`, each asked by one token, give what their slices of the stacks say. */
async function compareExperts(
  { dispatch }: Dispatcher,
  stacks: ExpertStacks,
  experts: readonly number[],
  what: string,
): Promise<void> {
  const { hidden } = stacks;
  const x = randomFloats(8, experts.length * hidden);
  const ids = Int32Array.from(experts);
  const out = await dispatch(stacks, {
    residual: new Float32Array(x.length),
    x,
    ids,
    weights: new Float32Array(ids.length).fill(1),
    k: 1,
  });
  const isFloat = stacks.types.gate === "F32" && stacks.types.up === "F32" &&
    stacks.types.down === "F32";
  for (const [token, id] of ids.entries()) {
    const row = [token * hidden, (token + 1) * hidden] as const;
    const expected = await expertOutput(stacks, id, x.slice(...row));
    const tolerance = isFloat ? FLOAT_ERROR : QUANTIZED_ERROR;
    assertNear(out.slice(...row), expected, tolerance, `expert ${id} in ${what}`);
  }
}

/** Tests of files. */
export const dispatchOfFiles: readonly FalsificationTest<Dispatcher>[] = [
  {
    id: "F-DISPATCH-005",
    title: "a batch grouped by expert has the bits of its tokens one by one",
    async run({ dispatch }) {
      for (const types of ["f32", "bf16", "q8_0", "q4_k_m"] as const) {
        await using file = await openGguf(await synthesizeBlob(small(types)));
        const stacks = stacksOfFile(file, 0);
        const { hidden } = stacks;
        const batch = randomBatch(6, stacks, 13, 3);
        const together = await dispatch(stacks, batch);
        assertSameBits(await dispatch(stacks, batch), together);
        for (let token = 0; token < 13; token++) {
          const alone = await dispatch(stacks, tokenOf(batch, token));
          assertSameBits(together.slice(token * hidden, (token + 1) * hidden), alone);
        }
      }
    },
  },
  {
    id: "F-DISPATCH-007",
    title: "an architecture with a shared expert is refused, or asked for all parts of it",
    async run({ check }) {
      await using file = await openGguf(await synthesizeBlob(small("q8_0")));
      const sharing = ARCHITECTURES.filter((architecture) =>
        SHARED_ROLES.some((role) => tensorName(architecture, role, "gguf", { layer: 0 }))
      );
      assert.ok(sharing.includes("qwen2_moe") && sharing.includes("deepseek2"));
      const computed = sharing.filter((architecture) => ARCHITECTURE_DESCRIPTIONS[architecture]);
      assert.deepEqual(computed, ["qwen2_moe"]);
      for (const architecture of sharing) {
        if (computed.includes(architecture)) continue;
        assert.throws(
          () => check(disguised(file, architecture)),
          { name: "UnsupportedOperationError" },
          `${architecture} was taken`,
        );
      }
      // That it is computed, even with a routed sum of zero, qwen2-moe-forward-v1 shows.
      const options = { ...small("q8_0"), architecture: "qwen2moe", sharedWidth: 64 } as const;
      await using own = await openGguf(await synthesizeBlob(options));
      assert.doesNotThrow(() => check(own));
      for (const role of SHARED_ROLES) {
        const name = tensorName("qwen2_moe", role, "gguf", { layer: 0 })!;
        const tensors = new Map(own.tensors);
        assert.ok(tensors.delete(name));
        assert.throws(
          () => check(withHeader(own, { tensors })),
          new RegExp(`'${name}'`),
          `a qwen2moe without ${name} was taken`,
        );
      }
    },
  },
  {
    id: "F-DISPATCH-008",
    title: "a shared expert in a file whose architecture has none is refused by its name",
    async run({ check }) {
      await using file = await openGguf(await synthesizeBlob(small("q8_0")));
      check(file);
      assert.equal(SHARED_ROLES.length, 4);
      for (const role of SHARED_ROLES) {
        const name = tensorName("qwen2_moe", role, "gguf", { layer: 0 })!;
        const tensors = new Map(file.tensors).set(name, tensorNamed(name, [32]));
        assert.throws(
          () => check(withHeader(file, { tensors })),
          new RegExp(`'${name}'`),
          `${name} was left out in silence`,
        );
      }
    },
  },
  {
    id: "F-DISPATCH-009",
    title: "each expert is its own slice of the stacks, in every type of weights",
    async run(dispatcher) {
      for (const types of WEIGHT_TYPES) {
        await using file = await openGguf(await synthesizeBlob(small(types)));
        await compareExperts(dispatcher, stacksOfFile(file, 0), [3, 0, 4, 2, 1], types);
      }
    },
  },
  {
    id: "F-DISPATCH-010",
    title: "the model's experts are the slices that their numbers say",
    of: "mixture",
    async run(dispatcher, { file }) {
      dispatcher.check(file);
      const { layers } = readHyperParameters(file);
      const stacks = stacksOfFile(file, layers - 1);
      const last = stacks.experts - 1;
      const experts = [...new Set([0, Math.floor(last / 2), last])];
      await compareExperts(dispatcher, stacks, experts, `layer ${layers - 1}`);
    },
  },
  {
    id: "F-DISPATCH-013",
    title: "an expert gives the same bits read, mapped, packed, and after its file was given back",
    async run({ dispatch }) {
      for (const types of ["f32", "q8_0", "q4_k_m"] as const) {
        await using file = await openGguf(await synthesizeBlob(small(types)));
        const stacks = stacksOfFile(file, 0);
        const batch = randomBatch(7, stacks, 9, 2);
        const expected = await dispatch(stacks, batch, "read");
        for (const where of ["mapped", "packed", "given back"] as const) {
          assertSameBits(await dispatch(stacks, batch, where), expected);
        }
      }
    },
  },
];
