/**
 * A reader of GGUF headers in plain TypeScript, after the specification, that can be given faults.
 *
 * @module
 */
import {
  GgufError,
  type Metadata,
  type MetadataValue,
  rowBytes,
  tensorTypeById,
} from "../../gguf/mod.ts";

/** What may be wrong with the reader. */
export interface Faults {
  /** 1 by the specification */
  readonly booleanBytes?: number;
  readonly stringsEndAtZero?: boolean;
  /** the end of the file is found out by whoever reads beyond it */
  readonly lengthsUnchecked?: boolean;
}

/** The reading of a file from its beginning on. */
class Reading {
  #at = 8;

  constructor(readonly view: DataView, readonly faults: Faults) {}

  /** Takes the next `bytes` and returns their place. */
  take(bytes: number): number {
    const at = this.#at;
    if (!this.faults.lengthsUnchecked && at + bytes > this.view.byteLength) {
      throw new GgufError({ file: "blob", found: "its end", expected: `${bytes} more bytes` });
    }
    this.#at += bytes;
    return at;
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  count(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  string(): string {
    const length = this.count();
    const bytes = new Uint8Array(this.view.buffer, this.take(length), length);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    return this.faults.stringsEndAtZero ? text.split("\0")[0]! : text;
  }

  boolean(): boolean {
    return this.view.getUint8(this.take(this.faults.booleanBytes ?? 1)) === 1;
  }

  /** A value of a type by its number in the file. */
  value(type: number): MetadataValue {
    if (type === 7) return this.boolean();
    if (type === 8) return this.string();
    if (type === 9) return this.array();
    const [number] = this.numbers(type, 1);
    return Number.isSafeInteger(Number(number)) ? Number(number) : number!;
  }

  array(): MetadataValue {
    const [type, count] = [this.u32(), this.count()];
    if (type < 7 || type > 9) return this.numbers(type, count);
    const values: MetadataValue[] = [];
    while (values.length < count) values.push(this.value(type));
    return values as MetadataValue;
  }

  numbers(type: number, count: number) {
    const Numbers = NUMBERS[type];
    if (Numbers === undefined) {
      throw new GgufError({ file: "blob", found: `type ${type}`, expected: "one that there is" });
    }
    const bytes = count * Numbers.BYTES_PER_ELEMENT;
    const at = this.take(bytes);
    return new Numbers(this.view.buffer.slice(at, at + bytes) as ArrayBuffer);
  }
}

/** The array of each type of number, by its number in the file. */
const NUMBERS = [
  ...[Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array],
  ...[undefined, undefined, undefined, BigUint64Array, BigInt64Array, Float64Array],
];

/** The metadata of a file, and where they end. */
function metadataOf(view: DataView, faults: Faults): [Metadata, Reading, tensors: number] {
  const reading = new Reading(view, faults);
  const [tensors, entries] = [reading.count(), reading.count()];
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < entries; i++) metadata.set(reading.string(), reading.value(reading.u32()));
  return [metadata, reading, tensors];
}

/** The metadata of a file. */
export function readMetadata(view: DataView, faults: Faults): Metadata {
  return metadataOf(view, faults)[0];
}

/** Overwrites the tensors' offsets in a header: each tensor follows the one before. */
export function placeInOrder(view: DataView): void {
  const [metadata, reading, tensors] = metadataOf(view, {});
  const alignment = Number(metadata.get("general.alignment") ?? 32);
  let offset = 0;
  for (let i = 0; i < tensors; i++) {
    reading.string();
    const shape: number[] = [];
    for (let left = reading.u32(); left > 0; left--) shape.push(reading.count());
    const { name } = tensorTypeById(reading.u32())!;
    view.setBigUint64(reading.take(8), BigInt(offset), true);
    const rows = shape.slice(1).reduce((a, b) => a * b, 1);
    offset += Math.ceil(rows * rowBytes(name, shape[0] ?? 1) / alignment) * alignment;
  }
}
