/** Tests of contract gguf-format-v1: writing, reading by ranges, models in several files. */
import assert from "node:assert/strict";
import type { GgufDeclaration, MetadataEntry } from "../../gguf/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import {
  array,
  counting,
  entry,
  F32,
  integer,
  opened,
  padded,
  RecordingBlob,
  refused,
  start,
  tensor,
  text,
  u32,
} from "./bytes.ts";
import type { GgufFormat } from "./gguf_format.ts";

/** An entry of each type, with numbers that only that type holds. */
const ENTRIES: readonly MetadataEntry[] = [
  { key: "s.u8", type: "u8", value: 255 },
  { key: "s.i8", type: "i8", value: -128 },
  { key: "s.u16", type: "u16", value: 65_535 },
  { key: "s.i16", type: "i16", value: -32_768 },
  { key: "s.u32", type: "u32", value: 4_294_967_295 },
  { key: "s.i32", type: "i32", value: -2_147_483_648 },
  { key: "s.f32", type: "f32", value: -0.15625 },
  { key: "s.f64", type: "f64", value: 0.1 },
  { key: "s.u64", type: "u64", value: 2n ** 64n - 1n },
  { key: "s.i64", type: "i64", value: -(2n ** 63n) },
  { key: "s.bool", type: "bool", value: false },
  { key: "s.string", type: "string", value: "\ufeffĠthe\u0000🙂" },
  { key: "a.i16", type: "array", of: "i16", value: Int16Array.of(-1, 2, -3) },
  { key: "a.f32", type: "array", of: "f32", value: Float32Array.of(0.5, -0, Infinity) },
  { key: "a.u64", type: "array", of: "u64", value: BigUint64Array.of(0n, 2n ** 63n) },
  { key: "a.bool", type: "array", of: "bool", value: [true, false] },
  { key: "a.string", type: "array", of: "string", value: ["", "é", ""] },
  {
    key: "a.array",
    type: "array",
    of: "array",
    value: [{ type: "array", of: "string", value: ["x"] }, {
      type: "array",
      of: "u8",
      value: Uint8Array.of(),
    }],
  },
];

const TENSORS: GgufDeclaration["tensors"] = [
  { name: "token_embd.weight", type: "Q4_K", shape: [256, 3] },
  { name: "blk.0.ffn_gate_exps.weight", type: "Q8_0", shape: [32, 2, 4] },
  { name: "blk.0.ffn_down_exps.weight", type: "Q6_K", shape: [512, 1, 2] },
  { name: "output_norm.weight", type: "F32", shape: [5] },
  { name: "scale", type: "F16", shape: [] },
];

/** The bytes that the writer makes of a declaration, each tensor's data counting up from 1. */
async function written({ layout, write }: GgufFormat, declaration: GgufDeclaration) {
  const bytes: number[] = [];
  const plan = layout(declaration);
  const sink = {
    write(chunk: Uint8Array) {
      for (const byte of chunk) bytes.push(byte);
      return Promise.resolve();
    },
  };
  await write(sink, plan, ({ bytes }) => {
    const data = Uint8Array.from(counting(bytes));
    return [data.subarray(0, bytes >> 1), data.subarray(bytes >> 1)];
  });
  assert.equal(bytes.length, plan.size);
  return bytes;
}

/** A shard of three, with one tensor of four elements. */
function shard(number: number, name: string, changes: { count?: number; all?: number } = {}) {
  const { count = 3, all = 3 } = changes;
  const header = [
    ...start(1, 4),
    ...entry("split.no", "u16", integer(number, 2)),
    ...entry("split.count", "u16", integer(count, 2)),
    ...entry("split.tensors.count", "i32", u32(all)),
    ...entry("general.name", "string", text(`shard ${number}`)),
    ...tensor(name, [4], F32, 0),
  ];
  return new RecordingBlob([...padded(header), ...counting(16, 50 * number)]);
}

