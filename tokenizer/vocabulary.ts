import { type Metadata, metadataNumber } from "../gguf/mod.ts";
import { TokenizerError } from "./errors.ts";
import { CONVERT_AGAIN, numberPerToken, requiredStrings, tokenId } from "./metadata_fields.ts";
import { createTextIndex, type TextIndex } from "./text_index.ts";
import { findEndOfGeneration, findStripsRight, resolveRoles } from "./token_roles.ts";
import { TokenType } from "./token_type.ts";

/** The tokens of a file: `texts[id]`, `types[id]`, and back from a text to its id. */
export interface Vocabulary {
  /** [tokens] as written in the file: in GPT-2's byte alphabet, or with "▁" for a space. */
  readonly texts: readonly string[];
  /** [tokens] values of {@link TokenType}. */
  readonly types: Uint8Array;
  readonly index: TextIndex;
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly eot: number | undefined;
  readonly padding: number | undefined;
  readonly unknown: number | undefined;
  /** The tokens that end an answer. */
  readonly endOfGeneration: ReadonlySet<number>;
  /** Tokens after which white space in the input is dropped. */
  readonly stripsRight: ReadonlySet<number>;
}

/** Largest vocabulary accepted: the largest known is about 260,000, and merges pair two ids. */
const MAX_TOKENS = 2 ** 22;

/**
 * Reads the tokens, their types and the special ones.
 *
 * @param defaults Ids that the tokenizer's model implies where the file names none.
 * @throws {TokenizerError} If a key is missing or does not fit the others.
 */
export function readVocabulary(
  metadata: Metadata,
  defaults: { bos?: number; eos?: number; unknown?: number } = {},
): Vocabulary {
  const tokensKey = "tokenizer.ggml.tokens";
  // A text must be unique; llama.cpp names empty tokens in this way.
  const texts = requiredStrings(metadata, tokensKey).map((text, id) => text || `[EMPTY_${id}]`);
  const size = texts.length;
  if (size === 0 || size > MAX_TOKENS) {
    throw new TokenizerError(
      `'${tokensKey}' has ${size} tokens; between 1 and ${MAX_TOKENS} are supported.`,
      tokensKey,
    );
  }
  const index = createTextIndex(texts, (first, second) => {
    throw new TokenizerError(
      `'${tokensKey}' has ${JSON.stringify(texts[first])} twice, as ${first} and ${second}; ` +
        `${CONVERT_AGAIN}.`,
      tokensKey,
    );
  });
  const types = readTypes(metadata, texts);
  const implied = (id: number | undefined) => id !== undefined && id < size ? id : undefined;
  const id = (name: string) => tokenId(metadata, `tokenizer.ggml.${name}_token_id`, size);
  const eos = id("eos") ?? implied(defaults.eos);
  const roles = resolveRoles(index, types, id);
  return {
    texts,
    types,
    index,
    bos: id("bos") ?? implied(defaults.bos),
    eos,
    eot: roles.eot,
    padding: readPadding(metadata, size),
    unknown: id("unknown") ?? implied(defaults.unknown),
    endOfGeneration: findEndOfGeneration(index, types, [eos, ...Object.values(roles)]),
    stripsRight: findStripsRight(metadata, texts, types),
  };
}

/** Files made from models that were given a padding token late name one past the end. */
function readPadding(metadata: Metadata, size: number): number | undefined {
  const id = metadataNumber(metadata, "tokenizer.ggml.padding_token_id");
  return id !== undefined && id < size ? id : undefined;
}

/** Without types every token is normal. */
function readTypes(metadata: Metadata, texts: readonly string[]): Uint8Array {
  const key = "tokenizer.ggml.token_type";
  const values = numberPerToken(metadata, key, texts.length);
  if (!values) return new Uint8Array(texts.length).fill(TokenType.normal);
  const types = Uint8Array.from(texts, (_, id) => values[id]!);
  types.forEach((type, id) => {
    if (type === TokenType.byte && !/^<0x[0-9A-F]{2}>$/i.test(texts[id]!)) {
      throw new TokenizerError(
        `'${key}' says that token ${id} is a byte, but its text is ` +
          `${JSON.stringify(texts[id]!.slice(0, 40))}, not such as <0x0A>.`,
        key,
      );
    }
  });
  return types;
}
