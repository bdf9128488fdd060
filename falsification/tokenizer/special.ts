/** Tests of contract tokenizer-v1: special tokens, what is added, and what is refused. */
import assert from "node:assert/strict";
import type { MetadataValue } from "../../gguf/mod.ts";
import { TokenizerError } from "../../tokenizer/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import type { Tokenization } from "./tokenizer.ts";
import {
  byteLevel,
  byteToken,
  type Changes,
  FIRST_PIECE,
  pieces,
  type Special,
  TYPE,
  utf8,
  writes,
} from "./vocabularies.ts";

// Ids of the vocabulary that most of these tests use.
const [HE, TURN, END, THINK, UNKNOWN, UNUSED, X, XY, YZ, YZZ] = Array.from(
  { length: 10 },
  (_, i) => 256 + i,
) as [number, number, number, number, number, number, number, number, number, number];
const SPECIAL: readonly Special[] = [
  ["<|turn|>", TYPE.control],
  ["<|im_end|>", TYPE.control],
  ["<think>", TYPE.userDefined],
  ["<?>", TYPE.unknown],
  ["<unused>", TYPE.unused],
  ["[x]", TYPE.control],
  ["[x][y]", TYPE.control],
  ["[y][z]", TYPE.control],
  ["[y][z][z]", TYPE.control],
];
const chat = (changes: Changes = {}) => byteLevel(["he"], ["h e"], SPECIAL, changes);

const MODEL = "tokenizer.ggml.model";
const PRE = "tokenizer.ggml.pre";
const TOKENS = "tokenizer.ggml.tokens";
const TYPES = "tokenizer.ggml.token_type";
const MERGES = "tokenizer.ggml.merges";
const SCORES = "tokenizer.ggml.scores";
const ADD_BOS = "tokenizer.ggml.add_bos_token";
const BOS = "tokenizer.ggml.bos_token_id";
const EOS = "tokenizer.ggml.eos_token_id";

/** Metadata with a fault in one key. */
const BROKEN: [what: string, key: string, value: MetadataValue | undefined][] = [
  ["no model", MODEL, undefined],
  ["a model that is not supported", MODEL, "t5"],
  ["a pre-tokenizer that is not known", PRE, "nonsense"],
  ["no tokens", TOKENS, undefined],
  ["an empty list of tokens", TOKENS, []],
  ["a token twice", TOKENS, [...new Array(264).fill(0).map((_, i) => `${i}`), "7"]],
  ["fewer types than tokens", TYPES, Int32Array.of(1, 1, 1)],
  ["a byte token with another text", TYPES, new Int32Array(266).fill(TYPE.byte)],
  ["no merges", MERGES, undefined],
  ["a merge of an unknown token", MERGES, ["h e", "x yz"]],
  ["a merge into an unknown token", MERGES, ["x y"]],
  ["a merge of one token", MERGES, ["he"]],
  ["an end token beyond the vocabulary", EOS, 266],
  ["a negative beginning token", BOS, -1],
  ["a token to begin with that is not named", ADD_BOS, true],
];

/** Scores that do not fit a vocabulary of 260 tokens. */
const BROKEN_SCORES: [what: string, value: MetadataValue | undefined][] = [
  ["no scores", undefined],
  ["fewer scores than tokens", new Float32Array(259)],
  ["a score that is no number", new Float32Array(260).fill(NaN, 259)],
];

