import assert from "node:assert/strict";
import { bfloat16Bits, halfBits } from "./half.ts";

/** The bits of the f32 nearest to a number. */
function f32Bits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

/** The f16 that the JavaScript engine rounds to. */
function engineHalf(value: number): number {
  return new Uint16Array(Float16Array.of(value).buffer)[0]!;
}

Deno.test("halfBits() rounds as the engine's Float16Array, at and around every f16", () => {
  const floats = new Float32Array(1);
  const words = new Uint32Array(floats.buffer);
  const wrong: number[] = [];
  for (let half = 0; half < 0x7c00; half++) {
    const [value, next] = new Float16Array(Uint16Array.of(half, half + 1).buffer);
    const middle = half + 1 < 0x7c00 ? (value! + next!) / 2 : 65520;
    floats[0] = middle;
    const [below, above] = [words[0]! - 1, words[0]! + 1];
    for (const bits of [f32Bits(value!), below, words[0]!, above]) {
      for (const signed of [bits, bits ^ 0x80000000]) {
        words[0] = signed;
        if (halfBits(signed | 0) !== engineHalf(floats[0]!)) wrong.push(signed >>> 0);
      }
      floats[0] = middle;
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("halfBits() keeps infinities and NaN, and makes infinities of what is too large", () => {
  assert.equal(halfBits(f32Bits(Infinity)), 0x7c00);
  assert.equal(halfBits(f32Bits(-1e30)), 0xfc00);
  assert.equal(halfBits(f32Bits(NaN)), 0x7e00);
});

Deno.test("bfloat16Bits() rounds to the upper half of an f32, ties to even", () => {
  // [f32 bits, bf16 bits] by hand: below, at and above the middle, after an even and an odd number.
  const cases = [
    [0x3f800000, 0x3f80],
    [0x3f807fff, 0x3f80],
    [0x3f808000, 0x3f80],
    [0x3f808001, 0x3f81],
    [0x3f817fff, 0x3f81],
    [0x3f818000, 0x3f82],
    [0xbf818000, 0xbf82],
    [0x3fffffff, 0x4000],
  ] as const;
  for (const [bits, expected] of cases) assert.equal(bfloat16Bits(bits | 0), expected);
});
