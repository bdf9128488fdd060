import assert from "node:assert/strict";
import fc from "fast-check";
import { GgufError, type MetadataValue } from "../gguf/mod.ts";
import {
  byteLevelMetadata,
  byteLevelTokenizer,
  metadataOf,
  sentencePieceMetadata,
  sentencePieceTokenizer,
} from "./helpers_test.ts";
import { createTokenizer, TokenizerError } from "./mod.ts";

// The ids of the toy vocabularies: see helpers_test.ts.
const [AA, AAAA, HE, SPACE_HE, IM_START, IM_END, THINK, PAD] = [
  256,
  257,
  260,
  261,
  262,
  263,
  264,
  265,
];
const UTF8 = new TextEncoder();

Deno.test("encode() merges bytes in the order of the merge list, byte-level", () => {
  const { encode } = byteLevelTokenizer();
  assert.deepEqual(encode("aaa"), [AA, 0x61]);
  assert.deepEqual(encode("aaaaa"), [AAAA, 0x61]);
  assert.deepEqual(encode("he he"), [HE, SPACE_HE]);
  assert.deepEqual(encode("é"), [0xc3, 0xa9]);
  assert.deepEqual(encode(""), []);
});

Deno.test("encode() joins what has the highest score, SentencePiece", () => {
  const { encode } = sentencePieceTokenizer();
  const [SPACE_A, BC, SPACE, B, E_ACUTE] = [259, 261, 264, 266, 268];
  // "▁abc": ▁a (0) goes before ab (-1), then bc (-2).
  assert.deepEqual(encode("abc", { addBos: false }), [SPACE_A, BC]);
  assert.deepEqual(encode("b"), [1, SPACE, B]);
  // No token for "ü": its UTF-8 is C3 BC, and byte b is token 3 + b.
  assert.deepEqual(encode("éü", { addBos: false }), [SPACE, E_ACUTE, 3 + 0xc3, 3 + 0xbc]);
  assert.deepEqual(encode(""), [1]);
});

Deno.test("encode() puts no space before the text when the file says so", () => {
  const metadata = sentencePieceMetadata({ "tokenizer.ggml.add_space_prefix": false });
  assert.deepEqual(createTokenizer(metadata).encode("b", { addBos: false }), [266]);
});

Deno.test("encode() gives the unknown token where neither a piece nor bytes fit", () => {
  const metadata = metadataOf({
    "tokenizer.ggml.model": "llama",
    "tokenizer.ggml.tokens": ["<unk>", "a"],
    "tokenizer.ggml.scores": Float32Array.of(0, 0),
    "tokenizer.ggml.token_type": Int32Array.of(2, 1),
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.ggml.add_space_prefix": false,
  });
  assert.deepEqual(createTokenizer(metadata).encode("aüa"), [1, 0, 1]);
});

Deno.test("encode() finds control tokens only when asked, user-defined tokens always", () => {
  const { encode } = byteLevelTokenizer();
  assert.deepEqual(encode("<|im_start|>a<think>"), [IM_START, 0x61, THINK]);
  assert.deepEqual(encode("<|im_start|>a<think>", { special: false }), [
    ...UTF8.encode("<|im_start|>a"),
    THINK,
  ]);
});

Deno.test("encode() takes the longest special token, then those in what is left", () => {
  const tokens = ["a", "b", "c", "d", "ab", "bcd", "bc"];
  const metadata = metadataOf({
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": Int32Array.of(1, 1, 1, 1, 4, 4, 4),
    "tokenizer.ggml.merges": [],
  });
  const { encode } = createTokenizer(metadata);
  assert.deepEqual(encode("abcd"), [0, 5]);
  assert.deepEqual(encode("abcabcd"), [4, 2, 0, 5]);
});

Deno.test("encode() adds the beginning-of-sequence token as the file or the caller says", () => {
  const bos = { "tokenizer.ggml.bos_token_id": IM_START };
  const ids = (changes: Record<string, MetadataValue>, addBos?: boolean) =>
    createTokenizer(byteLevelMetadata({ ...bos, ...changes }))
      .encode("a", addBos === undefined ? {} : { addBos });
  assert.deepEqual(ids({}), [0x61]);
  assert.deepEqual(ids({}, true), [IM_START, 0x61]);
  assert.deepEqual(ids({ "tokenizer.ggml.add_bos_token": true }), [IM_START, 0x61]);
  assert.deepEqual(ids({ "tokenizer.ggml.add_bos_token": true }, false), [0x61]);
  assert.deepEqual(ids({ "tokenizer.ggml.pre": "llama-bpe" }), [IM_START, 0x61]);
  assert.throws(() => byteLevelTokenizer().encode("a", { addBos: true }), TokenizerError);
});

