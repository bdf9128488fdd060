import type { Metadata } from "../gguf/mod.ts";
import type { PlainTextEncoder } from "./byte_pair.ts";
import { TokenizerError } from "./errors.ts";
import { type MergeRules, mergeSymbols } from "./merge.ts";
import { missing, numberPerToken } from "./metadata_fields.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** SentencePiece writes a space as U+2581, lower one eighth block. */
export const SPACE_MARK = "▁";

/**
 * SentencePiece's BPE mode (Kudo and Richardson 2018, arXiv:1808.06226), as Llama 2 uses it:
 * spaces become "▁", and of all neighbours that together are a token, those whose token has the
 * highest score are joined first. A character that is no token becomes the byte tokens of its
 * UTF-8.
 *
 * @throws {TokenizerError} If the scores are missing or do not fit the vocabulary.
 */
export function createSentencePieceEncoder(
  metadata: Metadata,
  vocabulary: Vocabulary,
): PlainTextEncoder {
  const { index } = vocabulary;
  const priority = readPriorities(metadata, vocabulary);
  const product = Int32Array.from(vocabulary.texts, (_, id) => id);
  const encodeUnknown = createFallback(vocabulary);

  return (text, output) => {
    const escaped = text.replaceAll(" ", SPACE_MARK);
    const offsets = characterOffsets(escaped);
    const count = offsets.length - 1;
    const ids = new Int32Array(count);
    for (let i = 0; i < count; i++) ids[i] = index.find(escaped, offsets[i], offsets[i + 1]);
    const rules: MergeRules = {
      // Asked by text, not by ids: a pair can be a token although its halves are none.
      find: (_left, _right, start, end) => index.find(escaped, offsets[start], offsets[end]),
      priority,
      product,
    };
    const ends = new Int32Array(count);
    const survivors = mergeSymbols(ids, count, rules, ends);
    for (let i = 0; i < survivors; i++) {
      if (ids[i]! >= 0) output.push(ids[i]!);
      else output.push(...encodeUnknown(escaped.slice(offsets[ends[i]! - 1], offsets[ends[i]!])));
    }
  };
}

/** Where each character begins, and the end: [characters + 1], in UTF-16 units. */
function characterOffsets(text: string): Int32Array {
  const offsets = new Int32Array(text.length + 1);
  let count = 0;
  for (let at = 0; at < text.length; count++) {
    offsets[count] = at;
    at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  }
  offsets[count] = text.length;
  return offsets.subarray(0, count + 1);
}

/** Scores as places in line: equal scores share a place, the highest has place 0. [tokens] */
function readPriorities(metadata: Metadata, { texts }: Vocabulary): Int32Array {
  const key = "tokenizer.ggml.scores";
  const scores = numberPerToken(metadata, key, texts.length) ?? missing(key);
  const bits = new Float32Array(texts.length).map((_, id) => scores[id]!);
  const bad = bits.findIndex((score) => Number.isNaN(score));
  if (bad >= 0) throw new TokenizerError(`'${key}' is not a number for token ${bad}.`, key);
  const descending = [...new Set(bits)].sort((a, b) => b - a);
  const place = new Map(descending.map((score, i) => [score, i]));
  return Int32Array.from(bits, (score) => place.get(score)!);
}

/** For a character that is no token: its bytes' tokens, or else the unknown token. */
function createFallback({ index, unknown }: Vocabulary): (character: string) => readonly number[] {
  const encoder = new TextEncoder();
  const tokenOfByte = Int32Array.from({ length: 256 }, (_, byte) => {
    const digits = byte.toString(16).toUpperCase().padStart(2, "0");
    return index.find(`<0x${digits}>`);
  });
  return (character) => {
    const ids = Array.from(encoder.encode(character), (byte) => tokenOfByte[byte]!);
    if (ids.every((id) => id >= 0)) return ids;
    return unknown === undefined ? [] : [unknown];
  };
}
