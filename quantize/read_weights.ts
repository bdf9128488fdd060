import type { WeightType } from "../kernels/formats.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import { halfValues } from "./floats.ts";

/**
 * The weights that bytes of a type stand for.
 *
 * @param bytes whole blocks, at an address that is a multiple of 4
 * @returns of F32 the bytes themselves
 */
export function readWeights(type: WeightType, bytes: Uint8Array, count: number): Float32Array {
  const { buffer, byteOffset } = bytes;
  switch (type) {
    case "F32":
      return new Float32Array(buffer, byteOffset, count);
    case "F16": {
      const values = halfValues();
      const bits = new Uint16Array(buffer, byteOffset, count);
      const weights = new Float32Array(count);
      for (let i = 0; i < count; i++) weights[i] = values[bits[i]!]!;
      return weights;
    }
    case "BF16": {
      const bits = new Uint16Array(buffer, byteOffset, count);
      const words = new Uint32Array(count);
      for (let i = 0; i < count; i++) words[i] = bits[i]! << 16;
      return new Float32Array(words.buffer);
    }
    default:
      return dequantizeRow(type, bytes, count);
  }
}