export const fileTests: FalsificationTest<GgufFormat>[] = [
  {
    id: "F-GGUF-014",
    title: "the writer's bytes are those of the specification",
    async run(subject) {
      const bytes = await written(subject, {
        alignment: 64,
        metadata: [
          { key: "a", type: "u16", value: 0x0102 },
          { key: "b", type: "array", of: "bool", value: [true, false] },
        ],
        tensors: [
          { name: "v", type: "F16", shape: [3] },
          { name: "w", type: "Q8_0", shape: [32, 2] },
        ],
      });
      const header = [
        ...start(2, 3),
        ...entry("a", "u16", [2, 1]),
        ...entry("b", "array", array("bool", [[1], [0]])),
        ...entry("general.alignment", "u32", u32(64)),
        ...tensor("v", [3], 1, 0),
        ...tensor("w", [32, 2], 8, 64),
      ];
      const expected = [
        ...padded(header, 64),
        ...padded(counting(6), 64),
        ...padded(counting(68), 64),
      ];
      assert.deepEqual(bytes, expected);
    },
  },
  {
    id: "F-GGUF-015",
    title: "a file that was written reads back as it was declared",
    async run(subject) {
      for (const version of [2, 3] as const) {
        for (const alignment of [8, 32, 64, 4096]) {
          const declaration = { version, alignment, metadata: ENTRIES, tensors: TENSORS };
          await using file = await opened(subject, await written(subject, declaration));
          assert.deepEqual([file.version, file.alignment], [version, alignment]);
          assert.deepEqual(file.entries.slice(0, ENTRIES.length), ENTRIES);
          const read = [...file.tensors.values()];
          assert.deepEqual(read.map(({ name, type, shape }) => ({ name, type, shape })), TENSORS);
          for (const tensor of read) {
            assert.deepEqual([...await file.readTensor(tensor)], counting(tensor.bytes));
          }
        }
      }
    },
  },
  {
    id: "F-GGUF-016",
    title: "to open a file costs its header, and to read a row costs that row",
    async run(subject) {
      const elements = 2 ** 21;
      const data = new Uint8Array(4 * elements);
      for (const count of [1, 40_000]) {
        const tokens = Array.from({ length: count }, (_, i) => text(`token number ${i}`));
        const header = padded([
          ...start(1, 1),
          ...entry("tokens", "array", array("string", tokens)),
          ...tensor("w", [1024, 2048], F32, 0),
        ]);
        const blob = new RecordingBlob(header, data);
        await using file = await opened(subject, blob);
        // Read in parts of 256 KiB, 512 KiB, 1 MiB …, at most one of which goes beyond the header.
        const most = 2 * header.length + 256 * 1024;
        assert.ok(blob.bytesRead <= most, `${blob.bytesRead} bytes for ${header.length}`);
        const before = blob.bytesRead;
        await file.readTensor(file.tensors.get("w")!, new Uint8Array(4096), 7 * 4096);
        assert.equal(blob.bytesRead - before, 4096);
        assert.deepEqual(blob.reads.at(-1), [header.length + 7 * 4096, header.length + 8 * 4096]);
      }
    },
  },
  {
    id: "F-GGUF-017",
    title: "shards make one model in whatever order they are given",
    async run(subject) {
      const shards = [shard(0, "u"), shard(1, "v"), shard(2, "w")] as const;
      for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]] as const) {
        await using file = await opened(subject, order.map((i) => shards[i]));
        assert.equal(file.metadata.get("general.name"), "shard 0");
        assert.deepEqual([...file.tensors.keys()], ["u", "v", "w"]);
        for (const [i, tensor] of [...file.tensors.values()].entries()) {
          assert.deepEqual([...await file.readTensor(tensor)], counting(16, 50 * i));
        }
      }
      const [u, v, w] = shards;
      const sets: [string, Blob[]][] = [
        ["two of three shards", [u, w]],
        ["one of three shards", [u]],
        ["a shard twice", [u, v, v]],
        ["a shard too many", [u, v, w, w]],
        ["a shard of four", [u, v, shard(2, "w", { count: 4 })]],
        ["a fourth shard of three", [u, v, shard(3, "w")]],
        ["two shards with one tensor", [u, v, shard(2, "v")]],
        ["three tensors of four", [shard(0, "u", { all: 4 }), v, w]],
      ];
      for (const [what, given] of sets) await refused(subject, given, what);
    },
  },
];
