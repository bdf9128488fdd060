/**
 * Reads safetensors files: eight bytes with the length of a JSON header, the header, the data
 * (https://github.com/huggingface/safetensors#format).
 *
 * @module
 */

/** A tensor within a file. */
interface Entry {
  readonly dtype: string;
  /** Outermost first, the other way round than in GGUF. */
  readonly shape: readonly number[];
  /** Where the data begins and ends, counted from the end of the header. */
  readonly data_offsets: readonly [number, number];
}

/** The bytes of an F32 tensor and its shape, innermost first as GGUF has it. */
export interface Float32Tensor {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The tensors of a file by name. */
export function readSafetensors(file: Uint8Array<ArrayBuffer>): Map<string, Float32Tensor> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header: Record<string, Entry> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, start)),
  );
  const tensors = new Map<string, Float32Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (entry.dtype !== "F32") throw new Error(`${name} is ${entry.dtype}, not F32`);
    const [from, to] = entry.data_offsets;
    tensors.set(name, {
      shape: entry.shape.toReversed(),
      bytes: file.subarray(start + from, start + to),
    });
  }
  return tensors;
}