Deno.test("encode() takes a word that is a token whole for Llama 3, whatever the merges", () => {
  const metadata = (pre: string) =>
    byteLevelMetadata({
      "tokenizer.ggml.pre": pre,
      "tokenizer.ggml.add_bos_token": false,
      "tokenizer.ggml.merges": ["a a"],
    });
  assert.deepEqual(createTokenizer(metadata("qwen2")).encode("aaaa"), [AA, AA]);
  assert.deepEqual(createTokenizer(metadata("llama-bpe")).encode("aaaa"), [AAAA]);
});

Deno.test("decode() undoes encode(), byte-level, for any text", () => {
  const tokenizer = byteLevelTokenizer();
  const atoms = fc.constantFrom("<|im_start|>", "<think>", "aaaa", " he", "😀", "\ud800");
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(atoms, fc.string())).map((parts) => parts.join("")),
  );
  fc.assert(fc.property(text, (text) => {
    const ids = tokenizer.encode(text, { special: false });
    assert.equal(tokenizer.decode(ids), text.toWellFormed());
  }));
});

Deno.test("encode() reads an unpaired surrogate as U+FFFD", () => {
  const { encode } = byteLevelTokenizer();
  assert.deepEqual(encode("a\ud83d"), [0x61, 0xef, 0xbf, 0xbd]);
});

Deno.test("encode() is not quadratic in the length of a word", () => {
  // 2^40 steps would not end.
  const length = 2 ** 20;
  const byteLevel = byteLevelTokenizer().encode("a".repeat(length));
  assert.equal(byteLevel.length, length / 4);
  const pieces = sentencePieceTokenizer().encode("a".repeat(length), { addBos: false });
  assert.equal(sentencePieceTokenizer().decode(pieces), "a".repeat(length));
});

Deno.test("decode() leaves special tokens out on request", () => {
  const { decode } = byteLevelTokenizer();
  const ids = [IM_START, 0x61, THINK, IM_END];
  assert.equal(decode(ids), "<|im_start|>a<think><|im_end|>");
  assert.equal(decode(ids, { special: false }), "a<think>");
});

Deno.test("tokenText(), tokenBytes() and isSpecial() say what a token is", () => {
  const { tokenText, tokenBytes, isSpecial } = byteLevelTokenizer();
  assert.equal(tokenText(SPACE_HE), " he");
  assert.equal(tokenText(0xc3), "\ufffd");
  assert.equal(tokenText(IM_END), "<|im_end|>");
  assert.equal(tokenText(PAD), "<pad>");
  assert.deepEqual([...tokenBytes(258)], [0xf0, 0x9f]);
  assert.deepEqual([...tokenBytes(PAD)], []);
  assert.deepEqual([IM_END, THINK, PAD, AA].map(isSpecial), [true, false, false, false]);
  for (const id of [-1, 266, 0.5, NaN]) {
    for (const ask of [tokenText, tokenBytes, isSpecial]) {
      assert.throws(() => ask(id), TokenizerError);
    }
    assert.throws(() => byteLevelTokenizer().decode([id]), TokenizerError);
  }
});

Deno.test("tokenBytes() gives a text outside the byte alphabet as it stands", () => {
  const tokens = ["a", "<｜User｜>"];
  const metadata = metadataOf({
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.merges": [],
  });
  assert.equal(createTokenizer(metadata).decode([1, 0]), "<｜User｜>a");
});

Deno.test("endOfGeneration holds the file's tokens and those known by their text", () => {
  const tokenizer = createTokenizer(
    byteLevelMetadata({ "tokenizer.ggml.eos_token_id": THINK, "tokenizer.ggml.eot_token_id": AA }),
  );
  assert.deepEqual(new Set([THINK, AA, IM_END]), tokenizer.endOfGeneration);
  assert.equal(tokenizer.eos, THINK);
  assert.equal(tokenizer.eot, AA);
});

