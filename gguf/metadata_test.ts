import assert from "node:assert/strict";
import { GgufError } from "./errors.ts";
import {
  metadataBoolean,
  type MetadataEntry,
  metadataFrom,
  metadataNumber,
  metadataNumbers,
  metadataString,
  metadataStrings,
} from "./metadata.ts";

const ENTRIES: MetadataEntry[] = [
  { key: "number", type: "u32", value: 7 },
  { key: "huge", type: "u64", value: 2n ** 63n },
  { key: "string", type: "string", value: "text" },
  { key: "boolean", type: "bool", value: false },
  { key: "strings", type: "array", of: "string", value: ["a", "b"] },
  { key: "numbers", type: "array", of: "i32", value: Int32Array.of(1, 2) },
  { key: "longs", type: "array", of: "i64", value: BigInt64Array.of(-1n, 2n ** 40n) },
  { key: "hugeLongs", type: "array", of: "u64", value: BigUint64Array.of(2n ** 63n) },
];
const METADATA = metadataFrom(ENTRIES, "model.gguf");
const GETTERS = {
  number: metadataNumber,
  string: metadataString,
  boolean: metadataBoolean,
  strings: metadataStrings,
  numbers: metadataNumbers,
};

Deno.test("the getters give values of their type", () => {
  assert.equal(metadataNumber(METADATA, "number"), 7);
  assert.equal(metadataString(METADATA, "string"), "text");
  assert.equal(metadataBoolean(METADATA, "boolean"), false);
  assert.deepEqual(metadataStrings(METADATA, "strings"), ["a", "b"]);
  assert.deepEqual(metadataNumbers(METADATA, "numbers"), Int32Array.of(1, 2));
  assert.deepEqual(metadataNumbers(METADATA, "longs"), Float64Array.of(-1, 2 ** 40));
});

Deno.test("the getters give undefined for an absent key", () => {
  for (const get of Object.values(GETTERS)) assert.equal(get(METADATA, "absent"), undefined);
});

Deno.test("the getters refuse values of every other type and name file and key", () => {
  for (const [own, get] of Object.entries(GETTERS)) {
    for (const { key } of ENTRIES) {
      if (key === own || (own === "numbers" && key === "longs")) continue;
      assert.throws(() => get(METADATA, key), (error) => {
        assert(error instanceof GgufError, `${own} of ${key}`);
        assert.equal(error.file, "model.gguf");
        assert.match(error.message, new RegExp(`"${key}"`));
        return true;
      });
    }
  }
});
