import assert from "node:assert/strict";
import { makeVocabulary } from "./vocabulary.ts";

/** The value of a made-up vocabulary's key. */
function valueOf(size: number, key: string): unknown {
  return makeVocabulary(size).find((entry) => entry.key === `tokenizer.ggml.${key}`)?.value;
}

Deno.test("makeVocabulary() has as many different tokens as asked for", () => {
  for (const size of [260, 285, 286, 512, 1000, 20_000]) {
    const tokens = valueOf(size, "tokens") as string[];
    assert.equal(tokens.length, size);
    assert.equal(new Set(tokens).size, size);
    assert.equal((valueOf(size, "merges") as string[]).length, size - 259);
  }
});

Deno.test("makeVocabulary() begins with GPT-2's byte alphabet and ends with Qwen's tokens", () => {
  const tokens = valueOf(300, "tokens") as string[];
  // From openai/gpt-2's vocabulary: newline, space, the letter A, the byte 0xAD.
  assert.deepEqual([tokens[0x0a], tokens[0x20], tokens[0x41], tokens[0xad]], ["Ċ", "Ġ", "A", "Ń"]);
  assert.deepEqual(tokens.slice(-3), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]);
  assert.equal(valueOf(300, "eos_token_id"), 299);
  assert.equal(valueOf(300, "padding_token_id"), 297);
});

Deno.test("makeVocabulary() makes each token of two that stand before it", () => {
  const tokens = valueOf(2000, "tokens") as string[];
  const merges = valueOf(2000, "merges") as string[];
  merges.forEach((merge, index) => {
    const [left, right] = merge.split(" ") as [string, string];
    const made = 256 + index;
    assert.equal(tokens[made], left + right);
    assert.ok(tokens.indexOf(left) < made && tokens.indexOf(right) < made);
  });
});
