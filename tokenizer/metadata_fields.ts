import { type Metadata, metadataNumber, metadataNumbers, metadataStrings } from "../gguf/mod.ts";
import { TokenizerError } from "./errors.ts";

/** What to do about a file whose tokenizer metadata is broken: the end of many a message. */
export const CONVERT_AGAIN = "convert the model to GGUF again, or use another copy of the file";

/**
 * @throws {TokenizerError} If the key is missing.
 * @throws {GgufError} If it is no array of strings.
 */
export function requiredStrings(metadata: Metadata, key: string): readonly string[] {
  return metadataStrings(metadata, key) ?? missing(key);
}

/**
 * An array with a number for each token, or undefined where the file has none.
 *
 * @throws {TokenizerError} If it has fewer numbers than there are tokens.
 * @throws {GgufError} If it is no array of numbers.
 */
export function numberPerToken(
  metadata: Metadata,
  key: string,
  tokenCount: number,
): ArrayLike<number> | undefined {
  const numbers = metadataNumbers(metadata, key);
  if (numbers && numbers.length < tokenCount) {
    throw new TokenizerError(
      `'${key}' has ${numbers.length} entries for ${tokenCount} tokens; ${CONVERT_AGAIN}.`,
      key,
    );
  }
  return numbers;
}

/**
 * A token's id, or undefined where the file has none.
 *
 * @throws {TokenizerError} If it is no id of the vocabulary.
 * @throws {GgufError} If it is no number.
 */
export function tokenId(metadata: Metadata, key: string, tokenCount: number): number | undefined {
  const id = metadataNumber(metadata, key);
  if (id === undefined || (Number.isInteger(id) && id >= 0 && id < tokenCount)) return id;
  throw new TokenizerError(
    `'${key}' is ${id}, outside the vocabulary of ${tokenCount} tokens; ${CONVERT_AGAIN}.`,
    key,
  );
}

/** Throws for a key that the file must have. */
export function missing(key: string): never {
  throw new TokenizerError(`The file has no '${key}'; ${CONVERT_AGAIN}.`, key);
}
