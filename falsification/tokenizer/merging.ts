/** Tests of contract tokenizer-v1: the byte alphabet, words, and what is merged. */
import assert from "node:assert/strict";
import { randomFloats } from "../../kernels/comparing.ts";
import type { FalsificationTest } from "../falsification.ts";
import type { Tokenization } from "./tokenizer.ts";
import {
  byteLevel,
  byteToken,
  FIRST_PIECE,
  LETTERS,
  mergedByDefinition,
  pieces,
  utf8,
} from "./vocabularies.ts";

/** Words, merges in the order of their ranks, and the tokens that a text becomes, worked out. */
const BY_RANK: [words: string[], merges: string[], text: string, tokens: string[]][] = [
  // "bc" goes first, and then nothing joins "a" with it.
  [["ab", "bc"], ["b c", "a b"], "abc", ["a", "bc"]],
  [["ab", "bc"], ["a b", "b c"], "abc", ["ab", "c"]],
  // "ba" in the middle leaves its neighbours alone.
  [["ab", "ba"], ["b a", "a b"], "abab", ["a", "ba", "b"]],
  // "cd", then "ab", then both.
  [["abcd", "ab", "cd"], ["c d", "a b", "ab cd"], "abcd", ["abcd"]],
  // The merge of three letters has a lower rank than what it needs; it comes when it can.
  [["bc", "abc"], ["a bc", "b c"], "abc", ["abc"]],
  // "de", "bc", "abc": then "abc d" has lost its "d".
  [["abc", "abcd", "bc", "de"], ["d e", "b c", "a bc", "abc d"], "abcde", ["abc", "de"]],
  // A token that no merge makes is never made.
  [["ab", "abc"], ["a b"], "abc", ["ab", "c"]],
  // Only one of the two ways to "abc" is a merge, and "ab" closes it.
  [["ab", "abc", "bc"], ["a b", "b c", "a bc"], "abc", ["ab", "c"]],
  // "é" is the bytes C3 A9, whose letters are Ã and ©.
  [["Ã©", "tÃ©"], ["Ã ©", "t Ã©"], "été", ["Ã©", "tÃ©"]],
];

/** Pieces with their scores, and the tokens that a text becomes. */
const BY_SCORE: [scored: [string, number][], text: string, tokens: string[]][] = [
  [[["ab", -2], ["bc", -1]], "abc", ["a", "bc"]],
  [[["ab", -1], ["bc", -2]], "abc", ["ab", "c"]],
  // The longest piece loses: "cd" has the higher score, and then "bc" is gone.
  [[["abc", -5], ["bc", -1], ["cd", -0.5]], "abcd", ["a", "b", "cd"]],
  // A piece that is reached from both sides, whatever its score.
  [[["ab", -3], ["bc", -2], ["abc", -9]], "abc", ["abc"]],
  // A piece that no two neighbours make.
  [[["abc", 0]], "abc", ["a", "b", "c"]],
  // Spaces are pieces like any other, and join with the words behind them.
  [[["▁a", -1], ["▁▁", -2], ["ab", -3]], "b ab  a", ["b", "▁a", "b", "▁", "▁a"]],
];

/** Each text in the words that the published pattern of a pre-tokenizer cuts it into. */
const WORDS: [name: string, words: string[]][] = [
  // Contractions, digits one by one, a space goes to the word or the sign behind it.
  ["qwen2", ["It", "'s", " ", "2", "0", "2", "5", ",", " isn", "'t", " it", "?"]],
  ["qwen2", ["I", "'LL", " a", "_b", " DON", "'T", " y", "'all", " I", "'m", "ad"]],
  // Of several spaces the last goes to what follows; signs take the newlines behind them.
  ["qwen2", [" ", " if", " (", "x", "):\n\n", "\treturn", " x"]],
  ["qwen2", ["x", "  \n", " y", "   "]],
  ["qwen2", ["price", ":", " $", "1", ",", "0", "0", "0", "!\r\n", "ok"]],
  ["qwen2", ["日本語", " ", "1", "½", "éß", " ", "٣"]],
  // Digits by threes.
  ["llama-bpe", ["in", " ", "123", "45", " days"]],
  // Digits together, with the space before them; contractions only in small letters.
  ["gpt-2", ["I", "'", "LL", " pay", " 1234", "'s", "\n", "\n", "ok"]],
];

