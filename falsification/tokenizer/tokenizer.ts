/**
 * The tests of contract tokenizer-v1.
 *
 * @module
 */
import type { Metadata } from "../../gguf/mod.ts";
import {
  createTextStream,
  createTokenizer,
  type DecodeOptions,
  type TextStream,
  type Tokenizer,
} from "../../tokenizer/mod.ts";
import type { Falsification } from "../falsification.ts";
import { decodingTests } from "./decoding.ts";
import { mergingTests } from "./merging.ts";
import { specialTests } from "./special.ts";

/** A way from text to token ids and back, under test. */
export interface Tokenization {
  /** @throws {TokenizerError} unless the metadata make a tokenizer */
  create(metadata: Metadata): Tokenizer;
  /** Text from tokens while they come. */
  stream(tokenizer: Tokenizer, options?: DecodeOptions): TextStream;
}

/** The tests of tokenizer-v1. */
export const tokenizer: Falsification<Tokenization> = {
  contract: "tokenizer-v1",
  subject: () => ({ create: createTokenizer, stream: createTextStream }),
  tests: [...mergingTests, ...specialTests, ...decodingTests],
};
