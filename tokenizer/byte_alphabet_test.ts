import assert from "node:assert/strict";
import { alphabetToBytes, bytesToAlphabet, characterOfByte } from "./byte_alphabet.ts";

Deno.test("characterOfByte has the characters of published GPT-2 vocabularies", () => {
  // As gpt2's vocab.json has them: token 220 is "Ġ", 198 "Ċ", 197 "ĉ", 188 "Ā".
  assert.equal(characterOfByte[0x20], "Ġ");
  assert.equal(characterOfByte[0x0a], "Ċ");
  assert.equal(characterOfByte[0x09], "ĉ");
  assert.equal(characterOfByte[0x00], "Ā");
  assert.equal(characterOfByte[0x41], "A");
  assert.equal(characterOfByte[0xad], "Ń");
  assert.equal(characterOfByte[0xff], "ÿ");
  assert.equal(new Set(characterOfByte).size, 256);
});

Deno.test("alphabetToBytes() undoes bytesToAlphabet()", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  assert.deepEqual(alphabetToBytes(bytesToAlphabet(bytes)), bytes);
});

Deno.test("alphabetToBytes() refuses what is not of the alphabet", () => {
  for (const text of ["a b", "｜", "\u0144", "\u00ad"]) {
    assert.equal(alphabetToBytes(text), undefined);
  }
});
