import { ByteBuilder } from "./byte_builder.ts";
import { aligned, DEFAULT_ALIGNMENT, isAlignment, MAGIC } from "./header.ts";
import { MAX_DIMENSION, MAX_DIMENSIONS, MAX_TENSOR_NAME_BYTES } from "./limits.ts";
import type { MetadataEntry } from "./metadata.ts";
import { writeMetadata } from "./metadata_writer.ts";
import type { TensorInfo } from "./tensor_reader.ts";
import { rowBytes, TENSOR_TYPES, type TensorType } from "./types.ts";

/** A tensor to be written. */
export interface TensorDeclaration {
  /** Its name, at most 63 bytes of UTF-8. */
  readonly name: string;
  /** How its elements are stored. */
  readonly type: TensorType;
  /** Elements in each dimension, innermost first, at most four. */
  readonly shape: readonly number[];
}

/** All that a file holds but the tensors' data. */
export interface GgufDeclaration {
  /** Version of the format; 3 by default. */
  readonly version?: 2 | 3;
  /** Bytes to align tensors to, a power of two. By default what the entry `general.alignment` says,
   * else 32. Any other than 32 is written as that entry. */
  readonly alignment?: number;
  /** The metadata, in the order to be written. */
  readonly metadata: readonly MetadataEntry[];
  /** The tensors, in the order of their data. */
  readonly tensors: readonly TensorDeclaration[];
}

/** A file's header, and where in the file everything comes to lie. */
export interface GgufLayout {
  /** The first bytes of the file, up to where the data starts. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** The tensors with their places, in the order of their data. */
  readonly tensors: readonly TensorInfo[];
  /** Bytes of the whole file. The header in a file extended to this size (`truncate`) is a valid
   * model whose weights are zero; on most systems it takes no more room than its header. */
  readonly size: number;
}

/** Where a file's bytes go, in their order. A sink copies or uses up each chunk before it resolves,
 * so the producer may use its buffer again. */
export interface ByteSink {
  /** Appends the bytes. */
  write(chunk: Uint8Array): Promise<void>;
}

/**
 * Lays out a GGUF file: makes its header and gives every tensor its place.
 *
 * @throws {RangeError} If a name, key, shape, number or the alignment can not stand in a file.
 */
export function layoutGguf(declaration: GgufDeclaration): GgufLayout {
  const { version = 3, tensors } = declaration;
  const { alignment, metadata } = withAlignment(declaration);
  const names = new Set<string>();
  for (const tensor of tensors) {
    checkTensor(tensor);
    if (names.has(tensor.name)) throw new RangeError(`tensor ${tensor.name} is declared twice`);
    names.add(tensor.name);
  }

  const out = new ByteBuilder();
  out.u32(MAGIC);
  out.u32(version);
  out.u64(tensors.length);
  out.u64(metadata.length);
  writeMetadata(out, metadata);
  const placed: TensorInfo[] = [];
  let offset = 0; // in the data
  for (const { name, type, shape } of tensors) {
    const rows = shape.slice(1).reduce((product, size) => product * size, 1);
    const bytes = rows * rowBytes(type, shape[0] ?? 1);
    placed.push({ name, type, shape, bytes, offset, source: 0 });
    out.string(name);
    out.u32(shape.length);
    for (const size of shape) out.u64(size);
    out.u32(TENSOR_TYPES[type].id);
    out.u64(offset);
    offset = aligned(offset + bytes, alignment);
    if (!Number.isSafeInteger(offset)) throw new RangeError("the tensors are beyond any file");
  }
  const dataOffset = aligned(out.length, alignment);
  out.zeros(dataOffset - out.length);
  return {
    header: out.finish(),
    tensors: placed.map((tensor) => ({ ...tensor, offset: dataOffset + tensor.offset })),
    size: dataOffset + offset,
  };
}

/** The alignment that holds, and the metadata with an entry for it where one is needed. */
function withAlignment(
  declaration: GgufDeclaration,
): { alignment: number; metadata: readonly MetadataEntry[] } {
  const { metadata } = declaration;
  const entry = metadata.find(({ key }) => key === "general.alignment");
  const alignment = declaration.alignment ?? Number(entry?.value ?? DEFAULT_ALIGNMENT);
  if (!isAlignment(alignment)) {
    throw new RangeError(`'alignment' must be a power of two, not ${alignment}`);
  }
  if (entry !== undefined && entry.value !== alignment) {
    throw new RangeError(`'alignment' is ${alignment}, general.alignment ${entry.value}`);
  }
  if (entry !== undefined || alignment === DEFAULT_ALIGNMENT) return { alignment, metadata };
  const added: MetadataEntry = { key: "general.alignment", type: "u32", value: alignment };
  return { alignment, metadata: [...metadata, added] };
}

function checkTensor({ name, shape }: TensorDeclaration): void {
  const nameBytes = new TextEncoder().encode(name).length;
  // llama.cpp keeps the name with a closing zero, so it wants one byte less than the format allows.
  if (nameBytes === 0 || nameBytes >= MAX_TENSOR_NAME_BYTES) {
    const limit = MAX_TENSOR_NAME_BYTES - 1;
    throw new RangeError(`tensor name ${JSON.stringify(name)} must have 1 to ${limit} bytes`);
  }
  const valid = (size: number) => Number.isInteger(size) && size >= 1 && size <= MAX_DIMENSION;
  if (shape.length > MAX_DIMENSIONS || !shape.every(valid)) {
    throw new RangeError(`tensor ${name} can not have the shape [${shape}]`);
  }
}

/**
 * Writes a whole file: the header, then each tensor's data as `data` produces it, chunk by chunk.
 * No tensor is ever held whole.
 *
 * @param data The data of a tensor, in chunks of any size that together have `tensor.bytes` bytes.
 * @throws {RangeError} If a tensor's chunks have more or fewer bytes.
 */
export async function writeGguf(
  sink: ByteSink,
  layout: GgufLayout,
  data: (tensor: TensorInfo) => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  await sink.write(layout.header);
  let position = layout.header.length;
  for (const tensor of layout.tensors) {
    position += await writePadding(sink, tensor.offset - position);
    const end = tensor.offset + tensor.bytes;
    for await (const chunk of data(tensor)) {
      position += chunk.length;
      if (position > end) throw wrongSize(tensor, "more");
      await sink.write(chunk);
    }
    if (position < end) throw wrongSize(tensor, "fewer");
  }
  await writePadding(sink, layout.size - position);
}

async function writePadding(sink: ByteSink, bytes: number): Promise<number> {
  if (bytes > 0) await sink.write(new Uint8Array(bytes));
  return bytes;
}

function wrongSize(tensor: TensorInfo, relation: string): RangeError {
  return new RangeError(`the data of ${tensor.name} has ${relation} than ${tensor.bytes} bytes`);
}
