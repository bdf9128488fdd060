/** Tests of contract tokenizer-v1: from tokens to text, at once and while they come. */
import assert from "node:assert/strict";
import { randomFloats } from "../../kernels/comparing.ts";
import type { Tokenizer } from "../../tokenizer/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import type { Tokenization } from "./tokenizer.ts";
import { byteLevel, byteToken, FIRST_PIECE, pieces, TYPE, writes } from "./vocabularies.ts";

/** Texts that tokenizers have got wrong: scripts, signs, white space, and what a normalizer changes. */
const TEXTS = [
  "a",
  "The quick brown fox jumps over the lazy dog.",
  "I'LL pay 1,234.50 EUR in 2025, isn't it?",
  "function add(a, b) {\n\treturn a + b; // sum\r\n}\n",
  "  two spaces,   three,\ttab, \n\n\n newlines  ",
  "¿Dónde está el niño? Größe, naïve, Å",
  "Привет, мир! Γειά σου Κόσμε",
  "你好，世界。こんにちは 안녕하세요",
  "مرحبا بالعالم שלום עולם नमस्ते สวัสดี",
  "🙂 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 𝕏 𐍈",
  "½ ﬁ １２ ² Å e\u0301 é",
  "\ufefftext after a byte order mark",
  '{"key": [1, 2.5e-3, null], "url": "https://example.org/?q=a%20b#c"}',
];

/** Texts of characters of 1 to 4 bytes of UTF-8, white space and lone surrogates. */
function randomTexts(count: number): string[] {
  const blocks = [0x20, 0x61, 0x09, 0xa0, 0x3b1, 0x4e00, 0x2028, 0xfb01, 0x1f642, 0xd83d, 0xfeff];
  return Array.from({ length: count }, (_, seed) => {
    const floats = randomFloats(seed + 1, 60);
    return Array.from({ length: 30 }, (_, i) => {
      const block = blocks[Math.floor((floats[2 * i]! + 1) / 2 * blocks.length * 0.999_999)]!;
      return String.fromCodePoint(block + Math.floor((floats[2 * i + 1]! + 1) * 2));
    }).join("");
  });
}

const byteTokenizer = () =>
  byteLevel(["he", "Ġhe", "ðŁ", "ĠĠ"], ["h e", "Ġ he", "ð Ł", "Ġ Ġ"], [["<|x|>", TYPE.control]]);
const pieceTokenizer = (spacePrefix: boolean) =>
  pieces([["▁", 0], ["a", 0], ["▁a", -1], ["é", 0], ["▁▁", -2]], [], {
    "tokenizer.ggml.add_space_prefix": spacePrefix,
  });

/** What is emitted for each token, and at the end. */
function streamed({ stream }: Tokenization, tokenizer: Tokenizer, ids: readonly number[]) {
  const { push, flush } = stream(tokenizer);
  return [...ids.map((id) => push(id)), flush()];
}

/** Fails unless a text comes back from its tokens. */
function assertReturns(tokenizer: Tokenizer, text: string, expected = text): number[] {
  const ids = tokenizer.encode(text, { special: false, addBos: false });
  const strangers = ids.filter((id) => !(id >= 0 && id < tokenizer.vocabularySize));
  assert.deepEqual(strangers, [], `ids of ${JSON.stringify(text)}`);
  assert.equal(tokenizer.decode(ids), expected);
  return ids;
}

