/**
 * Sizes that the kernels and their callers must agree on. The assembly imports this very file: a
 * whole number without a type is an i32 there.
 *
 * @module
 */

/** Consecutive tokens of one key-value head that attention computes together. */
export const ATTENTION_TILE = 8;

/** Positions that the KV cache keeps together. */
export const KV_BLOCK = 128;

/** Consecutive positions that are attended to by themselves: a whole number of blocks. */
export const ATTENTION_SPAN = 512;

/** The most query heads to a key-value head with which a token is attended to span by span. */
export const MAX_SPLIT_GROUP = 64;

/** The largest head size that attention takes: twice that of Qwen3; Gemma's is the largest known. */
export const MAX_HEAD_SIZE = 256;

/** A thread's private working area in each memory, in bytes. Its address is a multiple of 16. */
export const SCRATCH_BYTES = 270336;
