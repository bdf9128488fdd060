/** Tests of contract gguf-format-v1: where tensors lie, and how many bytes they have. */
import assert from "node:assert/strict";
import type { TensorInfo } from "../../gguf/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import {
  counting,
  entry,
  F32,
  opened,
  padded,
  refused,
  start,
  tensor,
  text,
  u32,
} from "./bytes.ts";
import type { GgufFormat } from "./gguf_format.ts";

/**
 * Every tensor type: its number, the elements of a block, and the bits that each costs as published
 * beside the blocks in ggml-common.h ("effectively 6.5625 bits per weight").
 */
const TENSOR_TYPES: Readonly<Record<string, [id: number, block: number, bits: number]>> = {
  F32: [0, 1, 32],
  F16: [1, 1, 16],
  Q4_0: [2, 32, 4.5],
  Q4_1: [3, 32, 5],
  Q5_0: [6, 32, 5.5],
  Q5_1: [7, 32, 6],
  Q8_0: [8, 32, 8.5],
  Q8_1: [9, 32, 9],
  Q2_K: [10, 256, 2.625],
  Q3_K: [11, 256, 3.4375],
  Q4_K: [12, 256, 4.5],
  Q5_K: [13, 256, 5.5],
  Q6_K: [14, 256, 6.5625],
  // An f32 scale, 256 bytes, and 16 sums of 2 bytes: (4 + 256 + 32) / 32.
  Q8_K: [15, 256, 9.125],
  IQ2_XXS: [16, 256, 2.0625],
  IQ2_XS: [17, 256, 2.3125],
  IQ3_XXS: [18, 256, 3.0625],
  IQ1_S: [19, 256, 1.5625],
  IQ4_NL: [20, 32, 4.5],
  IQ3_S: [21, 256, 3.4375],
  IQ2_S: [22, 256, 2.5625],
  IQ4_XS: [23, 256, 4.25],
  I8: [24, 1, 8],
  I16: [25, 1, 16],
  I32: [26, 1, 32],
  I64: [27, 1, 64],
  F64: [28, 1, 64],
  IQ1_M: [29, 256, 1.75],
  BF16: [30, 1, 16],
  TQ1_0: [34, 256, 1.6875],
  TQ2_0: [35, 256, 2.0625],
  // 4 bits and an 8-bit scale for 32: 4 + 8 / 32.
  MXFP4: [39, 32, 4.25],
  // 4 bits and an 8-bit scale for each 16.
  NVFP4: [40, 64, 4.5],
  // 1 and 2 bits and an f16 scale for 128 and 64.
  Q1_0: [41, 128, 1.125],
  Q2_0: [42, 64, 2.25],
};

/** Bytes of a tensor, by its type and its shape. */
export function bytesOf({ type, shape }: Pick<TensorInfo, "type" | "shape">): number {
  const [, , bits] = TENSOR_TYPES[type]!;
  return shape.reduce((product, size) => product * size, 1) * bits / 8;
}

/** A file of two tensors, "v" of 5 F32 and "w" of 3, and where their data begin. */
function twoTensors(alignment: number | undefined, filler: number) {
  const step = alignment ?? 32;
  // 20 bytes of "v" and the padding behind them.
  const second = Math.ceil(20 / step) * step;
  const header = [
    ...start(2, alignment === undefined ? 1 : 2),
    ...entry("filler", "string", text("x".repeat(filler))),
    ...alignment === undefined ? [] : entry("general.alignment", "u32", u32(alignment)),
    ...tensor("v", [5], F32, 0),
    ...tensor("w", [3], F32, second),
  ];
  const beforeData = padded(header, step);
  const data = [...padded(counting(20), step), ...counting(12, 101)];
  return { bytes: [...beforeData, ...data], v: beforeData.length, w: beforeData.length + second };
}

