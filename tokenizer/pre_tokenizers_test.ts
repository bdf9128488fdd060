import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenizerError } from "./mod.ts";
import { findPreTokenizer, preTokenizerNames, splitWords } from "./pre_tokenizers.ts";

const words = (name: string, text: string) => splitWords(text, findPreTokenizer(name));

Deno.test("splitWords() leaves nothing out, whatever the pre-tokenizer", () => {
  const unit = fc.constantFrom(..." \n\r\t'sStTlLaAzZ09½.,!?~$<>|`_/é漢가ก\u0301\u0085\ufeff😀");
  const text = fc.oneof(fc.string({ unit }), fc.string({ unit: "binary" }));
  for (const name of preTokenizerNames) {
    fc.assert(fc.property(text, (text) => {
      assert.equal(words(name, text).join(""), text);
      assert.ok(words(name, text).every((word) => word !== ""));
    }));
  }
});

// Cut by hand after the published patterns.
const CUTS: [string, string, string[]][] = [
  ["qwen2", "I'LL pay 1234 €!\n\n  ok", [
    ..."I|'LL| pay| |1|2|3|4".split("|"),
    " €!\n\n",
    " ",
    " ok",
  ]],
  ["llama-bpe", "in 12345 days", ["in", " ", "123", "45", " days"]],
  ["gpt-2", "I'LL pay 1234\n\nok", ["I", "'", "LL", " pay", " 1234", "\n", "\n", "ok"]],
  ["starcoder", "x 42's", ["x", " ", "4", "2", "'s"]],
  ["falcon", "a=1234", ["a", "=", "123", "4"]],
  ["deepseek-coder", "漢字kana 7!\n", ["漢字", "kana", " ", "7", "!", "\n"]],
  ["deepseek-v3", "1234漢字kana.map", ["123", "4", "漢字", "kana", ".map"]],
  ["gpt-4o", "camelCase HTTPServer don't", ["camel", "Case", " HTTPServer", " don't"]],
  ["tekken", "don't 12", ["don", "'t", " ", "1", "2"]],
  ["qwen35", "e\u0301te\u0301 x", ["e\u0301te\u0301", " x"]],
];

Deno.test("splitWords() cuts as the published patterns do", () => {
  for (const [name, text, expected] of CUTS) assert.deepEqual(words(name, text), expected, name);
});

Deno.test("splitWords() takes Unicode's white space for white space, not JavaScript's", () => {
  assert.deepEqual(words("qwen2", "a\u0085\u0085b"), ["a", "\u0085", "\u0085b"]);
  assert.deepEqual(words("qwen2", "a \ufeff"), ["a", " \ufeff"]);
});

Deno.test("splitWords() says so when a word is too long for the engine", () => {
  // The engine's limit on ways back lies between 1 and 16 million two-unit characters.
  assert.equal(words("qwen2", "😀".repeat(2 ** 20)).length, 1);
  assert.throws(() => words("qwen2", "😀".repeat(2 ** 24)), TokenizerError);
});

Deno.test("findPreTokenizer() names a pre-tokenizer that it does not know, and those it does", () => {
  assert.throws(() => findPreTokenizer("kimi-k2"), {
    name: "TokenizerError",
    key: "tokenizer.ggml.pre",
    message: /"kimi-k2".*supported are .*qwen2/,
  });
});
