/**
 * Decoding of GGUF strings: a u64 with the number of bytes, then so many bytes of UTF-8.
 *
 * @module
 */

// A byte order mark is part of a string here: vocabularies have a token that is just U+FEFF.
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8 to text; undefined if the bytes are no UTF-8. */
export function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch {
    return undefined;
  }
}

/** UTF-8 to text, with U+FFFD for what is no UTF-8. */
export function decodeLeniently(bytes: Uint8Array): string {
  return LENIENT.decode(bytes);
}

/**
 * Decodes the strings at the front of `bytes` and appends them to `into`: at most `count`, and only
 * those that are whole. Returns the bytes that they take.
 *
 * A vocabulary has hundreds of thousands of short strings, and a call of TextDecoder costs more than
 * such a string does. So all are decoded at once, a NUL behind each, and the text is split there.
 */
export function decodeStrings(bytes: Uint8Array, count: number, into: string[]): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const joined = new Uint8Array(bytes.length);
  let strings = 0;
  let from = 0;
  let to = 0;
  while (strings < count && from + 8 <= bytes.length) {
    const end = from + 8 + lengthAt(view, from);
    if (end > bytes.length) break;
    for (from += 8; from < end; from++) joined[to++] = bytes[from]!;
    to++;
    strings++;
  }

  const texts = decodeExactly(joined.subarray(0, to))?.split("\0") ?? [];
  texts.pop();
  if (texts.length === strings) {
    for (const text of texts) into.push(text);
  } else {
    // A string has a NUL of its own, or is no UTF-8.
    for (let at = 0; at < from;) {
      const end = at + 8 + lengthAt(view, at);
      into.push(decodeLeniently(bytes.subarray(at + 8, end)));
      at = end;
    }
  }
  return from;
}

function lengthAt(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}