export const tensorTests: FalsificationTest<GgufFormat>[] = [
  {
    id: "F-GGUF-004",
    title: "dimensions come innermost first, so that a row is in one piece",
    async run(subject) {
      // Q8_0 takes rows of whole blocks of 32: reversed, the shape would be refused.
      const header = [...start(1, 0), ...tensor("w", [64, 3, 2], 8, 0)];
      const bytes = [...padded(header), ...counting(6 * 68)];
      await using file = await opened(subject, bytes);
      const w = file.tensors.get("w")!;
      assert.deepEqual([...w.shape], [64, 3, 2]);
      // A row of 64 has two blocks of 34 bytes. Row 1 of matrix 1 is the fifth.
      const row = await file.readTensor(w, new Uint8Array(68), (1 * 3 + 1) * 68);
      assert.deepEqual([...row], counting(68, 1 + 4 * 68));
      await refused(
        subject,
        [...padded([...start(1, 0), ...tensor("w", [3, 64], 8, 0)]), ...counting(408)],
        "a row of 3 elements in blocks of 32",
      );
    },
  },
  {
    id: "F-GGUF-005",
    title: "each tensor type has the block and the bytes of ggml",
    async run(subject) {
      for (const [name, [id, block, bits]] of Object.entries(TENSOR_TYPES)) {
        const size = 6 * block * bits / 8;
        const indexed = (row: number) => padded([...start(1, 0), ...tensor("w", [row, 3], id, 0)]);
        const bytes = [...indexed(2 * block), ...counting(size)];
        await using file = await opened(subject, bytes);
        const w = file.tensors.get("w")!;
        assert.equal(w.type, name);
        assert.equal(w.bytes, size, `six blocks of ${name}`);
        assert.deepEqual([...await file.readTensor(w)], counting(size));
        if (block === 1) continue;
        const broken = [...indexed(block + block / 2), ...counting(size)];
        await refused(subject, broken, `a row of one and a half blocks of ${name}`);
      }
    },
  },
  {
    id: "F-GGUF-006",
    title: "data start at the next multiple of the alignment behind the header",
    async run(subject) {
      for (const alignment of [undefined, 8, 16, 32, 64, 4096]) {
        // Headers of as many lengths as there are remainders, the one without padding among them.
        const fillers = alignment === 4096 ? [0, 1, 3900] : counting(alignment ?? 32, 0);
        for (const filler of fillers) {
          const { bytes, v, w } = twoTensors(alignment, filler);
          await using file = await opened(subject, bytes);
          assert.equal(file.alignment, alignment ?? 32);
          const [first, second] = [file.tensors.get("v")!, file.tensors.get("w")!];
          assert.deepEqual([first.offset, second.offset], [v, w], `alignment ${alignment}`);
          assert.deepEqual([...await file.readTensor(first)], counting(20));
          assert.deepEqual([...await file.readTensor(second)], counting(12, 101));
        }
      }
    },
  },
  {
    id: "F-GGUF-007",
    title: "tensors that lie askew, beyond the file or in each other are refused",
    async run(subject) {
      const file = (second: number | bigint, elements = 9) => [
        ...padded([
          ...start(2, 0),
          ...tensor("v", [9], F32, 0),
          ...tensor("w", [elements], F32, second),
        ]),
        ...counting(64 + 36),
      ];
      await using sound = await opened(subject, file(64));
      assert.equal(sound.tensors.size, 2);
      for (const offset of [0, 32]) await refused(subject, file(offset), `an overlap at ${offset}`);
      for (const offset of [1, 36, 48]) await refused(subject, file(offset), `offset ${offset}`);
      for (const offset of [96, 128, 2n ** 53n, 2n ** 63n, 2n ** 64n - 32n]) {
        await refused(subject, file(offset), `data at ${offset} of a file of 100 bytes of data`);
      }
      await refused(subject, file(64, 10), "one element more than the file has");
    },
  },
  {
    id: "F-GGUF-008",
    title:
      "every tensor of the file lies aligned in it, apart from the others, as large as its type",
    of: "file",
    async run({ open }, { location }) {
      await using file = await open(location);
      const ends = file.sources.map(() => 0);
      const inOrder = [...file.tensors.values()].sort((a, b) => a.offset - b.offset);
      for (const tensor of inOrder) {
        const { name, offset, bytes, source, shape } = tensor;
        assert.equal(bytes, bytesOf(tensor), `${name} has ${bytes} bytes`);
        assert.ok(shape.every((size) => size >= 1) && shape.length <= 4, `${name} is [${shape}]`);
        // The shards behind the first need not say their alignment.
        if (source === 0) assert.equal(offset % file.alignment, 0, `${name} begins at ${offset}`);
        assert.ok(offset >= ends[source]!, `${name} begins at ${offset}, before ${ends[source]}`);
        ends[source] = offset + bytes;
      }
      ends.forEach((end, i) => {
        const { size, name } = file.sources[i]!;
        assert.ok(end <= size, `${name} has ${size} bytes, its tensors end at ${end}`);
      });
    },
  },
  {
    id: "F-GGUF-009",
    title: "opened again the file is the same, and a part of a tensor is that part of it",
    of: "file",
    async run({ open }, { location, file: before }) {
      await using file = await open(location);
      assert.equal(file.version, before.version);
      assert.equal(file.alignment, before.alignment);
      assert.deepEqual(file.entries, before.entries);
      assert.deepEqual([...file.tensors.values()], [...before.tensors.values()]);
      const tensors = [...file.tensors.values()];
      const stride = Math.ceil(tensors.length / 16) || 1;
      for (let i = 0; i < tensors.length; i += stride) {
        const tensor = tensors[i]!;
        const length = Math.min(96, tensor.bytes);
        for (const from of [0, tensor.bytes - length]) {
          const expected = new Uint8Array(length);
          await before.sources[tensor.source]!.read(tensor.offset + from, expected);
          const half = length >> 1;
          const parts = [
            ...await file.readTensor(tensor, new Uint8Array(half), from),
            ...await file.readTensor(tensor, new Uint8Array(length - half), from + half),
          ];
          assert.deepEqual(parts, [...expected], `${tensor.name} from byte ${from}`);
        }
      }
    },
  },
];
