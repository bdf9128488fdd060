/**
 * What another implementation said about a model with random weights, kept in a file, so that the
 * comparison does not need that implementation. The file says which model: the same options make the
 * same bytes.
 *
 * @module
 */
import type { SynthOptions } from "../../synth/mod.ts";

/** A recording as it is stored. */
export interface Recording {
  /** The options that the model was made with. */
  readonly model: SynthOptions & { readonly name: string; readonly vocabulary: number };
  /** SHA-256 of the model's bytes, in hexadecimal: other bytes are another model. */
  readonly sha256: string;
  readonly tokens: readonly number[];
  /** The positions of the prompt that are kept. */
  readonly positions: readonly number[];
  /** Logits or log-probabilities: little-endian f32 [positions, vocabulary] in base64. */
  readonly rows: string;
}

/** SHA-256 in hexadecimal. */
export async function sha256(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Rows of one length, one after another, as base64 of little-endian f32. */
export function encodeRows(rows: readonly Float32Array[]): string {
  const columns = rows[0]?.length ?? 0;
  const bytes = new DataView(new ArrayBuffer(4 * rows.length * columns));
  rows.forEach((row, i) =>
    row.forEach((value, j) => bytes.setFloat32(4 * (i * columns + j), value, true))
  );
  const text = Array.from(new Uint8Array(bytes.buffer), (byte) => String.fromCharCode(byte));
  return btoa(text.join(""));
}

/** The rows of {@linkcode encodeRows}. */
export function decodeRows(text: string, columns: number): Float32Array[] {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from(
    { length: bytes.length / (4 * columns) },
    (_, i) =>
      Float32Array.from(
        { length: columns },
        (_, j) => view.getFloat32(4 * (i * columns + j), true),
      ),
  );
}
