/** Vocabularies small enough to say by hand what a text becomes, and what a model's can write. */
import {
  type Metadata,
  metadataNumbers,
  metadataStrings,
  type MetadataValue,
} from "../../gguf/mod.ts";
import type { Tokenizer } from "../../tokenizer/mod.ts";

/** The numbers of `tokenizer.ggml.token_type`. */
export const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/** A special token's text and type. */
export type Special = readonly [text: string, type: number];

/** Changes to metadata; a key whose value is undefined is left out. */
export type Changes = Readonly<Record<string, MetadataValue | undefined>>;

/**
 * GPT-2's letter for each byte, as published in its encoder: 33 to 126, 161 to 172 and 174 to 255
 * are themselves, the other 68 bytes are, in their order, U+0100 to U+0143. [256]
 */
export const LETTERS: readonly string[] = (() => {
  const itself = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !itself(byte));
  return Array.from(
    { length: 256 },
    (_, byte) => String.fromCharCode(itself(byte) ? byte : 0x100 + others.indexOf(byte)),
  );
})();

/** The UTF-8 of a text. */
export function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** A text in GPT-2's letters. */
export function inLetters(text: string): string {
  return utf8(text).map((byte) => LETTERS[byte]).join("");
}

/**
 * A byte-level vocabulary: token b is byte b, and 256 and up are the words, then the special ones.
 *
 * @param words in GPT-2's letters
 * @param merges "left right", in the order of their ranks
 */
export function byteLevel(
  words: readonly string[],
  merges: readonly string[],
  special: readonly Special[] = [],
  changes: Changes = {},
): Metadata {
  const types = [...new Array(256 + words.length).fill(TYPE.normal), ...special.map(([, t]) => t)];
  return metadataOf({
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": [...LETTERS, ...words, ...special.map(([text]) => text)],
    "tokenizer.ggml.token_type": Int32Array.from(types),
    "tokenizer.ggml.merges": [...merges],
    "tokenizer.ggml.add_bos_token": false,
    ...changes,
  });
}

/** Where the scored pieces of {@linkcode pieces} begin: behind <unk>, <s>, </s> and 256 bytes. */
export const FIRST_PIECE = 259;

/** The token of a byte in {@linkcode pieces}. */
export const byteToken = (byte: number): number => 3 + byte;

/**
 * A SentencePiece vocabulary: <unk>, <s>, </s>, the 256 bytes, then pieces with their scores, then
 * the special ones.
 */
export function pieces(
  scored: readonly (readonly [text: string, score: number])[],
  special: readonly Special[] = [],
  changes: Changes = {},
): Metadata {
  const bytes = LETTERS.map((_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const texts = scored.map(([text]) => text);
  return metadataOf({
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": [
      ...["<unk>", "<s>", "</s>"],
      ...bytes,
      ...texts,
      ...special.map(([text]) => text),
    ],
    "tokenizer.ggml.scores": Float32Array.from([
      ...new Array(FIRST_PIECE).fill(0),
      ...scored.map(([, score]) => score),
      ...special.map(() => 0),
    ]),
    "tokenizer.ggml.token_type": Int32Array.from([
      ...[TYPE.unknown, TYPE.control, TYPE.control],
      ...new Array(256).fill(TYPE.byte),
      ...scored.map(() => TYPE.normal),
      ...special.map(([, type]) => type),
    ]),
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.ggml.add_space_prefix": false,
    ...changes,
  });
}

function metadataOf(values: Changes): Metadata {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return new Map(given as [string, MetadataValue][]);
}

/**
 * What merging is by definition: as long as a pair of neighbours has a rank, the pair with the
 * lowest becomes one symbol, the leftmost among equals.
 */
export function mergedByDefinition(
  symbols: readonly string[],
  rankOf: (left: string, right: string) => number | undefined,
): string[] {
  const merged = [...symbols];
  for (;;) {
    const ranks = merged.slice(1).map((right, i) => rankOf(merged[i]!, right) ?? Infinity);
    const lowest = Math.min(...ranks, Infinity);
    if (lowest === Infinity) return merged;
    const at = ranks.indexOf(lowest);
    merged.splice(at, 2, merged[at]! + merged[at + 1]!);
  }
}

/**
 * Whether a vocabulary can write a text: it has a token for each of its bytes, and no token of its
 * makers' own stands in the text, around which SentencePiece's spaces are ambiguous.
 */
export function writes(tokenizer: Tokenizer, metadata: Metadata): (text: string) => boolean {
  const bytes = new Set<number>();
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const own = tokenizer.tokenBytes(id);
    if (own.length === 1) bytes.add(own[0]!);
  }
  const types = metadataNumbers(metadata, "tokenizer.ggml.token_type");
  const added = metadataStrings(metadata, "tokenizer.ggml.tokens")!
    .filter((text, id) => types?.[id] === TYPE.userDefined && text !== "")
    .flatMap((text) => [text, text.replaceAll("▁", " ")]);
  return (text) =>
    utf8(text).every((byte) => bytes.has(byte)) && !added.some((token) => text.includes(token));
}