export const specialTests: FalsificationTest<Tokenization>[] = [
  {
    id: "F-TOK-009",
    title: "special tokens are found before all else, the longest first",
    run({ create }) {
      const { encode } = create(chat());
      assert.deepEqual(encode("<|turn|>he<think>he<|im_end|>"), [TURN, HE, THINK, HE, END]);
      assert.deepEqual(encode("<|turn|><|turn|>"), [TURN, TURN]);
      assert.deepEqual(encode("<?>h<think>e"), [UNKNOWN, 0x68, THINK, 0x65]);
      assert.deepEqual(encode("[x][x][y]"), [X, XY]);
      // Of tokens that overlap the longest, wherever it begins.
      assert.deepEqual(encode("[x][y][z][z]"), [X, YZZ]);
      assert.deepEqual(encode("[x][y][z]"), [XY, ...utf8("[z]")]);
      assert.deepEqual(encode("[y][z]"), [YZ]);
      // Phi-3 was trained without the white space behind special tokens, the others with it.
      assert.deepEqual(encode("<|turn|> he"), [TURN, 0x20, HE]);
      const phi3 = create(chat({ "general.name": "Phi-3-mini" }));
      assert.deepEqual(phi3.encode("<|turn|> \n he he"), [TURN, HE, 0x20, HE]);
      // Almost a token, and a token that is not in use.
      assert.deepEqual(encode("<|turn|"), utf8("<|turn|"));
      assert.deepEqual(encode("<unused>"), utf8("<unused>"));
    },
  },
  {
    id: "F-TOK-010",
    title:
      "where special tokens are not asked for, their text is text, and decoding leaves them out",
    run({ create }) {
      const { encode, decode, isSpecial } = create(chat());
      const written = "<|turn|>he<think><?>";
      const expected = [...utf8("<|turn|>"), HE, THINK, ...utf8("<?>")];
      assert.deepEqual(encode(written, { special: false }), expected);
      assert.equal(decode(expected), written);
      const ids = [TURN, HE, THINK, UNKNOWN, END];
      assert.equal(decode(ids), "<|turn|>he<think><?><|im_end|>");
      assert.equal(decode(ids, { special: false }), "he<think>");
      assert.deepEqual(ids.map(isSpecial), [true, false, false, true, true]);
    },
  },
  {
    id: "F-TOK-011",
    title: "every special token of the model is what its text becomes",
    of: "text",
    run({ create }, { file }) {
      const { encode, isSpecial, tokenText, vocabularySize } = create(file.metadata);
      for (let id = 0; id < vocabularySize; id++) {
        if (!isSpecial(id)) continue;
        const text = tokenText(id);
        assert.deepEqual(encode(text, { addBos: false }), [id], `the text of token ${id}, ${text}`);
      }
    },
  },
  {
    id: "F-TOK-012",
    title: "a beginning is added where the file or the caller says so, an end never",
    run({ create }) {
      const named = { [BOS]: TURN, [EOS]: THINK, "tokenizer.ggml.add_eos_token": true };
      const begins = (changes: Changes, addBos?: boolean) => {
        const { encode } = create(chat({ ...named, ...changes }));
        const ids = encode("he", addBos === undefined ? {} : { addBos });
        assert.equal(ids.at(-1), HE);
        return ids.length === 2 && ids[0] === TURN;
      };
      assert.equal(begins({ [ADD_BOS]: true }), true);
      assert.equal(begins({ [ADD_BOS]: false }), false);
      assert.equal(begins({ [ADD_BOS]: true }, false), false);
      assert.equal(begins({ [ADD_BOS]: false }, true), true);
      // What a file that does not say means: Qwen has none, Llama 3 has one.
      assert.equal(begins({ [ADD_BOS]: undefined }), false);
      assert.equal(begins({ [ADD_BOS]: undefined, [PRE]: "llama-bpe" }), true);
      const llama2 = create(pieces([["a", 0]], [], { [ADD_BOS]: undefined }));
      assert.deepEqual(llama2.encode("a"), [1, FIRST_PIECE]);
      assert.deepEqual([llama2.bos, llama2.eos], [1, 2]);
      const { bos, eos, eot, endOfGeneration } = create(chat(named));
      assert.deepEqual([bos, eos, eot], [TURN, THINK, END]);
      assert.deepEqual([...endOfGeneration].sort(), [END, THINK]);
      assert.throws(() => create(chat()).encode("he", { addBos: true }), TokenizerError);
    },
  },
  {
    id: "F-TOK-013",
    title:
      "a space is put before SentencePiece text alone, where the file wants it, and taken back",
    run({ create }) {
      const scored = [["a", 0], ["▁", 0], ["▁a", -1]] as const;
      const [a, space, spaceA] = [FIRST_PIECE, FIRST_PIECE + 1, FIRST_PIECE + 2];
      const prefix = (value: boolean | undefined) =>
        create(pieces(scored, [], { "tokenizer.ggml.add_space_prefix": value }));
      for (const { encode, decode } of [prefix(true), prefix(undefined)]) {
        assert.deepEqual(encode("a"), [spaceA]);
        assert.deepEqual(encode(" a"), [space, spaceA]);
        assert.deepEqual(encode(""), []);
        assert.equal(decode([spaceA, spaceA]), "a a");
        assert.equal(decode([space, spaceA]), " a");
        // After a special token too: Llama 2 was trained so.
        assert.deepEqual(encode("<s>a"), [1, spaceA]);
      }
      const without = prefix(false);
      assert.deepEqual(without.encode("a"), [a]);
      assert.deepEqual(without.encode(" a"), [spaceA]);
      assert.equal(without.decode([spaceA]), " a");
      const bytes = create(chat({ "tokenizer.ggml.add_space_prefix": true }));
      assert.deepEqual(bytes.encode("he"), [HE]);
    },
  },
  {
    id: "F-TOK-014",
    title: "metadata that are missing, unknown or in conflict make no tokenizer",
    run({ create }) {
      create(chat());
      create(pieces([["a", 0]]));
      const refused = (what: string, key: string, make: () => unknown) =>
        assert.throws(make, (error) => {
          assert.ok(error instanceof TokenizerError, `${what}: ${error}`);
          assert.ok(`${error.key} ${error.message}`.includes(key), `${what}: ${error.message}`);
          return true;
        }, what);
      for (const [what, key, value] of BROKEN) {
        refused(what, key, () => create(chat({ [key]: value })));
      }
      for (const [what, value] of BROKEN_SCORES) {
        refused(what, SCORES, () => create(pieces([["a", 0]], [], { [SCORES]: value })));
      }
    },
  },
  {
    id: "F-TOK-015",
    title: "a number that is no id of the vocabulary is refused",
    run({ create, stream }) {
      for (const metadata of [chat(), pieces([["a", 0]])]) {
        const tokenizer = create(metadata);
        const { vocabularySize, decode, tokenText, tokenBytes, isSpecial } = tokenizer;
        assert.equal(decode([vocabularySize - 1]), tokenText(vocabularySize - 1));
        for (const id of [-1, vocabularySize, 0.5, NaN, 2 ** 32]) {
          const { push } = stream(tokenizer);
          for (
            const ask of [(id: number) => decode([id]), tokenText, tokenBytes, isSpecial, push]
          ) {
            assert.throws(() => ask(id), TokenizerError, `id ${id}`);
          }
        }
      }
      assert.deepEqual([...create(chat()).tokenBytes(UNUSED)], []);
      assert.deepEqual([...create(pieces([])).tokenBytes(byteToken(0x0a))], [0x0a]);
    },
  },
  {
    id: "F-TOK-021",
    title: "no special token of the model comes out of its text where it is not asked for",
    of: "text",
    run({ create }, { file: { metadata } }) {
      const tokenizer = create(metadata);
      const isWritten = writes(tokenizer, metadata);
      for (let id = 0; id < tokenizer.vocabularySize; id++) {
        const text = tokenizer.tokenText(id);
        if (!tokenizer.isSpecial(id) || !isWritten(text)) continue;
        const ids = tokenizer.encode(text, { special: false, addBos: false });
        assert.ok(!ids.includes(id), `${text} becomes ${ids}, and ${id} is a special token`);
      }
    },
  },
];
