/**
 * GGUF files: bytes in, metadata and an index of tensors out; and a writer.
 *
 * `openGguf` reads the header of a model and nothing else, so a file of many gigabytes opens at the
 * cost of its vocabulary. Data comes when a tensor, or a part of one, is asked for, straight into
 * the caller's memory. Files, URLs (by range requests) and Blobs serve alike, whole or in shards.
 *
 * What a file declares is believed only within the limits of `limits.ts` and of the file's own size.
 * Everything else is a `GgufError`, which says in which file and where, what was found there, and
 * what was expected.
 *
 * ```ts
 * import { layoutGguf, metadataString, openGguf } from "./mod.ts";
 *
 * const { header } = layoutGguf({
 *   metadata: [{ key: "general.architecture", type: "string", value: "qwen3moe" }],
 *   tensors: [],
 * });
 * await using file = await openGguf(new Blob([header]));
 * console.log(metadataString(file.metadata, "general.architecture")); // qwen3moe
 * ```
 *
 * @module
 */

// The reader.
export { type GgufFile, openGguf, type OpenOptions } from "./gguf.ts";
export type { TensorInfo } from "./tensor_reader.ts";

// Metadata: values, their types, and getters that check them.
export {
  type Metadata,
  type MetadataArray,
  metadataBoolean,
  type MetadataEntry,
  metadataNumber,
  metadataNumbers,
  metadataString,
  metadataStrings,
  type MetadataValue,
  type NumberType,
  type NumericArray,
  type TypedArrayValue,
  type TypedValue,
  type ValueType,
} from "./metadata.ts";

// Tensor types and their block sizes.
export {
  rowBytes,
  TENSOR_TYPES,
  type TensorType,
  tensorTypeById,
  type TensorTypeInfo,
} from "./types.ts";

// Where bytes come from.
export {
  type ByteSource,
  type Interruption,
  openSource,
  type SourceDescriptor,
  type SourceLocation,
} from "./source.ts";

// Files that are mapped into memory instead of read.
export {
  empty,
  isPresent,
  MAP_ALIGNMENT,
  MappedFile,
  type MemoryRange,
  populate,
  request,
} from "./mapped_file.ts";

// The writer, and files to write to.
export {
  type ByteSink,
  type GgufDeclaration,
  type GgufLayout,
  layoutGguf,
  type TensorDeclaration,
  writeGguf,
} from "./writer.ts";
export { type FileSink, fileSink } from "./file_sink.ts";

// What goes wrong.
export { GgufError, type GgufProblem } from "./errors.ts";
