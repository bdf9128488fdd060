import assert from "node:assert/strict";
import fixtures from "../fixtures/dequantize.json" with { type: "json" };
import { WEIGHT_FORMATS, type WeightType } from "../formats.ts";
import { dequantizeRow } from "./dequantize.ts";

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// The fixtures were made by llama.cpp's gguf package, see tools/dequantize_fixtures.py.
for (const type of Object.keys(WEIGHT_FORMATS) as WeightType[]) {
  Deno.test(`dequantizeRow() gives the bits of llama.cpp's gguf package for ${type}`, () => {
    const bytes = fromBase64(fixtures[type].bytes);
    const expected = new Float32Array(fromBase64(fixtures[type].weights).buffer);
    assert.deepEqual(dequantizeRow(type, bytes, expected.length), expected);
  });
}

Deno.test("dequantizeRow() refuses bytes that are not as long as the row", () => {
  assert.throws(() => dequantizeRow("Q4_K", new Uint8Array(143), 256), {
    name: "RangeError",
    message: "a Q4_K row of 256 columns has 144 bytes, not 143",
  });
});
