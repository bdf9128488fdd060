/** What several tests of this room share; it holds no test itself. */
import type { Metadata, MetadataValue } from "../gguf/mod.ts";
import { createTokenizer, type Tokenizer } from "./mod.ts";

/** GPT-2's characters for the 256 bytes, written out: what is not printable begins at U+0100. */
const ALPHABET: readonly string[] = [
  ...range(0x100, 0x120),
  ...range(0x21, 0x7e),
  ...range(0x121, 0x142),
  ...range(0xa1, 0xac),
  String.fromCharCode(0x143),
  ...range(0xae, 0xff),
];

function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i));
}

/** A byte-level vocabulary: token b is byte b up to 255, then come words and special tokens. */
export function byteLevelMetadata(changes: Record<string, MetadataValue> = {}): Metadata {
  const merged = ["aa", "aaaa", "ðŁ", "ĠĠ", "he", "Ġhe"];
  const special: [string, number][] = [
    ["<|im_start|>", 3],
    ["<|im_end|>", 3],
    ["<think>", 4],
    ["<pad>", 5],
  ];
  const texts = [...ALPHABET, ...merged, ...special.map(([text]) => text)];
  return metadataOf({
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": texts,
    "tokenizer.ggml.token_type": Int32Array.from([
      ...Array(256 + merged.length).fill(1),
      ...special.map(([, type]) => type),
    ]),
    "tokenizer.ggml.merges": ["a a", "aa aa", "ð Ł", "Ġ Ġ", "h e", "Ġ he"],
    "tokenizer.ggml.eos_token_id": texts.indexOf("<|im_end|>"),
    ...changes,
  });
}

/** A SentencePiece vocabulary: <unk>, <s>, </s>, 256 bytes, then scored pieces. */
export function sentencePieceMetadata(changes: Record<string, MetadataValue> = {}): Metadata {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const pieces = ["▁a", "ab", "bc", "aa", "aaaa", "▁", "a", "b", "c", "é"];
  return metadataOf({
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", ...bytes, ...pieces],
    "tokenizer.ggml.scores": Float32Array.from([
      ...Array(259).fill(0),
      ...pieces.map((_, index) => -index),
    ]),
    "tokenizer.ggml.token_type": Int32Array.from([
      2,
      3,
      3,
      ...Array(256).fill(6),
      ...pieces.map(() => 1),
    ]),
    ...changes,
  });
}

/** Metadata without the keys whose value is undefined. */
export function metadataOf(values: Record<string, MetadataValue | undefined>): Metadata {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return new Map(present as [string, MetadataValue][]);
}

/** A tokenizer of {@link byteLevelMetadata}. */
export function byteLevelTokenizer(): Tokenizer {
  return createTokenizer(byteLevelMetadata());
}

/** A tokenizer of {@link sentencePieceMetadata}. */
export function sentencePieceTokenizer(): Tokenizer {
  return createTokenizer(sentencePieceMetadata());
}
