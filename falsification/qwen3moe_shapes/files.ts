/**
 * Those tests of contract qwen3moe-shapes-v1 that speak of files.
 *
 * @module
 */
import assert from "node:assert/strict";
import { GLOBAL_ROLES, LAYER_ROLES, type Role, roleOf, tensorName } from "../../contracts/mod.ts";
import { type GgufFile, openGguf, type TensorInfo } from "../../gguf/mod.ts";
import { isWeightType, type WeightType } from "../../kernels/formats.ts";
import { architectureOf } from "../../model/hyperparameters.ts";
import { SYNTH_ARCHITECTURES, synthesizeBlob } from "../../synth/mod.ts";
import { BLOCK_SIZES } from "./block_sizes.ts";
import type { FalsificationTest } from "../falsification.ts";
import type { Shapes } from "./qwen3moe_shapes.ts";

/** The file with one tensor replaced by, or joined by, another. */
function withTensor(file: GgufFile, tensor: TensorInfo): GgufFile {
  const tensors = new Map(file.tensors).set(tensor.name, tensor);
  return new Proxy(file, {
    get: (target, key) => key === "tensors" ? tensors : Reflect.get(target, key),
  });
}

/** Without outer dimensions of 1. */
function trimmed(shape: readonly number[]): readonly number[] {
  const last = shape.findLastIndex((size) => size !== 1);
  return shape.slice(0, Math.max(last, 0) + 1);
}

/** Shapes that a tensor of `shape` might have by mistake. */
function wrongShapes(role: Role, shape: readonly number[]): (readonly number[])[] {
  const [inner = 0, ...outer] = shape;
  const [second = 1, ...rest] = outer;
  const wrong = [
    [inner + 1, ...outer],
    [inner - 1, ...outer],
    [inner, ...outer, 2],
    [1, ...shape],
    [inner / 2, second * 2, ...rest],
    [...shape].reverse(),
    shape.slice(0, -1),
    // The embedding's own outer dimension is the vocabulary.
    ...(role === "token_embd" ? [] : [[...shape.slice(0, -1), shape.at(-1)! + 1]]),
  ];
  return wrong.filter((other) => other.length > 0 && trimmed(other).join() !== shape.join());
}

/** A small file with every tensor that its architecture may have. */
async function completeFile(
  { shapeOf, sizesOf }: Shapes,
  architecture: (typeof SYNTH_ARCHITECTURES)[number],
): Promise<{ file: GgufFile; roles: Map<Role, TensorInfo> }> {
  const options = { architecture, layers: 1, hidden: 128, heads: 6, kvHeads: 2, headSize: 32 };
  let file = await openGguf(await synthesizeBlob({ ...options, types: "f16" }));
  const roles = new Map<Role, TensorInfo>();
  for (const role of [...GLOBAL_ROLES, ...LAYER_ROLES]) {
    const shape = shapeOf(role, sizesOf(file));
    const key = architectureOf(file).architecture;
    const name = tensorName(key, role, "gguf", { layer: 0 });
    if (shape === undefined || name === undefined) continue;
    const added = { name, shape, type: "F32", bytes: 0, offset: 0, source: 0 } as const;
    const tensor = file.tensors.get(name) ?? added;
    roles.set(role, tensor);
    file = withTensor(file, tensor);
  }
  return { file, roles };
}

/** Tests of files. */
export const shapesOfFiles: readonly FalsificationTest<Shapes>[] = [
  {
    id: "F-SHAPES-007",
    title: "a tensor of another shape is refused by its name, whatever its role",
    async run(shapes) {
      const seen = new Set<Role>();
      for (const architecture of SYNTH_ARCHITECTURES) {
        const { file, roles } = await completeFile(shapes, architecture);
        await using _ = file;
        shapes.check(file);
        for (const [role, tensor] of roles) {
          seen.add(role);
          for (const shape of wrongShapes(role, tensor.shape)) {
            assert.throws(
              () => shapes.check(withTensor(file, { ...tensor, shape })),
              new RegExp(`'${tensor.name}' has the shape \\[${shape.join(", ")}\\]`),
              `${tensor.name} was taken as [${shape}] instead of [${tensor.shape}]`,
            );
          }
        }
      }
      assert.equal(seen.size, 27);
    },
  },
  {
    id: "F-SHAPES-008",
    title: "outer dimensions of 1 may be there or not",
    async run({ check }) {
      const options = { layers: 1, experts: 1, types: "f16" } as const;
      await using file = await openGguf(await synthesizeBlob(options));
      const reshaped = (name: string, shape: readonly number[]) =>
        withTensor(file, { ...file.tensors.get(name)!, shape });
      const accepts = (name: string, shape: readonly number[]) =>
        assert.doesNotThrow(() => check(reshaped(name, shape)), `${name} as [${shape}]`);
      accepts("output_norm.weight", [256, 1, 1]);
      accepts("blk.0.attn_q.weight", [256, 256, 1]);
      accepts("blk.0.ffn_gate_inp.weight", [256]);
      accepts("blk.0.ffn_up_exps.weight", [256, 256]);
      accepts("blk.0.ffn_down_exps.weight", [256, 256, 1, 1]);
      assert.throws(() => check(reshaped("output_norm.weight", [1, 256])), /'output_norm.weight'/);
    },
  },
  {
    id: "F-SHAPES-009",
    title: "every tensor of the model has the shape that its hyper-parameters make",
    of: "model",
    run({ shapeOf, sizesOf }, { file }) {
      const sizes = sizesOf(file);
      const { architecture } = architectureOf(file);
      assert.ok(file.tensors.size > 0);
      for (const { name, shape } of file.tensors.values()) {
        const place = roleOf(architecture, name);
        assert.ok(place !== undefined, `'${name}' has no role in ${architecture}`);
        const expected = shapeOf(place.role, sizes);
        assert.ok(expected !== undefined, `'${name}' (role ${place.role}) has no shape`);
        assert.deepEqual(trimmed(shape), trimmed(expected), name);
      }
    },
  },
  {
    id: "F-SHAPES-010",
    title: "the model's tensors take the bytes of their rows' blocks",
    of: "model",
    run({ bytes }, { file }) {
      let compared = 0;
      for (const { name, type, shape, bytes: size } of file.tensors.values()) {
        if (!isWeightType(type)) continue;
        const [columns = 1, ...outer] = shape;
        const rows = outer.reduce((a, b) => a * b, 1);
        const block = BLOCK_SIZES[type];
        const expected = columns / block.elements * block.bytes * rows;
        assert.equal(columns % block.elements, 0, `a row of '${name}' ends within a block`);
        assert.equal(size, expected, `'${name}' has ${size} bytes in the file`);
        assert.equal(bytes(type, rows, columns), expected, name);
        compared++;
      }
      assert.ok(compared > 0, "no tensor has a type that the kernels multiply");
    },
  },
  {
    id: "F-SHAPES-011",
    title: "a row that is no whole number of blocks is refused",
    run({ bytes }) {
      for (const type of Object.keys(BLOCK_SIZES) as WeightType[]) {
        const block = BLOCK_SIZES[type];
        assert.equal(bytes(type, 5, 2 * block.elements), 10 * block.bytes);
        if (block.elements === 1) continue;
        for (const columns of [100, block.elements - 1, block.elements + 1, 0]) {
          assert.throws(
            () => bytes(type, block.elements, columns),
            RangeError,
            `${columns} columns in ${type}`,
          );
        }
      }
    },
  },
];
