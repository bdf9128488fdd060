import { type Role, roleOf, type ShapeSizes } from "../../contracts/mod.ts";
import { type GgufFile, metadataNumber } from "../../gguf/mod.ts";
import { WEIGHT_FORMATS } from "../../kernels/formats.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import { qwen3moeShapes, type Shapes } from "../qwen3moe_shapes/qwen3moe_shapes.ts";
import { type BoundMutant, type Mutant, mutants } from "./mutant.ts";

type Shape = readonly number[];

/** The engine's own shapes, with a part of them replaced. */
function changed(broken: (sound: Shapes) => Partial<Shapes>): () => Promise<Shapes> {
  return async () => {
    const sound = await qwen3moeShapes.subject();
    return { ...sound, ...broken(sound) };
  };
}

/** Shapes of which some are others. */
function shapes(
  other: (role: Role, sizes: ShapeSizes, shape: Shape) => Shape | undefined,
): () => Promise<Shapes> {
  return changed(({ shapeOf }) => ({
    shapeOf(role, sizes) {
      const shape = shapeOf(role, sizes);
      return shape && other(role, sizes, shape);
    },
  }));
}

/** A check that takes a tensor for sound if `same` says so of its shape and the right one. */
function checkBy(same: (actual: Shape, expected: Shape) => boolean): () => Promise<Shapes> {
  return changed(({ shapeOf }) => ({
    check(file: GgufFile) {
      const sizes = readHyperParameters(file);
      for (const { name, shape } of file.tensors.values()) {
        const { role } = roleOf(sizes.architecture, name)!;
        if (same(shape, shapeOf(role, sizes)!)) continue;
        throw new Error(`tensor '${name}' has the shape [${shape.join(", ")}]`);
      }
    },
  }));
}

const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Mistakes in shapes. */
const misshapen: Mutant<Shapes>[] = [
  {
    name: "queries as wide as the residual stream",
    caughtBy: ["F-SHAPES-003", "F-SHAPES-004", "F-SHAPES-006"],
    subject: shapes((role, { hidden }, shape) => role === "attn_q" ? [hidden, hidden] : shape),
  },
  {
    name: "as many heads of keys and values as of queries",
    caughtBy: ["F-SHAPES-003", "F-SHAPES-004", "F-SHAPES-006", "F-SHAPES-009"],
    subject: shapes((role, { heads, headSize }, shape) =>
      role === "attn_k" || role === "attn_v" ? [shape[0]!, heads * headSize] : shape
    ),
  },
  {
    name: "outermost dimension first",
    caughtBy: ["F-SHAPES-003", "F-SHAPES-005", "F-SHAPES-009"],
    subject: shapes((_role, _sizes, shape) => shape.toReversed()),
  },
  {
    name: "experts innermost",
    caughtBy: ["F-SHAPES-003", "F-SHAPES-005", "F-SHAPES-009"],
    subject: shapes((role, _sizes, shape) =>
      role.endsWith("_exps") ? [shape[2]!, shape[0]!, shape[1]!] : shape
    ),
  },
  {
    name: "the down projection shaped like the up projection",
    caughtBy: ["F-SHAPES-003", "F-SHAPES-005"],
    subject: shapes((role, { hidden, expertFeedForward, experts }, shape) =>
      role === "ffn_down_exps" ? [hidden, expertFeedForward, experts] : shape
    ),
  },
  {
    name: "no shape for the norms of heads",
    caughtBy: ["F-SHAPES-001", "F-SHAPES-006", "F-SHAPES-009"],
    subject: shapes((role, _sizes, shape) => role === "attn_k_norm" ? undefined : shape),
  },
  {
    name: "experts as wide as feed_forward_length says",
    caughtBy: ["F-SHAPES-009"],
    subject: changed(() => ({
      sizesOf: (file) => ({
        ...readHyperParameters(file),
        expertFeedForward: metadataNumber(file.metadata, "qwen3moe.feed_forward_length")!,
      }),
    })),
  },
  {
    name: "a table that is older than its contract",
    caughtBy: ["F-SHAPES-002"],
    subject: changed(({ table }) => ({
      async table() {
        const { committed, generated } = await table();
        return {
          committed: committed.replace("(s) => [s.headSize]", "(s) => [s.hidden]"),
          generated,
        };
      },
    })),
  },
];

/** Mistakes in what is done with shapes. */
const misused: Mutant<Shapes>[] = [
  {
    name: "any shape taken",
    caughtBy: ["F-SHAPES-007", "F-SHAPES-008"],
    subject: checkBy(() => true),
  },
  {
    name: "shapes compared by their number of elements",
    caughtBy: ["F-SHAPES-007", "F-SHAPES-008"],
    subject: checkBy((actual, expected) => product(actual) === product(expected)),
  },
  {
    name: "only the dimensions compared that both have",
    caughtBy: ["F-SHAPES-007"],
    subject: checkBy((actual, expected) =>
      expected.every((size, i) => actual[i] === undefined || actual[i] === size)
    ),
  },
  {
    name: "outer dimensions of 1 taken for a difference",
    caughtBy: ["F-SHAPES-008"],
    subject: checkBy((actual, expected) => actual.join() === expected.join()),
  },
  {
    name: "blocks counted over the whole tensor",
    caughtBy: ["F-SHAPES-011"],
    subject: changed(() => ({
      bytes(type, rows, columns) {
        const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
        if (rows * columns % blockSize !== 0) throw new RangeError("no whole number of blocks");
        return rows * columns / blockSize * blockBytes;
      },
    })),
  },
  {
    name: "blocks without their scales",
    caughtBy: ["F-SHAPES-010", "F-SHAPES-011"],
    subject: changed(({ bytes }) => ({
      bytes: (type, rows, columns) => type === "Q8_0" ? rows * columns : bytes(type, rows, columns),
    })),
  },
];

export const qwen3moeShapesMutants: BoundMutant[] = mutants(qwen3moeShapes, [
  ...misshapen,
  ...misused,
]);
