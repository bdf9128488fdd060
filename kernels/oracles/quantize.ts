/**
 * What activations become before they are multiplied: `quantize_row_q8_K_ref` of
 * `ggml/src/ggml-quants.c`, `quantize_row_q8_0` as ggml computes it on x86 (d is rounded to f16, the
 * quants are made with the d before that), and rounding to f16 and bf16.
 *
 * Arithmetic is in f32, each step rounded: quants near the middle of two integers depend on it.
 *
 * @module
 */
import { Q8_0_SIZE, Q8_K_SIZE } from "../activation_layouts.ts";
import type { ActivationFormat } from "../formats.ts";
import { roundHalfToEven, roundToBfloat16, roundToHalf } from "./half.ts";

/** A row in blocks of one size: value i is `d[block of i] * quants[i]`. */
export interface QuantizedRow {
  /** [columns] */
  readonly quants: Int8Array;
  /** [blocks] */
  readonly d: Float32Array;
}

/** Blocks of 256. The value furthest from zero becomes -127, whatever its sign. x: [columns] */
export function quantizeQ8_K(x: Float32Array): QuantizedRow {
  return quantizeBlocks(x, Q8_K_SIZE, (block) => {
    const extreme = block.reduce((far, value) => Math.abs(value) > Math.abs(far) ? value : far, 0);
    const factor = Math.fround(-127 / extreme);
    return { factor, d: Math.fround(1 / factor) };
  });
}

/** Blocks of 32. The value furthest from zero becomes 127 or -127. x: [columns] */
export function quantizeQ8_0(x: Float32Array): QuantizedRow {
  return quantizeBlocks(x, Q8_0_SIZE, (block) => {
    const largest = block.reduce((far, value) => Math.max(far, Math.abs(value)), 0);
    return { factor: Math.fround(127 / largest), d: roundToHalf(Math.fround(largest / 127)) };
  });
}

function quantizeBlocks(
  x: Float32Array,
  size: number,
  scaleOf: (block: Float32Array) => { factor: number; d: number },
): QuantizedRow {
  const quants = new Int8Array(x.length);
  const d = new Float32Array(x.length / size);
  for (let index = 0; index < d.length; index++) {
    const block = x.subarray(index * size, (index + 1) * size);
    if (block.every((value) => value === 0)) continue;
    const scale = scaleOf(block);
    d[index] = scale.d;
    block.forEach((value, i) => {
      const quant = roundHalfToEven(Math.fround(value * scale.factor));
      quants[index * size + i] = Math.max(-127, Math.min(127, quant));
    });
  }
  return { quants, d };
}

/** The values that a matmul multiplies when it gets `x` in `format`. x, returned: [columns] */
export function roundActivations(format: ActivationFormat, x: Float32Array): Float32Array {
  switch (format) {
    case "f32":
      return x;
    case "f16":
      return x.map(roundToHalf);
    case "bf16":
      return x.map(roundToBfloat16);
    case "q8_0":
      return dequantize(quantizeQ8_0(x), Q8_0_SIZE);
    case "q8_k":
      return dequantize(quantizeQ8_K(x), Q8_K_SIZE);
  }
}

function dequantize({ quants, d }: QuantizedRow, size: number): Float32Array {
  return Float32Array.from(quants, (quant, i) => quant * d[Math.floor(i / size)]!);
}