export const decodingTests: FalsificationTest<Tokenization>[] = [
  {
    id: "F-TOK-016",
    title: "decoding the tokens of any text gives the text",
    run({ create }) {
      const texts = ["", ...TEXTS, "<|x|>", " he  he\n", ...randomTexts(50)];
      const byteLevel = create(byteTokenizer());
      for (const text of texts) assertReturns(byteLevel, text, text.toWellFormed());
      for (const spacePrefix of [true, false]) {
        const tokenizer = create(pieceTokenizer(spacePrefix));
        for (const text of texts) assertReturns(tokenizer, text, text.toWellFormed());
        // U+2581 is how SentencePiece writes a space, so it comes back as one.
        assertReturns(tokenizer, "a▁b", "a b");
      }
    },
  },
  {
    id: "F-TOK-017",
    title: "tokens' bytes are joined before they are read as UTF-8",
    run({ create }) {
      const { decode, tokenText } = create(byteTokenizer());
      // "€" is E2 82 AC; token 258 is F0 9F, the beginning of "🙂", F0 9F 99 82.
      assert.equal(decode([0xe2, 0x82, 0xac]), "€");
      assert.equal(decode([258, 0x99, 0x82]), "🙂");
      assert.equal(decode([0xef, 0xbb, 0xbf, 0x61]), "\ufeffa");
      // What is no UTF-8 is U+FFFD: once for the beginning of a character, once for a stray byte.
      assert.equal(decode([0xe2, 0x82]), "\ufffd");
      assert.equal(decode([0xe2, 0x82, 0x61]), "\ufffda");
      assert.equal(decode([0x80, 0xff, 0x61]), "\ufffd\ufffda");
      assert.equal(tokenText(258), "\ufffd");
      const inPieces = create(pieceTokenizer(false));
      assert.equal(inPieces.decode([0xe2, 0x82, 0xac].map(byteToken)), "€");
      assert.equal(inPieces.decode([byteToken(0xc3), FIRST_PIECE + 1]), "\ufffda");
    },
  },
  {
    id: "F-TOK-018",
    title:
      "a stream holds a character back until it is whole, and in all gives what decoding gives",
    run(subject) {
      const byteLevel = subject.create(byteTokenizer());
      const pushed = (ids: number[]) => streamed(subject, byteLevel, ids);
      assert.deepEqual(pushed([0x61, 258, 0x99, 0x82, 0x62]), ["a", "", "", "🙂", "b", ""]);
      assert.deepEqual(pushed([258, 0x99]), ["", "", "\ufffd"]);
      assert.deepEqual(pushed([258, 0x61]), ["", "\ufffda", ""]);
      assert.deepEqual(pushed([0xef, 0xbb, 0xbf]), ["", "", "\ufeff", ""]);
      const inPieces = subject.create(pieceTokenizer(true));
      // "▁", "▁a": the first space is the one that encoding put there.
      assert.deepEqual(streamed(subject, inPieces, [FIRST_PIECE, FIRST_PIECE + 2]), ["", " a", ""]);
      for (const tokenizer of [byteLevel, inPieces]) {
        for (let seed = 1; seed <= 50; seed++) {
          const ids = Array.from(
            randomFloats(seed, 40),
            (float) => Math.floor((float + 1) / 2 * tokenizer.vocabularySize * 0.999_999),
          );
          assert.equal(streamed(subject, tokenizer, ids).join(""), tokenizer.decode(ids));
        }
      }
    },
  },
  {
    id: "F-TOK-019",
    title:
      "texts in many scripts come back from the model's tokens, and so do the tokens' own texts",
    of: "text",
    run({ create }, { file: { metadata } }) {
      const tokenizer = create(metadata);
      const isWritten = writes(tokenizer, metadata);
      const texts = TEXTS.filter(isWritten);
      assert.ok(texts.length > 0, "no text could be tried");
      for (const text of texts) assertReturns(tokenizer, text);
      const stride = Math.ceil(tokenizer.vocabularySize / 2000);
      let tried = 0;
      for (let id = 0; id < tokenizer.vocabularySize; id += stride) {
        const text = tokenizer.decode([id]);
        if (tokenizer.isSpecial(id) || text.includes("\ufffd") || !isWritten(text)) continue;
        assertReturns(tokenizer, text);
        tried++;
      }
      assert.ok(tried > 0, "no token could be tried");
    },
  },
  {
    id: "F-TOK-020",
    title: "streamed from the model's tokens, texts in many scripts show no half character",
    of: "text",
    run(subject, { file: { metadata } }) {
      const tokenizer = subject.create(metadata);
      const texts = TEXTS.filter(writes(tokenizer, metadata));
      assert.ok(texts.length > 0, "no text could be tried");
      for (const text of texts) {
        const parts = streamed(subject, tokenizer, assertReturns(tokenizer, text));
        assert.equal(parts.join(""), text);
        assert.equal(parts.at(-1), "", "something was held back at the end");
        const broken = parts.filter((part) => part.includes("\ufffd"));
        assert.deepEqual(broken, [], `parts of ${JSON.stringify(text)}`);
      }
    },
  },
];
