import type { DecodeOptions, Tokenizer } from "./tokenizer.ts";

/** Turns tokens into text as they come. */
export interface TextStream {
  /**
   * The text that this token completes: it may be empty, for a token can end within a character,
   * whose bytes are then kept for the next call.
   */
  push(id: number): string;
  /** U+FFFD if the tokens so far end within a character, otherwise nothing. */
  flush(): string;
}

/**
 * A stream that never emits half a character. What it emits for some tokens, with the flush at
 * the end, is `tokenizer.decode` of them.
 *
 * @example
 * ```ts
 * import { createTextStream, type Tokenizer } from "./mod.ts";
 *
 * async function* textOf(tokenizer: Tokenizer, ids: AsyncIterable<number>) {
 *   const stream = createTextStream(tokenizer, { special: false });
 *   for await (const id of ids) yield stream.push(id);
 *   yield stream.flush();
 * }
 * ```
 */
export function createTextStream(tokenizer: Tokenizer, options?: DecodeOptions): TextStream {
  const read = createTokenReader(tokenizer, options);
  const decoder = createDecoder();
  return {
    push: (id) => decoder.decode(read(id), { stream: true }),
    flush: () => decoder.decode(),
  };
}

/** The text of ids, all at once. */
export function decodeTokens(
  tokenizer: Tokenizer,
  ids: Iterable<number>,
  options?: DecodeOptions,
): string {
  const read = createTokenReader(tokenizer, options);
  const pieces = Array.from(ids, read);
  const bytes = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    bytes.set(piece, end);
    end += piece.length;
  }
  return createDecoder().decode(bytes);
}

/** A byte order mark in the text is text. */
function createDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

const NOTHING = new Uint8Array(0);
const SPACE = 0x20;

/**
 * Reads tokens one after the other: their bytes, but nothing for special tokens that are left
 * out, and without the space that encoding put before the text.
 */
function createTokenReader(
  tokenizer: Tokenizer,
  { special = true }: DecodeOptions = {},
): (id: number) => Uint8Array {
  let atStart = tokenizer.addsSpacePrefix;
  return (id) => {
    if (!special && tokenizer.isSpecial(id)) return NOTHING;
    const bytes = tokenizer.tokenBytes(id);
    const dropSpace = atStart && bytes[0] === SPACE;
    atStart &&= bytes.length === 0;
    return dropSpace ? bytes.subarray(1) : bytes;
  };
}
