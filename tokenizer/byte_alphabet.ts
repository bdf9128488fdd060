/**
 * GPT-2's alphabet: each of the 256 bytes has a printable character, and the tokens of a
 * byte-level vocabulary are written in it. The bytes that Latin-1 prints are themselves; the
 * others, in order, are U+0100 and up. A space is "Ġ", a newline "Ċ".
 *
 * Source: `bytes_to_unicode` of openai/gpt-2, `encoder.py`.
 */

/** The character of each byte: [256]. */
export const characterOfByte: readonly string[] = buildAlphabet();

const byteOfCharacter = new Int16Array(0x144).fill(-1);
characterOfByte.forEach((character, byte) => byteOfCharacter[character.charCodeAt(0)] = byte);

function buildAlphabet(): string[] {
  let unprintable = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : 0x100 + unprintable++);
  });
}

/** Bytes written in the alphabet. */
export function bytesToAlphabet(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += characterOfByte[byte];
  return text;
}

/**
 * The bytes that a text in the alphabet stands for, or undefined where a character is not of the
 * alphabet.
 */
export function alphabetToBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = byteOfCharacter[text.charCodeAt(i)] ?? -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
