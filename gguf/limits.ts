/**
 * The safety limits of the reader. A file that goes beyond one is refused with a `GgufError` before
 * anything of that size is allocated. Each limit is generous against the largest real files and
 * small enough that a hostile file can not exhaust memory.
 *
 * @module
 */

/** Bytes of metadata and tensor index together. The largest real headers (a 262,144-token
 * vocabulary with its `tokenizer.json` beside it) stay below 50 MB; this bounds what opening a file
 * can cost, whatever its other counts say. */
export const MAX_HEADER_BYTES: number = 128 * 2 ** 20;

/** Metadata entries. Real files have 20 to 100. */
export const MAX_METADATA_ENTRIES: number = 65_536;

/** Bytes of a metadata key: the limit that the GGUF specification names (2^16 - 1). */
export const MAX_KEY_BYTES: number = 65_535;

/** Bytes of one string value. The longest real ones are whole `tokenizer.json` files, about 30 MB. */
export const MAX_STRING_BYTES: number = 64 * 2 ** 20;

/** Elements of one metadata array. The longest real ones are merge lists of about 500,000. */
export const MAX_ARRAY_ELEMENTS: number = 4 * 2 ** 20;

/** Arrays inside arrays. The format permits nesting, no known model uses it, and recursion wants a
 * bottom. */
export const MAX_ARRAY_DEPTH: number = 4;

/** Arrays that are elements of arrays, in the whole file. Twelve bytes declare one and each becomes
 * an object of hundreds, so the header's size alone does not bound their memory. */
export const MAX_NESTED_ARRAYS: number = 65_536;

/** Tensors of one file or shard. A model with every expert of 61 layers × 256 experts as a tensor
 * of its own has about 47,000. */
export const MAX_TENSORS: number = 262_144;

/** Bytes of a tensor's name: the specification's limit. llama.cpp wants one less. */
export const MAX_TENSOR_NAME_BYTES: number = 64;

/** Dimensions of a tensor: ggml's `GGML_MAX_DIMS`. */
export const MAX_DIMENSIONS: number = 4;

/** Size of one dimension. Real ones are vocabularies and hidden sizes, below 2^20. */
export const MAX_DIMENSION: number = 2 ** 32;

/** `general.alignment` in bytes. Files use 32, some a memory page; 16 MiB is beyond the largest
 * common huge page. */
export const MAX_ALIGNMENT: number = 16 * 2 ** 20;

/** Shards of one model. Published models have up to a few dozen; each holds a file open. */
export const MAX_SHARDS: number = 1024;

/** Bytes that are kept in memory when a server does not answer range requests. */
export const MAX_WHOLE_DOWNLOAD_BYTES: number = 512 * 2 ** 20;
