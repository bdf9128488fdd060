/**
 * How weights are stored, as ggml publishes it, so that sizes are held against something other than
 * the engine's own table.
 *
 * @module
 */
import type { WeightType } from "../../kernels/formats.ts";

/** Elements and bytes of a block, from ggml-common.h. */
export const BLOCK_SIZES: Readonly<
  Record<WeightType, { readonly elements: number; readonly bytes: number }>
> = {
  F32: { elements: 1, bytes: 4 },
  F16: { elements: 1, bytes: 2 },
  BF16: { elements: 1, bytes: 2 },
  Q4_0: { elements: 32, bytes: 18 },
  Q8_0: { elements: 32, bytes: 34 },
  Q4_K: { elements: 256, bytes: 144 },
  Q5_K: { elements: 256, bytes: 176 },
  Q6_K: { elements: 256, bytes: 210 },
};
