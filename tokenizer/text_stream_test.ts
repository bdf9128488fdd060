import assert from "node:assert/strict";
import fc from "fast-check";
import { byteLevelTokenizer, sentencePieceTokenizer } from "./helpers_test.ts";
import { createTextStream, type DecodeOptions, type Tokenizer } from "./mod.ts";

const TOKENIZERS = { "byte-level": byteLevelTokenizer(), SentencePiece: sentencePieceTokenizer() };

function pushAll(tokenizer: Tokenizer, ids: number[], options?: DecodeOptions): string[] {
  const stream = createTextStream(tokenizer, options);
  return [...ids.map((id) => stream.push(id)), stream.flush()];
}

for (const [kind, tokenizer] of Object.entries(TOKENIZERS)) {
  Deno.test(`createTextStream() emits in all what decode() gives, for any ids, ${kind}`, () => {
    const ids = fc.array(fc.nat(tokenizer.vocabularySize - 1));
    fc.assert(fc.property(ids, fc.boolean(), (ids, special) => {
      assert.equal(
        pushAll(tokenizer, ids, { special }).join(""),
        tokenizer.decode(ids, { special }),
      );
    }));
  });

  Deno.test(`createTextStream() never emits half a character of valid text, ${kind}`, () => {
    const text = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/\ufffd|▁/g, ""));
    fc.assert(fc.property(text, (text) => {
      const ids = tokenizer.encode(text, { special: false, addBos: false });
      const pushed = pushAll(tokenizer, ids);
      assert.ok(pushed.every((part) => !part.includes("\ufffd")));
      assert.equal(pushed.join(""), text);
      assert.equal(pushed.at(-1), "");
    }));
  });
}

Deno.test("createTextStream() keeps bytes until a character is whole", () => {
  // "😀" is F0 9F 98 80; token 258 is F0 9F.
  assert.deepEqual(pushAll(byteLevelTokenizer(), [258, 0x98, 0x80]), ["", "", "😀", ""]);
  assert.deepEqual(pushAll(byteLevelTokenizer(), [258, 0x98]), ["", "", "\ufffd"]);
  assert.deepEqual(pushAll(byteLevelTokenizer(), [258, 0x41]), ["", "\ufffdA", ""]);
});

Deno.test("createTextStream() drops the space before the text, and no other", () => {
  const tokenizer = sentencePieceTokenizer();
  const [withSpace, space] = [tokenizer.encode("a", { addBos: false })[0]!, 264];
  assert.deepEqual(pushAll(tokenizer, [withSpace, withSpace]), ["a", " a", ""]);
  assert.deepEqual(pushAll(tokenizer, [space, space]), ["", " ", ""]);
  assert.deepEqual(pushAll(tokenizer, [1, withSpace], { special: false }), ["", "a", ""]);
  assert.deepEqual(pushAll(tokenizer, [1, withSpace]), ["<s>", " a", ""]);
});

Deno.test("createTextStream() keeps a byte order mark", () => {
  assert.deepEqual(pushAll(byteLevelTokenizer(), [0xef, 0xbb, 0xbf]), ["", "", "\ufeff", ""]);
});
