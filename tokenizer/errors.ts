/**
 * Thrown when a tokenizer cannot be made from a file's metadata, or is asked for a token that its
 * vocabulary does not have. The message names the metadata key, what is wrong with it, and a way
 * out.
 */
export class TokenizerError extends Error {
  /** Name of the class, for callers that compare names over realms. */
  override readonly name = "TokenizerError";
  /** The metadata key at fault, such as `tokenizer.ggml.pre`; undefined where there is none. */
  readonly key: string | undefined;

  /**
   * @param message What is wrong and what can be done.
   * @param key The metadata key at fault.
   */
  /** @ignore */
  constructor(message: string, key?: string) {
    super(message);
    this.key = key;
  }
}