/** A whole number below `limit` from one between -1 and 1. */
const below = (limit: number, float: number) => Math.floor((float + 1) / 2 * limit * 0.999_999);

/** `count` words of up to 24 letters a, b and c. */
function randomWords(seed: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const [length, ...letters] = randomFloats(1000 * seed + i, 25);
    return letters.slice(0, 1 + below(24, length!)).map((x) => "abc"[below(3, x)]).join("");
  });
}

/** Fails unless the words of a text are merged within each, and never beyond it. */
function assertCut({ create }: Tokenization, pre: string, words: readonly string[]) {
  const text = words.join("");
  const bytes = utf8(text);
  for (let i = 0; i + 1 < bytes.length; i++) {
    // A vocabulary in which only these two bytes merge, wherever they meet in a word.
    const pair = [LETTERS[bytes[i]!]!, LETTERS[bytes[i + 1]!]!] as const;
    const name = { "tokenizer.ggml.pre": pre };
    const { encode } = create(byteLevel([pair.join("")], [pair.join(" ")], [], name));
    const expected = words.flatMap((word) => {
      const ids: number[] = [];
      for (const byte of utf8(word)) {
        const joins = ids.at(-1) === bytes[i] && byte === bytes[i + 1];
        ids.splice(joins ? -1 : ids.length, 1, joins ? 256 : byte);
      }
      return ids;
    });
    assert.deepEqual(encode(text), expected, `${pre} at byte ${i} of ${JSON.stringify(text)}`);
  }
}

