/**
 * Models in fewer bits: weights as f32 in, blocks of ggml's types out.
 *
 * A block stores small whole numbers and what to multiply them by. Which numbers those are is not
 * given: `quantizeRow` searches for those that come nearest to the weights. `quantizeGguf` does it for
 * a whole file, a chunk at a time, and gives each tensor the type that llama.cpp's recipes have for it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { quantizeRow } from "./mod.ts";
 *
 * const weights = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
 * const bytes = new Uint8Array(144); // one block
 * const squaredError = quantizeRow("Q4_K", weights, bytes);
 * assert.ok(Math.sqrt(squaredError / 256) < 0.05);
 * ```
 *
 * @module
 */

// Rows of weights.
export { largestWeight, quantizeRow } from "./quantize_row.ts";

// Whole files.
export { type QuantizedTensor, quantizeGguf, type QuantizeOptions } from "./quantize_gguf.ts";
export type { QuantizeRequest } from "./plan.ts";

// Which type each tensor gets.
export {
  fittingType,
  isMixed,
  type Mix,
  type MixedModel,
  mixedType,
  MIXES,
  QUANTIZATION_VERSION,
} from "./mix.ts";

// 16-bit floats.
export { bfloat16Bits, halfBits } from "./half.ts";
