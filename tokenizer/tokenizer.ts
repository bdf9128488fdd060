import { type Metadata, metadataBoolean, metadataString } from "../gguf/mod.ts";
import { alphabetToBytes } from "./byte_alphabet.ts";
import { createBytePairEncoder, type PlainTextEncoder } from "./byte_pair.ts";
import { TokenizerError } from "./errors.ts";
import { findPreTokenizer } from "./pre_tokenizers.ts";
import { createSentencePieceEncoder, SPACE_MARK } from "./sentence_piece.ts";
import { createSpecialTokenSplitter } from "./special_tokens.ts";
import { decodeTokens } from "./text_stream.ts";
import { TokenType } from "./token_type.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

/** How {@link Tokenizer.encode} reads a text. */
export interface EncodeOptions {
  /**
   * Whether the text of a special token, such as `<|im_end|>`, becomes that token (true, the
   * default) or is text like any other. Tokens that the model's makers added as plain words
   * (GGUF's "user-defined") are found either way.
   */
  readonly special?: boolean;
  /** Whether the ids begin with the beginning-of-sequence token. Default: as the file says. */
  readonly addBos?: boolean;
}

/** How tokens become text. */
export interface DecodeOptions {
  /** Whether special tokens are written out (true, the default) or left out. */
  readonly special?: boolean;
}

/** Text to token ids and back, as a model was trained to read it. */
export interface Tokenizer {
  /** Number of tokens; ids are 0 to this, exclusive. */
  readonly vocabularySize: number;
  /** Beginning of sequence. */
  readonly bos: number | undefined;
  /** End of sequence. */
  readonly eos: number | undefined;
  /** End of a turn in a conversation. */
  readonly eot: number | undefined;
  /** Padding, where a batch needs it. */
  readonly padding: number | undefined;
  /** Every token after which an answer is over. */
  readonly endOfGeneration: ReadonlySet<number>;
  /** Whether encoding puts a space before a text, which decoding takes away again. */
  readonly addsSpacePrefix: boolean;
  /**
   * The ids of a text. Nothing is added at its end, since a prompt is there to be continued.
   * Unpaired surrogates become U+FFFD.
   *
   * @throws {TokenizerError} If `addBos` is asked for and the vocabulary has no such token.
   */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * The text of ids. Bytes that are no UTF-8 become U+FFFD.
   *
   * @throws {TokenizerError} If an id is outside the vocabulary.
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /**
   * A token's text, for people to read: a token that is part of a character shows U+FFFD.
   *
   * @throws {TokenizerError} If the id is outside the vocabulary.
   */
  tokenText(id: number): string;
  /**
   * A token's exact bytes: UTF-8, or a part of a character's. An unused token has none.
   *
   * @throws {TokenizerError} If the id is outside the vocabulary.
   */
  tokenBytes(id: number): Uint8Array;
  /**
   * Whether the token is a control or the unknown token, one that `special: false` leaves out.
   *
   * @throws {TokenizerError} If the id is outside the vocabulary.
   */
  isSpecial(id: number): boolean;
}

/** What differs between the tokenizer models of GGUF. */
interface Model {
  readonly vocabulary: Vocabulary;
  readonly encodePlain: PlainTextEncoder;
  /** The bytes of a normal token, from its text in the file. */
  readonly bytesOfText: (text: string) => Uint8Array;
  readonly addBos: boolean;
  readonly addsSpacePrefix: boolean;
}

const MODEL_KEY = "tokenizer.ggml.model";
const ADD_BOS_KEY = "tokenizer.ggml.add_bos_token";

/**
 * Makes a tokenizer from a GGUF file's metadata: byte-level BPE (`gpt2`) or SentencePiece
 * (`llama`).
 *
 * @example
 * ```ts
 * import { openGguf } from "../gguf/mod.ts";
 * import { createTokenizer } from "./mod.ts";
 *
 * async function countTokens(path: string, text: string) {
 *   await using file = await openGguf(path);
 *   return createTokenizer(file.metadata).encode(text).length;
 * }
 * ```
 *
 * @throws {TokenizerError} If the model or the pre-tokenizer is not supported, a key is missing,
 * or the keys contradict one another.
 * @throws {GgufError} If a key has a value of another type than the format's.
 */