const BROKEN: [string, RegExp, Record<string, MetadataValue>][] = [
  ["an unknown model", /tokenizer\.ggml\.model.*"t5"/, { "tokenizer.ggml.model": "t5" }],
  ["an unknown pre-tokenizer", /tokenizer\.ggml\.pre/, { "tokenizer.ggml.pre": "nonsense" }],
  ["no tokens", /tokenizer\.ggml\.tokens/, { "tokenizer.ggml.tokens": [] }],
  ["a token twice", /"aa" twice, as 256 and 257/, {
    "tokenizer.ggml.tokens": [
      ...Array.from({ length: 256 }, (_, i) => `${i}`),
      "aa",
      "aa",
    ],
  }],
  ["too few token types", /token_type.*1 entries for 266/, {
    "tokenizer.ggml.token_type": Int32Array.of(1),
  }],
  ["a byte token that is none", /token 0 is a byte/, {
    "tokenizer.ggml.token_type": new Int32Array(266).fill(6),
  }],
  ["a token id outside the vocabulary", /bos_token_id' is 266/, {
    "tokenizer.ggml.bos_token_id": 266,
  }],
  ["a negative token id", /eos_token_id' is -1/, { "tokenizer.ggml.eos_token_id": -1 }],
  ["a merge of unknown tokens", /Line 1 of 'tokenizer\.ggml\.merges', "x yz"/, {
    "tokenizer.ggml.merges": ["a a", "x yz"],
  }],
  ["a merge into an unknown token", /"x y"/, { "tokenizer.ggml.merges": ["x y"] }],
  ["a merge without a space", /"aa"/, { "tokenizer.ggml.merges": ["aa"] }],
  ["a token to begin with, but none named", /bos_token_id/, {
    "tokenizer.ggml.add_bos_token": true,
  }],
];

for (const [fault, message, changes] of BROKEN) {
  Deno.test(`createTokenizer() refuses metadata with ${fault}`, () => {
    assert.throws(
      () => createTokenizer(byteLevelMetadata(changes)),
      (error) => error instanceof TokenizerError && message.test(error.message),
    );
  });
}

Deno.test("createTokenizer() names a key that is missing", () => {
  for (const key of ["tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.merges"]) {
    const metadata = new Map(byteLevelMetadata());
    metadata.delete(key);
    assert.throws(() => createTokenizer(metadata), { name: "TokenizerError", key });
  }
  const metadata = new Map(sentencePieceMetadata());
  metadata.delete("tokenizer.ggml.scores");
  assert.throws(() => createTokenizer(metadata), { key: "tokenizer.ggml.scores" });
});

Deno.test("createTokenizer() refuses scores that do not fit", () => {
  const key = "tokenizer.ggml.scores";
  for (const scores of [Float32Array.of(1), new Float32Array(269).fill(NaN)]) {
    assert.throws(() => createTokenizer(sentencePieceMetadata({ [key]: scores })), { key });
  }
});

Deno.test("createTokenizer() forgives a padding token past the end, as published files have", () => {
  const metadata = byteLevelMetadata({ "tokenizer.ggml.padding_token_id": 266 });
  assert.equal(createTokenizer(metadata).padding, undefined);
});

Deno.test("createTokenizer() makes a tokenizer or throws a typed error, whatever the values", () => {
  const anyValue = fc.oneof(
    fc.constant(undefined),
    fc.boolean(),
    fc.integer(),
    fc.bigInt(),
    fc.string(),
    fc.array(fc.string({ unit: "binary" })),
    fc.array(fc.boolean()),
    fc.int32Array(),
    fc.float32Array(),
    fc.bigInt64Array(),
  );
  const metadata = fc.constantFrom(byteLevelMetadata(), sentencePieceMetadata());
  const keys = [...new Set([...byteLevelMetadata().keys(), ...sentencePieceMetadata().keys()])];
  const changes = fc.dictionary(fc.constantFrom(...keys), anyValue, { maxKeys: 3 });
  fc.assert(
    fc.property(metadata, changes, fc.string({ unit: "binary" }), (metadata, changes, text) => {
      const changed = { ...Object.fromEntries(metadata), ...changes };
      try {
        const tokenizer = createTokenizer(metadataOf(changed as Record<string, MetadataValue>));
        tokenizer.decode(tokenizer.encode(text));
      } catch (error) {
        assert.ok(error instanceof TokenizerError || error instanceof GgufError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
