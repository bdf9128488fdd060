import type { Metadata } from "../gguf/mod.ts";
import { bytesToAlphabet, characterOfByte } from "./byte_alphabet.ts";
import { TokenizerError } from "./errors.ts";
import { CONVERT_AGAIN, requiredStrings } from "./metadata_fields.ts";
import { type MergeRules, mergeSymbols } from "./merge.ts";
import { createPairTable } from "./pair_table.ts";
import { type PreTokenizer, splitWords } from "./pre_tokenizers.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Encodes plain text, in which no special token is left, onto the end of a list of ids. */
export type PlainTextEncoder = (text: string, output: number[]) => void;

/** Longest word, in UTF-16 units, whose tokens are remembered, and how many are. */
const CACHED_WORD_LENGTH = 32;
const CACHED_WORDS = 32_768;

/**
 * Byte-level byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909; over bytes since GPT-2):
 * words become UTF-8 bytes, and pairs of neighbours are merged in the order of the merge list.
 *
 * Own code, because `@huggingface/tokenizers` 0.2.0 needed 750 ms to load 151,936 tokens.
 *
 * @throws {TokenizerError} If the merges are missing or do not fit the vocabulary.
 */
export function createBytePairEncoder(
  metadata: Metadata,
  vocabulary: Vocabulary,
  preTokenizer: PreTokenizer,
): PlainTextEncoder {
  const rules = readMergeRules(metadata, vocabulary);
  const tokenOfByte = Int32Array.from(characterOfByte, (text) => vocabulary.index.find(text));
  const encoder = new TextEncoder();
  const cache = new Map<string, readonly number[]>();

  function encodeWord(word: string): readonly number[] {
    const bytes = encoder.encode(word);
    if (preTokenizer.ignoreMerges) {
      const id = vocabulary.index.find(bytesToAlphabet(bytes));
      if (id >= 0) return [id];
    }
    // A byte without a token is dropped, as llama.cpp does: some vocabularies lack bytes that only
    // rare characters have.
    const ids = Int32Array.from(bytes, (byte) => tokenOfByte[byte]!).filter((id) => id >= 0);
    return Array.from(ids.subarray(0, mergeSymbols(ids, ids.length, rules)));
  }

  return (text, output) => {
    for (const word of splitWords(text, preTokenizer)) {
      let ids = cache.get(word);
      if (!ids) {
        ids = encodeWord(word);
        if (word.length <= CACHED_WORD_LENGTH) {
          if (cache.size >= CACHED_WORDS) cache.clear();
          cache.set(word, ids);
        }
      }
      for (const id of ids) output.push(id);
    }
  };
}

/** The merge list as rules: rule r is line r, written `left right`. */
function readMergeRules(metadata: Metadata, vocabulary: Vocabulary): MergeRules {
  const key = "tokenizer.ggml.merges";
  const merges = requiredStrings(metadata, key);
  const { texts, index } = vocabulary;
  const ruleOfPair = createPairTable(merges.length);
  const priority = new Int32Array(merges.length);
  const product = new Int32Array(merges.length);
  let expected = 0;
  for (let rule = 0; rule < merges.length; rule++) {
    const merge = merges[rule]!;
    const space = merge.indexOf(" ", 1);
    const left = space < 0 ? -1 : index.find(merge, 0, space);
    const right = space < 0 ? -1 : index.find(merge, space + 1);
    if (left >= 0 && right >= 0) {
      // Most vocabularies list the products in the order of the merges: look there first.
      const id = isConcatenation(texts[expected], texts[left]!, texts[right]!)
        ? expected
        : index.find(texts[left]! + texts[right]!);
      expected = id + 1;
      product[rule] = id;
    }
    if (left < 0 || right < 0 || product[rule]! < 0) {
      throw new TokenizerError(
        `Line ${rule} of '${key}', ${JSON.stringify(merge.slice(0, 80))}, names a token that the ` +
          `vocabulary does not have; ${CONVERT_AGAIN}.`,
        key,
      );
    }
    priority[rule] = rule;
    ruleOfPair.add(left, right, rule);
  }
  return {
    find: ruleOfPair.get,
    priority,
    product,
  };
}

function isConcatenation(text: string | undefined, left: string, right: string): boolean {
  return text !== undefined && text.length === left.length + right.length &&
    text.startsWith(left) && text.endsWith(right);
}
