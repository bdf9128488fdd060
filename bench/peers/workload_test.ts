import assert from "node:assert/strict";
import { openGguf } from "../../gguf/mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { createTokenizer } from "../../tokenizer/mod.ts";
import { makeWorkload } from "./workload.ts";

await using file = await openGguf(await synthesizeBlob({ vocabulary: 20_000, layers: 1 }));
const tokenizer = createTokenizer(file.metadata);

Deno.test("a workload's prompts have 64, 512 and 64 tokens, and their texts are the same tokens", () => {
  const { short, long, before } = makeWorkload(tokenizer, 3, 32);
  assert.deepEqual([short, long, before].map(({ tokens }) => tokens.length), [64, 512, 64]);
  for (const { tokens, text } of [short, long, before]) {
    assert.deepEqual(tokenizer.encode(text), tokens);
  }
});

Deno.test("a workload is the same for a seed and another for another", () => {
  const texts = [3, 3, 4].map((seed) => makeWorkload(tokenizer, seed, 32).long.text);
  assert.equal(texts[0], texts[1]);
  assert.notEqual(texts[0], texts[2]);
  const { short, before } = makeWorkload(tokenizer, 3, 32);
  assert.notEqual(short.tokens[0], before.tokens[0], "a session would reuse what they share");
});

Deno.test("a workload needs words", () => {
  const bytes = createTokenizer(
    new Map<string, string | string[]>([
      ["tokenizer.ggml.model", "gpt2"],
      ["tokenizer.ggml.pre", "qwen2"],
      ["tokenizer.ggml.tokens", ["a", "b", "ab"]],
      ["tokenizer.ggml.merges", ["a b"]],
    ]),
  );
  assert.throws(() => makeWorkload(bytes, 1, 32), /too few words/);
});
