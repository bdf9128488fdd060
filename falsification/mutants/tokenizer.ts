import type { Metadata } from "../../gguf/mod.ts";
import { findPreTokenizer, splitWords } from "../../tokenizer/pre_tokenizers.ts";
import { createSpecialTokenSplitter } from "../../tokenizer/special_tokens.ts";
import { createTextStream, createTokenizer, type Tokenizer } from "../../tokenizer/mod.ts";
import { readVocabulary } from "../../tokenizer/vocabulary.ts";
import { type Tokenization, tokenizer } from "../tokenizer/tokenizer.ts";
import { inLetters, mergedByDefinition } from "../tokenizer/vocabularies.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** The engine's tokenizer, with one of its parts replaced. */
function tokenization(broken: Partial<Tokenization>): () => Tokenization {
  return () => ({ create: createTokenizer, stream: createTextStream, ...broken });
}

/** Tokenizers with parts that are wrong. */
function withParts(change: (tokenizer: Tokenizer, metadata: Metadata) => Partial<Tokenizer>) {
  return tokenization({
    create: (metadata) => {
      const sound = createTokenizer(metadata);
      return { ...sound, ...change(sound, metadata) };
    },
  });
}

/** Tokenizers of metadata in which some values have changed; undefined leaves a key out. */
function withMetadata(change: (metadata: Metadata) => Record<string, unknown>) {
  return tokenization({
    create: (metadata) => {
      const changed = Object.entries({ ...Object.fromEntries(metadata), ...change(metadata) });
      return createTokenizer(
        new Map(changed.filter(([, value]) => value !== undefined)) as Metadata,
      );
    },
  });
}

/** What plain byte-pair encoding is made of. */
interface Parts {
  cut(text: string, pre: string): string[];
  /** Joins the letters of a word; `merges` in the order of their ranks. */
  join(letters: string[], merges: readonly string[], tokens: readonly string[]): string[];
}

/** Byte-pair encoding in plain TypeScript, with one of its parts replaced. */
function bytePairs(broken: Partial<Parts>) {
  const { cut, join }: Parts = {
    cut: (text, pre) => splitWords(text, findPreTokenizer(pre)),
    join: (letters, merges) => joined(letters, merges),
    ...broken,
  };
  return withParts(({ encode }, metadata) => {
    const value = (key: string) => metadata.get(`tokenizer.ggml.${key}`);
    if (value("model") !== "gpt2") return {};
    const tokens = value("tokens") as string[];
    const merges = value("merges") as string[];
    const split = createSpecialTokenSplitter(readVocabulary(metadata));
    return {
      encode: (text, options = {}) => [
        ...encode("", options),
        ...split(text.toWellFormed(), options.special ?? true).flatMap((fragment) =>
          typeof fragment === "number" ? fragment : cut(fragment, value("pre") as string)
            .flatMap((word) => join([...inLetters(word)], merges, tokens))
            .map((token) => tokens.indexOf(token))
            .filter((id) => id >= 0)
        ),
      ],
    };
  });
}

/** Letters joined by definition, a merge's rank being its line. */
function joined(letters: string[], merges: readonly string[]): string[] {
  const ranks = new Map(merges.map((merge, rank) => [merge, rank]));
  return mergedByDefinition(letters, (left, right) => ranks.get(`${left} ${right}`));
}

/** The same, from right to left among equals. */
function joinedFromTheRight(letters: string[], merges: readonly string[]): string[] {
  const backwards = (text: string) => [...text].reverse().join("");
  const turned = merges.map((merge) => merge.split(" ").map(backwards).reverse().join(" "));
  return joined([...letters].reverse(), turned).map(backwards).reverse();
}

/** Joins each symbol with what stands before it, as soon as any merge says so. */
function joinedAsRead(letters: string[], merges: readonly string[]): string[] {
  const symbols: string[] = [];
  for (let symbol of letters) {
    while (symbols.length > 0 && merges.includes(`${symbols.at(-1)} ${symbol}`)) {
      symbol = symbols.pop()! + symbol;
    }
    symbols.push(symbol);
  }
  return symbols;
}