export const mergingTests: FalsificationTest<Tokenization>[] = [
  {
    id: "F-TOK-001",
    title: "each byte has a letter of its own, and each letter its byte",
    run({ create }) {
      // By hand: newline, space, DEL, 0x80, no-break space, soft hyphen.
      const known = { 0x0a: "Ċ", 0x20: "Ġ", 0x7f: "ġ", 0x80: "Ģ", 0xa0: "ł", 0xad: "Ń", 0xff: "ÿ" };
      for (const [byte, letter] of Object.entries(known)) assert.equal(LETTERS[+byte], letter);
      assert.equal(new Set(LETTERS).size, 256);
      const { encode, tokenBytes } = create(byteLevel([], []));
      for (let byte = 0; byte < 256; byte++) assert.deepEqual([...tokenBytes(byte)], [byte]);
      // All bytes that UTF-8 has: every lead byte, every continuation byte.
      const leads = Array.from({ length: 0x110000 >> 6 }, (_, i) => i << 6 | i & 0x3f)
        .filter((point) => point < 0xd800 || point > 0xdfff);
      const text = String.fromCodePoint(...Array.from({ length: 128 }, (_, i) => i)) +
        leads.map((point) => String.fromCodePoint(point)).join("");
      assert.deepEqual(encode(text), utf8(text));
    },
  },
  {
    id: "F-TOK-002",
    title: "the merge with the lowest rank goes first, wherever it stands",
    run({ create }) {
      for (const [words, merges, text, tokens] of BY_RANK) {
        const expected = tokens.map((token) =>
          token.length === 1 ? LETTERS.indexOf(token) : 256 + words.indexOf(token)
        );
        const ids = create(byteLevel(words, merges)).encode(text);
        assert.deepEqual(ids, expected, `${text} by ${merges.join(", ")}`);
      }
    },
  },
  {
    id: "F-TOK-003",
    title: "for any merge list, tokens are those of the definition",
    run({ create }) {
      for (let seed = 1; seed <= 20; seed++) {
        const random = randomFloats(seed, 48);
        const words: string[] = [];
        const merges = new Map<string, number>();
        for (let i = 0; i < 48; i += 3) {
          const known = ["a", "b", "c", ...words];
          const [left, right] = [random[i]!, random[i + 1]!].map((x) =>
            known[below(known.length, x)]!
          );
          if (!words.includes(left! + right!)) words.push(left! + right!);
          merges.set(`${left} ${right}`, random[i + 2]!);
        }
        const ranked = [...merges].sort((a, b) => a[1] - b[1]).map(([merge]) => merge);
        const ranks = new Map(ranked.map((merge, rank) => [merge, rank]));
        const { encode } = create(byteLevel(words, ranked));
        for (const word of randomWords(seed, 20)) {
          const expected = mergedByDefinition([...word], (l, r) => ranks.get(`${l} ${r}`))
            .map((token) => token.length === 1 ? utf8(token)[0] : 256 + words.indexOf(token));
          assert.deepEqual(encode(word), expected, `${word} by ${ranked.join(", ")}`);
        }
      }
    },
  },
  {
    id: "F-TOK-004",
    title: "the piece with the highest score is made first, wherever it stands",
    run({ create }) {
      for (const [scored, text, tokens] of BY_SCORE) {
        const all = [...scored, ...[..."abcd▁"].map((letter) => [letter, -99] as const)];
        const expected = tokens.map((token) =>
          FIRST_PIECE + all.findIndex(([piece]) => piece === token)
        );
        const ids = create(pieces(all)).encode(text);
        assert.deepEqual(ids, expected, `${text} by ${JSON.stringify(scored)}`);
      }
    },
  },
  {
    id: "F-TOK-005",
    title: "for any scores, tokens are those of the definition",
    run({ create }) {
      for (let seed = 1; seed <= 20; seed++) {
        const texts = new Set([..."abc", ...randomWords(seed, 40).map((word) => word.slice(0, 4))]);
        // Few different scores, so that many are equal; 1/8 has an exact f32.
        const floats = randomFloats(seed, texts.size);
        const scored = Array.from(texts, (text, i) => [text, below(8, floats[i]!) / -8] as const);
        const ranks = new Map(scored.map(([text, score]) => [text, -score]));
        const { encode } = create(pieces(scored));
        for (const word of randomWords(seed + 100, 20)) {
          const expected = mergedByDefinition([...word], (l, r) => ranks.get(l + r))
            .map((token) => FIRST_PIECE + [...texts].indexOf(token));
          assert.deepEqual(encode(word), expected, `${word} by ${JSON.stringify(scored)}`);
        }
      }
    },
  },
  {
    id: "F-TOK-006",
    title: "among equal merges the leftmost goes first",
    run({ create }) {
      const [A, AA, AAAA] = [0x61, 256, 257];
      const byRank = create(byteLevel(["aa", "aaaa"], ["a a", "aa aa"]));
      assert.deepEqual(byRank.encode("aaa"), [AA, A]);
      assert.deepEqual(byRank.encode("aaaaa"), [AAAA, A]);
      assert.deepEqual(byRank.encode("aaaaaaa"), [AAAA, AA, A]);
      const byScore = create(pieces([["a", 0], ["b", 0], ["c", 0], ["ab", -1], ["bc", -1]]));
      const [a, b, c, ab] = [0, 1, 2, 3].map((i) => FIRST_PIECE + i);
      assert.deepEqual(byScore.encode("abc"), [ab, c]);
      assert.deepEqual(byScore.encode("babca"), [b, ab, c, a]);
    },
  },
  {
    id: "F-TOK-007",
    title: "a text is cut into words by the pre-tokenizer's pattern, and nothing merges across",
    run(subject) {
      for (const [pre, words] of WORDS) assertCut(subject, pre, words);
    },
  },
  {
    id: "F-TOK-008",
    title: "a character that is no piece becomes its bytes, or the unknown token without bytes",
    run({ create }) {
      const { encode, decode } = create(pieces([["a", 0], ["é", 0], ["▁", 0]]));
      const [a, eAcute] = [FIRST_PIECE, FIRST_PIECE + 1];
      assert.deepEqual(encode("aéüa"), [a, eAcute, byteToken(0xc3), byteToken(0xbc), a]);
      // U+1F642 is F0 9F 99 82.
      const smile = [0xf0, 0x9f, 0x99, 0x82].map(byteToken);
      assert.deepEqual(encode("🙂a"), [...smile, a]);
      assert.equal(decode(smile), "🙂");
      const { encode: withoutBytes } = create(pieces([], [], {
        "tokenizer.ggml.tokens": ["<unk>", "a"],
        "tokenizer.ggml.scores": Float32Array.of(0, 0),
        "tokenizer.ggml.token_type": Int32Array.of(2, 1),
      }));
      assert.deepEqual(withoutBytes("aüa🙂"), [1, 0, 1, 0]);
    },
  },
];
