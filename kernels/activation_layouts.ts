/**
 * Where the parts of quantized activations lie, in bytes from the start of a block. The places are
 * this library's own; llama.cpp's formats of the same names have the same d and quants. The assembly
 * imports this very file: a whole number without a type is an i32 there.
 *
 * @module
 */

/** Activations in a Q8_K block, which starts with their i8 quants. For the K-quants' matmuls. */
export const Q8_K_SIZE = 256;
/** i16 sums of each 32 quants. */
export const Q8_K_SUMS_OF_32 = 256;
/** i16 sums of each 16 quants. */
export const Q8_K_SUMS_OF_16 = 272;
/** f32 d: an activation is d times its quant. */
export const Q8_K_D = 304;
/**
 * Two i16 for each 16 quants: -32 times the sum of those whose place, modulo 4, is 0 or 1, and of the
 * others. What Q6_K's weights, which are stored 32 too large, have to be corrected by.
 */
export const Q8_K_CENTERS = 320;
/** Bytes of a Q8_K block. */
export const Q8_K_BYTES = 384;

/** Activations in a Q8_0 block, which starts with their i8 quants. For Q8_0 and Q4_0 weights. */
export const Q8_0_SIZE = 32;
/** f32 d, rounded to f16: an activation is d times its quant. */
export const Q8_0_D = 32;
/** i32 sum of the magnitudes of the negative quants. */
export const Q8_0_NEGATIVES = 36;
/** i32, -8 times the sum of the quants. */
export const Q8_0_CENTER = 40;
/** Bytes of a Q8_0 block. */
export const Q8_0_BYTES = 48;
