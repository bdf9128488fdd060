/**
 * GGUF files put together by hand, after the specification and without the engine's writer:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @module
 */
import assert from "node:assert/strict";
import { GgufError, type GgufFile } from "../../gguf/mod.ts";
import type { GgufFormat } from "./gguf_format.ts";

/** The numbers of the metadata value types (`gguf_metadata_value_type`). */
export const VALUE_TYPE = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** The number of the tensor type F32, whose elements have 4 bytes. */
export const F32 = 0;

/** An integer in so many little-endian bytes; a negative one in two's complement. */
export function integer(value: number | bigint, bytes: number): number[] {
  const bits = BigInt.asUintN(8 * bytes, BigInt(value));
  return Array.from({ length: bytes }, (_, i) => Number(bits >> BigInt(8 * i) & 0xffn));
}

export const u32 = (value: number | bigint): number[] => integer(value, 4);
export const u64 = (value: number | bigint): number[] => integer(value, 8);

/** A string: its length in bytes as u64, then its UTF-8. */
export function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...u64(bytes.length), ...bytes];
}

/** The first 24 bytes of a file: magic, version, and how many tensors and entries follow. */
export function start(tensors: number | bigint, entries: number | bigint, version = 3): number[] {
  return [0x47, 0x47, 0x55, 0x46, ...u32(version), ...u64(tensors), ...u64(entries)];
}

/** A metadata entry, its value already in bytes. */
export function entry(
  key: string,
  type: keyof typeof VALUE_TYPE,
  value: readonly number[],
): number[] {
  return [...text(key), ...u32(VALUE_TYPE[type]), ...value];
}

/** An array's bytes behind its entry's type: the elements' type, their number, the elements. */
export function array(of: keyof typeof VALUE_TYPE, elements: readonly number[][]): number[] {
  return [...u32(VALUE_TYPE[of]), ...u64(elements.length), ...elements.flat()];
}

/**
 * A line of the tensor index.
 *
 * @param shape innermost dimension first
 * @param type number of the tensor type
 * @param offset in bytes from where the data starts
 */
export function tensor(
  name: string,
  shape: readonly (number | bigint)[],
  type: number,
  offset: number | bigint,
): number[] {
  return [...text(name), ...u32(shape.length), ...shape.flatMap(u64), ...u32(type), ...u64(offset)];
}

/** Zeros behind the bytes, up to the next multiple of the alignment. */
export function padded(bytes: readonly number[], alignment = 32): number[] {
  const missing = (alignment - bytes.length % alignment) % alignment;
  return [...bytes, ...new Array<number>(missing).fill(0)];
}

/** `length` bytes that count up from `first`, modulo 256. */
export function counting(length: number, first = 1): number[] {
  return Array.from({ length }, (_, i) => (first + i) % 256);
}

/** Bytes as a file in memory that remembers which of them it was asked for. */
export class RecordingBlob extends Blob {
  /** start and end (exclusive) of every read, in bytes */
  readonly reads: [start: number, end: number][] = [];

  constructor(...parts: (readonly number[] | Uint8Array<ArrayBuffer>)[]) {
    super(parts.map((part) => part instanceof Uint8Array ? part : Uint8Array.from(part)));
  }

  override slice(start = 0, end = this.size, type?: string): Blob {
    this.reads.push([start, end]);
    return super.slice(start, end, type);
  }

  /** The bytes that all reads together asked for. */
  get bytesRead(): number {
    return this.reads.reduce((sum, [start, end]) => sum + end - start, 0);
  }
}

type Bytes = readonly number[] | Blob | readonly Blob[];

const located = (bytes: Bytes) =>
  bytes instanceof Blob || bytes[0] instanceof Blob
    ? bytes as Blob | readonly Blob[]
    : new RecordingBlob(bytes as readonly number[]);

/** Opens a file that is as it should be; fails where it is refused. */
export async function opened({ open }: GgufFormat, bytes: Bytes): Promise<GgufFile> {
  try {
    return await open(located(bytes));
  } catch (error) {
    assert.fail(`a sound file is refused: ${error}`);
  }
}

/** Fails unless a file is refused, and with a GgufError, which it returns. */
export async function refused(
  { open }: GgufFormat,
  bytes: Bytes,
  what: string,
): Promise<GgufError> {
  let file: GgufFile;
  try {
    file = await open(located(bytes));
  } catch (error) {
    assert.ok(error instanceof GgufError, `${what}: ${error}`);
    return error;
  }
  await file.close();
  assert.fail(`${what} was opened`);
}
