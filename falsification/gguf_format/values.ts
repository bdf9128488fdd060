/** Tests of contract gguf-format-v1: what stands before the tensors. */
import assert from "node:assert/strict";
import type { MetadataValue } from "../../gguf/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import { array, entry, opened, refused, start, text, u32, u64 } from "./bytes.ts";
import type { GgufFormat } from "./gguf_format.ts";

// One entry of each scalar type, every byte by hand. Each key is one letter.
// deno-fmt-ignore
const SCALARS = [
  0x47, 0x47, 0x55, 0x46,  3, 0, 0, 0,                   // "GGUF", version 3
  0, 0, 0, 0, 0, 0, 0, 0,  15, 0, 0, 0, 0, 0, 0, 0,      // no tensor, 15 entries
  1, 0, 0, 0, 0, 0, 0, 0, 0x61,   0, 0, 0, 0,  0xff,                     // a u8   255
  1, 0, 0, 0, 0, 0, 0, 0, 0x62,   1, 0, 0, 0,  0x80,                     // b i8   -2^7
  1, 0, 0, 0, 0, 0, 0, 0, 0x63,   2, 0, 0, 0,  0x34, 0x12,               // c u16  0x1234
  1, 0, 0, 0, 0, 0, 0, 0, 0x64,   3, 0, 0, 0,  0x00, 0x80,               // d i16  -2^15
  1, 0, 0, 0, 0, 0, 0, 0, 0x65,   7, 0, 0, 0,  0x01,                     // e bool true
  1, 0, 0, 0, 0, 0, 0, 0, 0x66,   4, 0, 0, 0,  0x78, 0x56, 0x34, 0xf2,   // f u32  0xf2345678
  1, 0, 0, 0, 0, 0, 0, 0, 0x67,   5, 0, 0, 0,  0x00, 0x00, 0x00, 0x80,   // g i32  -2^31
  1, 0, 0, 0, 0, 0, 0, 0, 0x68,   6, 0, 0, 0,  0x00, 0x00, 0x20, 0xbe,   // h f32  -0.15625
  1, 0, 0, 0, 0, 0, 0, 0, 0x69,   7, 0, 0, 0,  0x00,                     // i bool false
  1, 0, 0, 0, 0, 0, 0, 0, 0x6a,  10, 0, 0, 0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                      // j u64  2^64 - 1
  1, 0, 0, 0, 0, 0, 0, 0, 0x6b,  11, 0, 0, 0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xdf, 0xff,                      // k i64  -2^53 - 1
  1, 0, 0, 0, 0, 0, 0, 0, 0x6c,  12, 0, 0, 0,
    0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f,                      // l f64  0.1
  1, 0, 0, 0, 0, 0, 0, 0, 0x6d,  10, 0, 0, 0,
    0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,                      // m u64  2^32
  1, 0, 0, 0, 0, 0, 0, 0, 0x6e,  11, 0, 0, 0,
    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                      // n i64  -2
  1, 0, 0, 0, 0, 0, 0, 0, 0x6f,   8, 0, 0, 0,
    3, 0, 0, 0, 0, 0, 0, 0,  0xe2, 0x82, 0xac,                           // o string "€"
];

const SCALAR_VALUES: [key: string, type: string, value: MetadataValue][] = [
  ["a", "u8", 255],
  ["b", "i8", -128],
  ["c", "u16", 0x1234],
  ["d", "i16", -32_768],
  ["e", "bool", true],
  ["f", "u32", 0xf2345678],
  ["g", "i32", -2_147_483_648],
  ["h", "f32", -0.15625],
  ["i", "bool", false],
  ["j", "u64", 18_446_744_073_709_551_615n],
  ["k", "i64", -9_007_199_254_740_993n],
  ["l", "f64", 0.1],
  ["m", "u64", 4_294_967_296],
  ["n", "i64", -2],
  ["o", "string", "€"],
];

const STRINGS = ["a", "", "Ġthe", "🙂", "\u0000x", "\ufeff"];

