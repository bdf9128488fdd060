import { GgufError, quoted } from "./errors.ts";
import type { HeaderReader } from "./header_reader.ts";
import { MAX_DIMENSION, MAX_DIMENSIONS, MAX_TENSOR_NAME_BYTES } from "./limits.ts";
import type { ByteSource } from "./source.ts";
import { decodeExactly, decodeLeniently } from "./strings.ts";
import { TENSOR_TYPES, type TensorType, tensorTypeById } from "./types.ts";

/** A tensor's place in a file. */
export interface TensorInfo {
  /** The tensor's name, such as "blk.0.ffn_gate_exps.weight". */
  readonly name: string;
  /** How its elements are stored. */
  readonly type: TensorType;
  /** Elements in each dimension, innermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Size of its data in bytes. */
  readonly bytes: number;
  /** Byte offset of its data from the beginning of its source. */
  readonly offset: number;
  /** Which of the model's sources (shards) has it. */
  readonly source: number;
}

/** A tensor as the index declares it; `offset` is relative to the aligned start of the data. */
type Declared = Omit<TensorInfo, "source">;

/** Fewest bytes of a tensor in the index: a name of one letter and no dimensions. */
export const MIN_TENSOR_INFO_BYTES: number = 8 + 1 + 4 + 4 + 8;
const MAX_TENSOR_INFO_BYTES = 8 + MAX_TENSOR_NAME_BYTES + 4 + 8 * MAX_DIMENSIONS + 4 + 8;

/** Reads the index of `count` tensors, which ends the header. */
export async function readTensors(reader: HeaderReader, count: number): Promise<Declared[]> {
  const tensors: Declared[] = [];
  while (tensors.length < count) tensors.push(await readTensor(reader, tensors.length));
  return tensors;
}

async function readTensor(reader: HeaderReader, index: number): Promise<Declared> {
  await reader.ahead(MAX_TENSOR_INFO_BYTES);
  const nameBytes = await reader.string(`the name of tensor ${index}`, MAX_TENSOR_NAME_BYTES);
  const name = decodeExactly(nameBytes);
  if (name === undefined || name === "") {
    const found = quoted(decodeLeniently(nameBytes));
    throw reader.error(nameBytes.length, `tensor name ${found}`, "a name in UTF-8");
  }
  const tensor = `tensor ${quoted(name)}`;
  const shape = readShape(reader, tensor);
  const id = reader.u32(`the type of ${tensor}`);
  const type = tensorTypeById(id);
  if (type === undefined) {
    throw reader.error(4, `type ${id} of ${tensor}`, "one of ggml's tensor types");
  }
  const rowLength = shape[0] ?? 1;
  if (rowLength % type.blockSize !== 0) {
    const expected = `a multiple of ${type.blockSize}, the block size of ${type.name}`;
    throw reader.error(4, `rows of ${rowLength} elements in ${tensor}`, expected);
  }
  const bytes = (elementCount(shape) / type.blockSize) * type.blockBytes;
  const offset = reader.count(`the offset of ${tensor}`, Number.MAX_SAFE_INTEGER);
  return { name, type: type.name, shape, bytes, offset };
}

function readShape(reader: HeaderReader, tensor: string): number[] {
  const dimensions = reader.u32(`the number of dimensions of ${tensor}`);
  if (dimensions > MAX_DIMENSIONS) {
    throw reader.error(4, `${dimensions} dimensions of ${tensor}`, `at most ${MAX_DIMENSIONS}`);
  }
  const shape: number[] = [];
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const size = reader.count(`dimension ${dimension} of ${tensor}`, MAX_DIMENSION);
    if (size === 0) throw reader.error(8, `dimension ${dimension} of ${tensor} is 0`, "at least 1");
    shape.push(size);
  }
  // The product of four dimensions may be 2^128. Beyond 2^53 it has no exact number, and no file.
  if (!Number.isSafeInteger(elementCount(shape) * LARGEST_ELEMENT_BYTES)) {
    const found = `shape [${shape}] of ${tensor}`;
    throw reader.error(8 * dimensions, found, "a tensor that fits into a file");
  }
  return shape;
}

const LARGEST_ELEMENT_BYTES = Math.max(
  ...Object.values(TENSOR_TYPES).map((type) => type.blockBytes / type.blockSize),
);

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Turns offsets within the data into offsets within the file, and checks that each tensor lies
 * aligned, inside the file and apart from every other.
 *
 * @param dataOffset Where the data starts in the file, in bytes.
 */
export function placeTensors(
  declared: readonly Declared[],
  source: ByteSource,
  dataOffset: number,
  alignment: number,
): Map<string, TensorInfo> {
  const problem = (offset: number, found: string, expected: string) =>
    new GgufError({
      file: source.name,
      offset,
      found,
      expected,
      wayOut: "The file is cut short or corrupt: fetch it again",
    });

  const tensors = new Map<string, TensorInfo>();
  for (const tensor of declared) {
    const named = `tensor ${quoted(tensor.name)}`;
    const offset = dataOffset + tensor.offset;
    if (tensors.has(tensor.name)) throw problem(offset, `${named} a second time`, "each name once");
    if (tensor.offset % alignment !== 0) {
      const expected = `a multiple of the alignment, ${alignment}`;
      throw problem(offset, `${named} at ${tensor.offset} bytes into the data`, expected);
    }
    if (offset + tensor.bytes > source.size) {
      const expected = `a file of at least ${offset + tensor.bytes} bytes, not ${source.size}`;
      throw problem(offset, `${tensor.bytes} bytes of ${named}`, expected);
    }
    tensors.set(tensor.name, { ...tensor, offset, source: 0 });
  }

  const inOrder = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  let end = dataOffset;
  let before = "";
  for (const tensor of inOrder) {
    if (tensor.offset < end) {
      const found = `tensor ${quoted(tensor.name)} overlaps ${before}`;
      throw problem(tensor.offset, found, "data of its own for each tensor");
    }
    end = tensor.offset + tensor.bytes;
    before = `tensor ${quoted(tensor.name)}`;
  }
  return tensors;
}
