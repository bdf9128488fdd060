/** Tests of contract gguf-format-v1: files that are cut, damaged or made to harm. */
import assert from "node:assert/strict";
import { GgufError } from "../../gguf/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import {
  array,
  counting,
  entry,
  F32,
  opened,
  padded,
  RecordingBlob,
  refused,
  start,
  tensor,
  text,
  u32,
  u64,
} from "./bytes.ts";
import type { GgufFormat } from "./gguf_format.ts";

/** A file with scalars, arrays and tensors that ends with its last tensor's last byte. */
function smallFile(): number[] {
  const header = [
    ...start(2, 6),
    ...entry("general.architecture", "string", text("qwen3moe")),
    ...entry("a", "u64", u64(2n ** 60n)),
    ...entry("b", "bool", [1]),
    ...entry("c", "array", array("string", [text("one"), text("two")])),
    ...entry("d", "array", array("i32", [u32(1), u32(-1)])),
    ...entry("e", "array", array("array", [array("u8", [[1]]), array("f64", [u64(0)])])),
    ...tensor("v", [32, 2], 8, 0),
    ...tensor("w", [3], F32, 96),
  ];
  return [...padded(header), ...padded(counting(68)), ...counting(12)];
}

const key = (length: number | bigint) => [...start(0, 1), ...u64(length)];
const value = (type: "string" | "array", bytes: number[]) => [
  ...start(0, 1),
  ...entry("k", type, bytes),
];
const elements = (type: number, count: number | bigint) =>
  value("array", [...u32(type), ...u64(count), 0, 0, 0, 0]);
const shaped = (...shape: (number | bigint)[]) => [
  ...padded([...start(1, 0), ...tensor("w", shape, F32, 0)]),
  ...counting(64),
];

/** Sizes that the files do not have. In 64 bits, 8 times 2^61 is 0, and 2^32 times 2^32 too. */
const LIES: [what: string, bytes: number[]][] = [
  ...[1, 2n ** 31n, 2n ** 61n, 2n ** 64n - 1n].flatMap((count): [string, number[]][] => [
    [`${count} tensors`, start(count, 0)],
    [`${count} metadata entries`, start(0, count)],
    [`a key of ${count} bytes`, key(count)],
    [`a string of ${count} bytes`, value("string", u64(count))],
    [`an array of ${count} times 8 bytes`, elements(10, count)],
    [`an array of ${count} strings`, elements(8, count)],
    [`an array of ${count} arrays`, elements(9, count)],
    [`a tensor name of ${count} bytes`, [...start(1, 0), ...u64(count)]],
  ]),
  ["an array of 2^61 + 1 bytes", elements(0, 2n ** 61n + 1n)],
  ["an array of 2^40 booleans", elements(7, 2n ** 40n)],
  [
    "a string in an array that is longer than the file",
    value("array", [...u32(8), ...u64(2), ...text("a"), ...u64(2n ** 40n)]),
  ],
  ["2^32 dimensions", [...start(1, 0), ...text("w"), ...u32(-1), ...counting(64, 1)]],
  ["a tensor of 2^62 elements", shaped(2n ** 62n)],
  ["a tensor of 2^32 times 2^32 elements", shaped(2n ** 32n, 2n ** 32n)],
  ["a tensor of four times 2^32 elements", shaped(...new Array(4).fill(2n ** 32n))],
  ["a tensor larger than the file", shaped(17)],
];

const alignedTo = (bytes: number) => [
  ...start(0, 1),
  ...entry("general.alignment", "u32", u32(bytes)),
];

const named = (name: string, type = F32) => [
  ...padded([...start(1, 0), ...tensor(name, [256], type, 0)]),
  ...counting(2048),
];

/** The closest that the format does allow. */
const WELL_FORMED: number[][] = [
  [...start(0, 1), ...text("k"), ...u32(12), ...u64(0)],
  elements(12, 0),
  value("array", array("bool", [[1], [0]])),
  [...start(0, 2), ...entry("k", "u8", [1]), ...entry("K", "bool", [1])],
  named("w".repeat(64)),
  shaped(4, 1, 2, 2),
  shaped(),
  alignedTo(64),
];

