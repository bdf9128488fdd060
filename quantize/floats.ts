import { halfValue } from "../kernels/oracles/half.ts";
import { bfloat16Bits, halfBits } from "./half.ts";

/** Rounds finite weights to a type without blocks. Returns the sum of their squared errors. */
export type QuantizeFloats = (x: Float32Array, out: Uint8Array) => number;

let values: Float32Array | undefined;

/** The value of every f16 by its bits. */
export function halfValues(): Float32Array {
  values ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfValue(bits));
  return values;
}

const word = new Int32Array(1);
const float = new Float32Array(word.buffer);

/** Copies weights. */
export const quantizeF32: QuantizeFloats = (x, out) => {
  out.set(new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  return 0;
};

/** Rounds weights to f16; what is beyond it becomes its largest number. */
export const quantizeF16: QuantizeFloats = (x, out) => {
  const values = halfValues();
  return roundEach(x, out, halfBits, 0x7bff, (bits) => values[bits]!);
};

/** Rounds weights to bf16; what would round to infinity becomes its largest number. */
export const quantizeBF16: QuantizeFloats = (x, out) =>
  roundEach(x, out, bfloat16Bits, 0x7f7f, bfloat16Value);

function bfloat16Value(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}

function roundEach(
  x: Float32Array,
  out: Uint8Array,
  round: (bits: number) => number,
  largest: number,
  valueOf: (bits: number) => number,
): number {
  let squaredError = 0;
  for (let i = 0; i < x.length; i++) {
    float[0] = x[i]!;
    const rounded = round(word[0]!) & 0xffff;
    const bits = (rounded & 0x7fff) > largest ? rounded & 0x8000 | largest : rounded;
    out[2 * i] = bits & 255;
    out[2 * i + 1] = bits >> 8;
    squaredError += (x[i]! - valueOf(bits)) ** 2;
  }
  return squaredError;
}