/** A text in a byte alphabet that begins one letter too late. */
const shifted = (text: string) =>
  text.replaceAll(/[\u0100-\u0143]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 1));

const strings = (metadata: Metadata, key: string) =>
  metadata.get(`tokenizer.ggml.${key}`) as readonly string[] | undefined;

export const tokenizerMutants: BoundMutant[] = mutants(tokenizer, [
  {
    name: "the byte alphabet off by one",
    caughtBy: ["F-TOK-001"],
    subject: withMetadata((metadata) =>
      metadata.get("tokenizer.ggml.model") !== "gpt2" ? {} : {
        "tokenizer.ggml.tokens": strings(metadata, "tokens")?.map(shifted),
        "tokenizer.ggml.merges": strings(metadata, "merges")?.map(shifted),
      }
    ),
  },
  {
    name: "merges from left to right, whatever their rank",
    caughtBy: ["F-TOK-002", "F-TOK-003"],
    subject: bytePairs({ join: joinedAsRead }),
  },
  {
    name: "merges by the number of the token that they make",
    caughtBy: ["F-TOK-002", "F-TOK-003"],
    subject: bytePairs({
      join: (letters, merges, tokens) => {
        const product = (merge: string) => tokens.indexOf(merge.replace(" ", ""));
        return joined(letters, merges.toSorted((a, b) => product(a) - product(b)));
      },
    }),
  },
  {
    name: "neighbours merged wherever they are a token, without the merge list",
    caughtBy: ["F-TOK-002"],
    subject: bytePairs({
      join: (letters, _merges, tokens) =>
        mergedByDefinition(letters, (left, right) => {
          const id = tokens.indexOf(left + right);
          return id < 0 ? undefined : id;
        }),
    }),
  },
  {
    name: "the longest piece first",
    caughtBy: ["F-TOK-004", "F-TOK-005"],
    subject: withMetadata((metadata) =>
      metadata.get("tokenizer.ggml.model") !== "llama" ? {} : {
        "tokenizer.ggml.scores": Float32Array.from(
          strings(metadata, "tokens")!,
          (text) => text.length,
        ),
      }
    ),
  },
  {
    name: "the rightmost of equal merges first",
    caughtBy: ["F-TOK-006"],
    subject: bytePairs({ join: joinedFromTheRight }),
  },
  {
    name: "no words, the text merged as a whole",
    caughtBy: ["F-TOK-007"],
    subject: bytePairs({ cut: (text) => [text] }),
  },
  {
    name: "words cut at white space",
    caughtBy: ["F-TOK-007"],
    subject: bytePairs({ cut: (text) => text.split(/(?=\s)/) }),
  },
  {
    name: "digits by threes for Qwen",
    caughtBy: ["F-TOK-007"],
    // This one differs from Qwen's in its digits only.
    subject: withMetadata((metadata) =>
      metadata.get("tokenizer.ggml.pre") === "qwen2" ? { "tokenizer.ggml.pre": "dbrx" } : {}
    ),
  },
  {
    name: "the unknown token instead of bytes",
    caughtBy: ["F-TOK-008", "F-TOK-016"],
    subject: withParts(({ encode }, metadata) => {
      const types = metadata.get("tokenizer.ggml.token_type") as Int32Array;
      return {
        encode: (text, options) => encode(text, options).map((id) => types[id] === 6 ? 0 : id),
      };
    }),
  },
  {
    name: "special tokens never found",
    caughtBy: ["F-TOK-009", "F-TOK-011"],
    subject: withParts(({ encode }) => ({
      encode: (text, options) => encode(text, { ...options, special: false }),
    })),
  },
  {
    name: "special tokens found where nobody asks",
    caughtBy: ["F-TOK-010", "F-TOK-021"],
    subject: withParts(({ encode }) => ({
      encode: (text, options) => encode(text, { ...options, special: true }),
    })),
  },
  {
    name: "special tokens never left out",
    caughtBy: ["F-TOK-010"],
    subject: withParts(({ decode }) => ({ decode: (ids) => decode(ids) })),
  },
  {
    name: "no token to begin with",
    caughtBy: ["F-TOK-012"],
    subject: withParts(({ encode }) => ({
      encode: (text, options) => encode(text, { ...options, addBos: false }),
    })),
  },
  {
    name: "an end token behind each text",
    caughtBy: ["F-TOK-012"],
    subject: withParts(({ encode, eos }) => ({
      encode: (text, options) => [...encode(text, options), ...eos === undefined ? [] : [eos]],
    })),
  },
  {
    name: "a space put before every text",
    caughtBy: ["F-TOK-013"],
    subject: withMetadata(() => ({ "tokenizer.ggml.add_space_prefix": true })),
  },
  {
    name: "the space before the text not taken back",
    caughtBy: ["F-TOK-013", "F-TOK-016"],
    subject: withParts(({ tokenBytes }) => ({
      decode: (ids) =>
        new TextDecoder("utf-8", { ignoreBOM: true })
          .decode(Uint8Array.from(Array.from(ids, (id) => [...tokenBytes(id)]).flat())),
    })),
  },
  {
    name: "zeros for scores that are missing",
    caughtBy: ["F-TOK-014"],
    subject: withMetadata((metadata) => {
      const scores = metadata.get("tokenizer.ggml.scores") as Float32Array | undefined;
      const tokens = strings(metadata, "tokens") ?? [];
      return { "tokenizer.ggml.scores": Float32Array.from(tokens, (_, id) => scores?.[id] ?? 0) };
    }),
  },
  {
    name: "some pre-tokenizer for one that is not known",
    caughtBy: ["F-TOK-014"],
    subject: withMetadata((metadata) => {
      try {
        findPreTokenizer(metadata.get("tokenizer.ggml.pre") as string | undefined);
        return {};
      } catch {
        return { "tokenizer.ggml.pre": undefined };
      }
    }),
  },
  {
    name: "ids beyond the vocabulary begin again at 0",
    caughtBy: ["F-TOK-015"],
    subject: withParts(({ tokenText, tokenBytes, vocabularySize }) => ({
      tokenText: (id) => tokenText(id % vocabularySize),
      tokenBytes: (id) => tokenBytes(id % vocabularySize),
    })),
  },
  {
    name: "text normalized to Unicode's NFKC",
    caughtBy: ["F-TOK-016", "F-TOK-019"],
    subject: withParts(({ encode }) => ({
      encode: (text, options) => encode(text.normalize("NFKC"), options),
    })),
  },
  {
    name: "tokens decoded one by one",
    caughtBy: ["F-TOK-016", "F-TOK-017"],
    subject: withParts(({ tokenText }) => ({
      decode: (ids) => Array.from(ids, tokenText).join(""),
    })),
  },
  {
    name: "a byte order mark dropped",
    caughtBy: ["F-TOK-016", "F-TOK-017"],
    subject: withParts(({ decode }) => ({
      decode: (ids, options) => decode(ids, options).replace(/^\ufeff/, ""),
    })),
  },
  {
    name: "a stream of the tokens' own texts",
    caughtBy: ["F-TOK-018", "F-TOK-020"],
    subject: tokenization({
      stream: ({ tokenText }) => ({ push: tokenText, flush: () => "" }),
    }),
  },
  {
    name: "a stream that forgets half a character at the end",
    caughtBy: ["F-TOK-018"],
    subject: tokenization({
      stream: (tokenizer, options) => ({
        ...createTextStream(tokenizer, options),
        flush: () => "",
      }),
    }),
  },
]);