export function createTokenizer(metadata: Metadata): Tokenizer {
  const { vocabulary, encodePlain, bytesOfText, addBos, addsSpacePrefix } = createModel(metadata);
  const { texts, types, bos } = vocabulary;
  const splitSpecial = createSpecialTokenSplitter(vocabulary);
  const utf8 = new TextEncoder();
  const lossyText = new TextDecoder("utf-8", { ignoreBOM: true });
  if (addBos && bos === undefined) throw missingBos();

  function encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = [];
    if (options.addBos ?? addBos) {
      if (bos === undefined) throw missingBos();
      ids.push(bos);
    }
    let afterSpecial = true;
    for (const fragment of splitSpecial(text.toWellFormed(), options.special ?? true)) {
      if (typeof fragment === "number") ids.push(fragment);
      else encodePlain(addsSpacePrefix && afterSpecial ? ` ${fragment}` : fragment, ids);
      afterSpecial = typeof fragment === "number";
    }
    return ids;
  }

  function typeOf(id: number): number {
    const type = types[id];
    if (type === undefined) {
      throw new TokenizerError(
        `${id} is no token id: the vocabulary has ${texts.length} tokens, from 0.`,
      );
    }
    return type;
  }

  function tokenBytes(id: number): Uint8Array {
    const text = texts[id]!;
    switch (typeOf(id)) {
      case TokenType.normal:
        return bytesOfText(text);
      case TokenType.byte:
        return Uint8Array.of(parseInt(text.slice(3, 5), 16));
      case TokenType.control:
      case TokenType.unknown:
      case TokenType.userDefined:
        return utf8.encode(text);
      default:
        return new Uint8Array(0);
    }
  }

  const tokenizer: Tokenizer = {
    vocabularySize: texts.length,
    bos,
    eos: vocabulary.eos,
    eot: vocabulary.eot,
    padding: vocabulary.padding,
    endOfGeneration: vocabulary.endOfGeneration,
    addsSpacePrefix,
    encode,
    decode: (ids, options) => decodeTokens(tokenizer, ids, options),
    tokenText: (id) =>
      typeOf(id) === TokenType.normal ? lossyText.decode(tokenBytes(id)) : texts[id]!,
    tokenBytes,
    isSpecial: (id) => typeOf(id) === TokenType.control || typeOf(id) === TokenType.unknown,
  };
  return tokenizer;
}

function createModel(metadata: Metadata): Model {
  const name = metadataString(metadata, MODEL_KEY);
  const addBos = metadataBoolean(metadata, ADD_BOS_KEY);
  const utf8 = new TextEncoder();
  if (name === "gpt2") {
    const preTokenizer = findPreTokenizer(metadataString(metadata, "tokenizer.ggml.pre"));
    const vocabulary = readVocabulary(metadata);
    return {
      vocabulary,
      encodePlain: createBytePairEncoder(metadata, vocabulary, preTokenizer),
      // A text outside the byte alphabet stands for itself, as in Hugging Face's decoder.
      bytesOfText: (text) => alphabetToBytes(text) ?? utf8.encode(text),
      addBos: addBos ?? preTokenizer.addBos,
      addsSpacePrefix: false,
    };
  }
  if (name === "llama") {
    const vocabulary = readVocabulary(metadata, { bos: 1, eos: 2, unknown: 0 });
    return {
      vocabulary,
      encodePlain: createSentencePieceEncoder(metadata, vocabulary),
      bytesOfText: (text) => utf8.encode(text.replaceAll(SPACE_MARK, " ")),
      addBos: addBos ?? true,
      addsSpacePrefix: metadataBoolean(metadata, "tokenizer.ggml.add_space_prefix") ?? true,
    };
  }
  const problem = name === undefined
    ? `The file has no '${MODEL_KEY}'`
    : `'${MODEL_KEY}' is ${JSON.stringify(name.slice(0, 40))}, which is not supported`;
  throw new TokenizerError(
    `${problem}; use a file whose tokenizer is "gpt2" (byte-level BPE) or "llama" (SentencePiece).`,
    MODEL_KEY,
  );
}

function missingBos(): TokenizerError {
  return new TokenizerError(
    `A beginning-of-sequence token is asked for ('${ADD_BOS_KEY}' or addBos), but the file has no ` +
      "'tokenizer.ggml.bos_token_id'; encode with addBos: false, or convert the model again.",
    ADD_BOS_KEY,
  );
}