/** Arrays: their bytes, and what they are. */
const ARRAYS: [bytes: number[], value: MetadataValue][] = [
  [array("u8", [[1], [255]]), Uint8Array.of(1, 255)],
  [array("i8", [[1], [255]]), Int8Array.of(1, -1)],
  [array("u16", [[1, 2]]), Uint16Array.of(0x0201)],
  [array("i16", [[0xfe, 0xff]]), Int16Array.of(-2)],
  [array("u32", [u32(7), u32(0xffffffff)]), Uint32Array.of(7, 0xffffffff)],
  [array("i32", [u32(7), u32(-1)]), Int32Array.of(7, -1)],
  // 0x3f800000 is 1, and 0xc0000000 is -2.
  [array("f32", [[0, 0, 0x80, 0x3f], [0, 0, 0, 0xc0]]), Float32Array.of(1, -2)],
  // 0x3ff0000000000000 is 1.
  [array("f64", [[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]]), Float64Array.of(1)],
  [array("u64", [u64(2n ** 63n), u64(3)]), BigUint64Array.of(2n ** 63n, 3n)],
  [array("i64", [u64(-(2n ** 63n))]), BigInt64Array.of(-(2n ** 63n))],
  [array("bool", [[1], [0], [1]]), [true, false, true]],
  [array("string", STRINGS.map(text)), STRINGS],
  [array("u16", []), new Uint16Array(0)],
  [array("string", []), []],
  [array("array", [array("u8", [[1], [2]]), array("string", [text("b")])]), [
    Uint8Array.of(1, 2),
    ["b"],
  ]],
  [array("array", [array("array", [array("i8", [[254]])])]), [[Int8Array.of(-2)]]],
];

/** A file that spells its version in big-endian order, as version 3 allows. */
const BIG_ENDIAN = [
  ...[0x47, 0x47, 0x55, 0x46, 0, 0, 0, 3],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];

export const valueTests: FalsificationTest<GgufFormat>[] = [
  {
    id: "F-GGUF-001",
    title: "only little-endian files of version 2 or 3 are opened",
    async run(subject) {
      for (const version of [2, 3]) {
        await using file = await opened(subject, start(0, 0, version));
        assert.equal(file.version, version);
      }
      for (const version of [0, 1, 4, 5, 0xffff, 2 ** 32 - 1]) {
        await refused(subject, start(0, 0, version), `version ${version}`);
      }
      // Version 1 had counts of 32 bits.
      await refused(
        subject,
        [0x47, 0x47, 0x55, 0x46, ...u32(1), ...u32(0), ...u32(0)],
        "version 1",
      );
      for (const magic of ["GGML", "FUGG", "GGUf", "ggjt", "PK\u0003\u0004"]) {
        const bytes = [...new TextEncoder().encode(magic), ...start(0, 0).slice(4)];
        await refused(subject, bytes, `a file that begins with ${JSON.stringify(magic)}`);
      }
      const { message } = await refused(subject, BIG_ENDIAN, "a big-endian file");
      assert.match(message, /big-endian/);
    },
  },
  {
    id: "F-GGUF-002",
    title: "each type of value reads as its bytes spell it",
    async run(subject) {
      await using file = await opened(subject, SCALARS);
      const expected = SCALAR_VALUES.map(([key, , value]) => [key, value] as const);
      assert.deepEqual([...file.metadata], expected);
      assert.deepEqual(
        file.entries,
        SCALAR_VALUES.map(([key, type, value]) => ({ key, type, value })),
      );
    },
  },
  {
    id: "F-GGUF-003",
    title: "arrays of every type, empty ones and nested ones, read as their bytes spell them",
    async run(subject) {
      const entries = ARRAYS.flatMap(([bytes], i) => entry(`k${i}`, "array", bytes));
      await using file = await opened(subject, [...start(0, ARRAYS.length), ...entries]);
      assert.equal(file.metadata.size, ARRAYS.length);
      ARRAYS.forEach(([, value], i) => assert.deepEqual(file.metadata.get(`k${i}`), value));
    },
  },
];