/** What the format does not allow, in files that are long enough. */
const MALFORMED: [what: string, bytes: number[]][] = [
  ["a type of value that there is not", [...start(0, 1), ...text("k"), ...u32(13), ...u64(0)]],
  ["a type of element that there is not", elements(13, 0)],
  ["a boolean of 2", [...start(0, 1), ...entry("b", "bool", [2])]],
  ["a boolean of 255 in an array", value("array", array("bool", [[1], [255]]))],
  ["an empty key", [...start(0, 1), ...entry("", "u8", [1])]],
  ["a key that is no UTF-8", [...start(0, 1), ...u64(1), 0xff, ...u32(0), 1]],
  ["a key twice", [...start(0, 2), ...entry("k", "u8", [1]), ...entry("k", "u8", [1])]],
  ["a key twice, with two types", [
    ...start(0, 2),
    ...entry("k", "u8", [1]),
    ...entry("k", "bool", [1]),
  ]],
  ["a tensor name twice", [
    ...padded([...start(2, 0), ...tensor("w", [8], F32, 0), ...tensor("w", [8], F32, 32)]),
    ...counting(64),
  ]],
  ["an empty tensor name", named("")],
  ["a tensor name of 65 bytes", named("w".repeat(65))],
  ["five dimensions", shaped(1, 1, 1, 1, 1)],
  ["a dimension of 0", shaped(4, 0)],
  // Q4_2, Q4_3 and the types for Arm were removed; the last is none.
  ...[4, 5, 31, 32, 33, 36, 37, 38, 2 ** 32 - 1].map((type): [string, number[]] => [
    `tensor type ${type}`,
    named("w", type),
  ]),
  ...[0, 24, 48].map((bytes): [string, number[]] => [`alignment ${bytes}`, alignedTo(bytes)]),
  [
    "an alignment in words",
    [...start(0, 1), ...entry("general.alignment", "string", text("32"))],
  ],
];

/** The file, or undefined where it is refused with a GgufError; fails with any other error. */
async function openedOrRefused({ open }: GgufFormat, bytes: number[], what: string) {
  try {
    return await open(new RecordingBlob(bytes));
  } catch (error) {
    assert.ok(error instanceof GgufError, `${what}: ${error}`);
    return undefined;
  }
}

export const refusalTests: FalsificationTest<GgufFormat>[] = [
  {
    id: "F-GGUF-010",
    title: "a file cut off after any of its bytes is refused as a GGUF file that is not sound",
    async run(subject) {
      const bytes = smallFile();
      await using file = await opened(subject, bytes);
      assert.equal(file.tensors.size, 2);
      for (let length = 0; length < bytes.length; length++) {
        await refused(subject, bytes.slice(0, length), `the file cut after ${length} bytes`);
      }
    },
  },
  {
    id: "F-GGUF-011",
    title: "counts and lengths beyond the file are refused before anything of that size is read",
    async run(subject) {
      for (const [what, bytes] of LIES) {
        const blob = new RecordingBlob(bytes);
        await refused(subject, blob, what);
        for (const [from, to] of blob.reads) {
          assert.ok(to <= bytes.length, `${what}: bytes ${from} to ${to} of ${bytes.length}`);
        }
      }
    },
  },
  {
    id: "F-GGUF-012",
    title: "what the format does not allow is refused",
    async run(subject) {
      for (const bytes of WELL_FORMED) await (await opened(subject, bytes)).close();
      for (const [what, bytes] of MALFORMED) await refused(subject, bytes, what);
    },
  },
  {
    id: "F-GGUF-013",
    title: "a damaged file opens with tensors that can be read, or is refused with a GgufError",
    async run(subject) {
      const sound = smallFile();
      let refusals = 0;
      for (let at = 0; at < sound.length; at++) {
        const eight = [0n, 1n << 31n, 1n << 53n, 1n << 63n].map((number) => u64(number));
        for (const damage of [[sound[at]! ^ 1], [sound[at]! ^ 0x80], [0xff], ...eight]) {
          const bytes = [...sound];
          bytes.splice(at, damage.length, ...damage);
          const file = await openedOrRefused(subject, bytes, `bytes ${damage} at ${at}`);
          if (file === undefined) refusals++;
          for (const tensor of file?.tensors.values() ?? []) {
            assert.equal((await file!.readTensor(tensor)).length, tensor.bytes);
          }
        }
      }
      assert.ok(refusals > sound.length, `only ${refusals} damaged files were refused`);
    },
  },
];
