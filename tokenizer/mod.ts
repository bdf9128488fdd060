/**
 * Text to token ids and back, from a GGUF file's metadata.
 *
 * A tokenizer first finds the special tokens that are written in a text. What is between them it
 * encodes by byte-level BPE (GPT-2, Llama 3, Qwen: words, then bytes, then merges) or by
 * SentencePiece (Llama 2: merges by score over the whole text). Decoding joins the tokens' bytes;
 * {@link createTextStream} does so while tokens still come.
 *
 * ```ts
 * import { createTextStream, createTokenizer } from "./mod.ts";
 *
 * // The metadata of a file, or, as here, the least that makes a tokenizer.
 * const tokenizer = createTokenizer(
 *   new Map<string, string | string[]>([
 *     ["tokenizer.ggml.model", "gpt2"],
 *     ["tokenizer.ggml.pre", "qwen2"],
 *     ["tokenizer.ggml.tokens", ["H", "i", "Hi"]],
 *     ["tokenizer.ggml.merges", ["H i"]],
 *   ]),
 * );
 * const ids = tokenizer.encode("HiH"); // [2, 0]
 * const stream = createTextStream(tokenizer);
 * const text = ids.map((id) => stream.push(id)).join("") + stream.flush(); // "HiH"
 * ```
 *
 * Ids are llama.cpp's for the same file. Not supported: Unigram (`t5`), WordPiece (`bert`), RWKV,
 * and pre-tokenizers that are not in `pre_tokenizers.ts`.
 *
 * @module
 */

export * from "./errors.ts";
export * from "./text_stream.ts";
export * from "./tokenizer.ts";
