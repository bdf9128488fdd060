/**
 * Dot products of weight rows with activations, summed in f64.
 *
 * @module
 */
import { weightRowBytes, type WeightType } from "../formats.ts";
import { dequantizeRow } from "./dequantize.ts";

/** `sum over i of weights[i] * x[i]`. Both [columns]. */
export function dot(weights: Float32Array, x: Float32Array): number {
  return weights.reduce((sum, weight, i) => sum + weight * x[i]!, 0);
}

/**
 * `out[row] = dot(weights[row], x)`.
 *
 * @param weights [rows, columns] as in the file
 * @param x [columns]
 * @returns [rows]
 */
export function matmul(type: WeightType, weights: Uint8Array, x: Float32Array): Float32Array {
  const rowBytes = weightRowBytes(type, x.length);
  const out = new Float32Array(weights.length / rowBytes);
  return out.map((_, row) =>
    dot(dequantizeRow(type, weights.subarray(row * rowBytes, (row + 1) * rowBytes), x.length), x)
  );
}
