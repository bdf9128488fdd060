import { GgufError } from "./errors.ts";
import { HeaderReader } from "./header_reader.ts";
import { MAX_ALIGNMENT, MAX_METADATA_ENTRIES, MAX_TENSORS } from "./limits.ts";
import { type Metadata, type MetadataEntry, metadataFrom, metadataNumber } from "./metadata.ts";
import { MIN_ENTRY_BYTES, readMetadata } from "./metadata_reader.ts";
import type { ByteSource } from "./source.ts";
import {
  MIN_TENSOR_INFO_BYTES,
  placeTensors,
  readTensors,
  type TensorInfo,
} from "./tensor_reader.ts";

/** "GGUF", as a little-endian u32. */
export const MAGIC = 0x46554747;

/** Bytes that data and tensors are aligned to where `general.alignment` is absent. */
export const DEFAULT_ALIGNMENT = 32;

/** What stands before the data of one GGUF file. */
export interface Header {
  /** Version of the format. */
  readonly version: number;
  /** Bytes that tensors are aligned to. */
  readonly alignment: number;
  /** The metadata in the file's order, with the types that it is stored in. */
  readonly entries: readonly MetadataEntry[];
  /** The metadata by key. */
  readonly metadata: Metadata;
  /** The tensors by name, in the file's order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/**
 * Reads the header of a GGUF file, versions 2 and 3, and nothing behind it. The layout, all of it
 * little-endian, by `ggml/include/gguf.h`:
 *
 *     magic        u32       "GGUF"
 *     version      u32
 *     tensors      u64       number of tensors
 *     entries      u64       number of metadata entries
 *     entries  ×   string    key (a string is its length in bytes as u64, then UTF-8)
 *                  u32       type of the value; for an array: 9, then u32 type and u64 number
 *                            of its elements
 *                  …         value
 *     tensors  ×   string    name
 *                  u32       number of dimensions
 *                  u64 …     size of each dimension, innermost first
 *                  u32       tensor type
 *                  u64       offset in the data
 *     padding to the alignment, then the data, each tensor padded to the alignment
 *
 * @throws {GgufError} If it is not well formed, or does not fit the file's size.
 */
export async function readHeader(source: ByteSource): Promise<Header> {
  const reader = new HeaderReader(source);
  await reader.ahead(4 + 4 + 8 + 8);
  const version = readVersion(reader);
  const tensorCount = reader.count("the number of tensors", MAX_TENSORS);
  const entryCount = reader.count("the number of metadata entries", MAX_METADATA_ENTRIES);
  reader.require(
    entryCount * MIN_ENTRY_BYTES + tensorCount * MIN_TENSOR_INFO_BYTES,
    `${entryCount} metadata entries and ${tensorCount} tensors`,
  );

  const entries = await readMetadata(reader, entryCount);
  const metadata = metadataFrom(entries, source.name);
  const alignment = alignmentOf(metadata, source.name);
  const declared = await readTensors(reader, tensorCount);
  const dataOffset = aligned(reader.position, alignment);
  const tensors = placeTensors(declared, source, dataOffset, alignment);
  return { version, alignment, entries, metadata, tensors };
}

function readVersion(reader: HeaderReader): number {
  const magic = reader.u32("the magic number");
  if (magic !== MAGIC) {
    const found = `0x${magic.toString(16).padStart(8, "0")} as the magic number`;
    throw reader.error(4, found, `0x${MAGIC.toString(16)} ("GGUF"): this is no GGUF file`);
  }
  const version = reader.u32("the version");
  if (version === 2 || version === 3) return version;
  // A small number read with its bytes in the wrong order has its low half empty.
  if (version !== 0 && (version & 0xffff) === 0) {
    throw reader.error(4, "a big-endian file", "a little-endian one: convert the model again");
  }
  throw reader.error(4, `GGUF version ${version}`, "version 2 or 3: convert the model again");
}

function alignmentOf(metadata: Metadata, file: string): number {
  const alignment = metadataNumber(metadata, "general.alignment") ?? DEFAULT_ALIGNMENT;
  if (isAlignment(alignment)) return alignment;
  throw new GgufError({
    file,
    found: `a general.alignment of ${alignment}`,
    expected: `a power of two up to ${MAX_ALIGNMENT}`,
  });
}

/** Whether tensors can be aligned to so many bytes. llama.cpp too wants a power of two. */
export function isAlignment(bytes: number): boolean {
  const powerOfTwo = Number.isInteger(bytes) && bytes >= 1 && (bytes & (bytes - 1)) === 0;
  return powerOfTwo && bytes <= MAX_ALIGNMENT;
}

/** `offset` rounded up to the alignment. */
export function aligned(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
