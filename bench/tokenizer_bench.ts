/**
 * How long it takes to make a tokenizer of 151,936 tokens, and to encode with it:
 * `deno bench -A bench/tokenizer_bench.ts`, on ../shared/vocab/qwen.gguf.
 *
 * @module
 */
import { openGguf } from "../gguf/mod.ts";
import { createTokenizer } from "../tokenizer/mod.ts";

const vocabulary = new URL("../../shared/vocab/qwen.gguf", import.meta.url);
await using file = await openGguf(vocabulary);
const { metadata } = file;
const tokenizer = createTokenizer(metadata);
const text = "The quick brown fox jumps over 13 lazy dogs; Straßenbahn, 東京, naïve.\n".repeat(
  1400,
);

Deno.bench("open the file: header, 151,936 tokens, 151,387 merges", async () => {
  await using _file = await openGguf(vocabulary);
});

Deno.bench("make the tokenizer", () => {
  createTokenizer(metadata);
});

Deno.bench("encode 100 KB of text", () => {
  tokenizer.encode(text);
});
