import type { MetadataEntry } from "../gguf/mod.ts";

/** Every key of a vocabulary begins so. */
const PREFIX = "tokenizer.";

/** From the most to the least frequent in English, so that short words come first. */
const LETTERS = [..."etaoinshrdlcumwfgypbvkjxqz"];

/** Those of Qwen. */
const SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** `enum llama_token_type` of llama.cpp's `include/llama.h`. */
const NORMAL = 1;
const CONTROL = 3;

/**
 * The metadata of a made-up byte-level BPE vocabulary: the 256 bytes, then " e", " t", " a" …, then
 * " ee", " et", " ea" …, and so on, and Qwen's ChatML tokens at the end.
 *
 * A merge always adds one letter to a token that begins with a space. No merge competes with it, so
 * every token is what its own text becomes.
 *
 * @param size Number of tokens, at least 260.
 */
export function makeVocabulary(size: number): MetadataEntry[] {
  const tokens = byteAlphabet();
  const merges: string[] = [];
  const space = tokens[0x20]!;
  // The tokens that letters are still to be added to, shortest first.
  const prefixes = [space];
  const normalTokens = size - SPECIAL_TOKENS.length;
  for (let next = 0; tokens.length < normalTokens; next++) {
    const prefix = prefixes[next]!;
    for (const letter of LETTERS.slice(0, normalTokens - tokens.length)) {
      merges.push(`${prefix} ${letter}`);
      tokens.push(prefix + letter);
      prefixes.push(prefix + letter);
    }
  }
  tokens.push(...SPECIAL_TOKENS);
  const id = (token: string) => tokens.lastIndexOf(token);
  const types = Int32Array.from(tokens, (_, id) => id < normalTokens ? NORMAL : CONTROL);
  return [
    { key: "tokenizer.ggml.model", type: "string", value: "gpt2" },
    { key: "tokenizer.ggml.pre", type: "string", value: "qwen2" },
    { key: "tokenizer.ggml.tokens", type: "array", of: "string", value: tokens },
    { key: "tokenizer.ggml.token_type", type: "array", of: "i32", value: types },
    { key: "tokenizer.ggml.merges", type: "array", of: "string", value: merges },
    { key: "tokenizer.ggml.eos_token_id", type: "u32", value: id("<|im_end|>") },
    { key: "tokenizer.ggml.padding_token_id", type: "u32", value: id("<|endoftext|>") },
    { key: "tokenizer.ggml.bos_token_id", type: "u32", value: id("<|endoftext|>") },
    { key: "tokenizer.ggml.add_bos_token", type: "bool", value: false },
  ];
}

/**
 * GPT-2's character for each byte (`bytes_to_unicode` of openai/gpt-2): printable Latin-1 stands for
 * itself, the rest for U+0100 and up.
 */
function byteAlphabet(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = /[!-~¡-¬®-ÿ]/.test(String.fromCharCode(byte));
    return String.fromCharCode(printable ? byte : 0x100 + others++);
  });
}

/** The part of a file's metadata that makes its vocabulary, chat template included. */
export function vocabularyEntries(metadata: readonly MetadataEntry[]): MetadataEntry[] {
  return metadata.filter(({ key }) => key.startsWith(PREFIX));
}

/** The number of tokens; undefined if the metadata holds no list of tokens. */
export function countTokens(metadata: readonly MetadataEntry[]): number | undefined {
  const tokens = metadata.find(({ key }) => key === "tokenizer.ggml.tokens");
  if (tokens?.type !== "array" || tokens.of !== "string") return undefined;
  return tokens.value.length;
}
