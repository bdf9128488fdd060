import assert from "node:assert/strict";
import fc from "fast-check";
import { bfloat16Value, halfValue, roundHalfToEven, roundToBfloat16, roundToHalf } from "./half.ts";

// What the JavaScript engine itself makes of f16.
const view = new DataView(new ArrayBuffer(4));
function engineHalf(bits: number): number {
  view.setUint16(0, bits);
  return view.getFloat16(0);
}
function engineRoundToHalf(x: number): number {
  view.setFloat16(0, x);
  return view.getFloat16(0);
}

Deno.test("halfValue() gives the engine's value for all 65,536 halves", () => {
  for (let bits = 0; bits < 65536; bits++) assert.equal(halfValue(bits), engineHalf(bits));
});

Deno.test("roundToHalf() keeps every half, and rounds every middle of two to the even one", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = halfValue(bits);
    assert.equal(roundToHalf(value), value);
    const next = bits === 0x7bff ? 65536 : halfValue(bits + 1);
    const even = bits % 2 === 0 ? value : next === 65536 ? Infinity : next;
    assert.equal(roundToHalf((value + next) / 2), even);
    assert.equal(roundToHalf(-(value + next) / 2), -even);
  }
});

Deno.test("roundToHalf() rounds any f32 as the engine does", () => {
  fc.assert(fc.property(fc.float(), (x) => {
    assert.equal(roundToHalf(x), engineRoundToHalf(x));
  }));
});

Deno.test("roundToBfloat16() rounds to the nearer of the two neighbours, ties to even", () => {
  assert.equal(bfloat16Value(0x3f80), 1);
  assert.equal(bfloat16Value(0xc049), -3.140625);
  // 8 bits of significance: between 1 and 2 the step is 2^-7.
  assert.equal(roundToBfloat16(1 + 2 ** -8), 1);
  assert.equal(roundToBfloat16(1 + 3 * 2 ** -8), 1 + 2 ** -6);
  assert.equal(roundToBfloat16(1 + 2 ** -8 + 2 ** -20), 1 + 2 ** -7);
  assert.equal(roundToBfloat16(-3.14159274), -3.140625);
  assert.equal(roundToBfloat16(3.4028234663852886e38), Infinity);
  assert.equal(roundToBfloat16(2 ** -149), 0);
});

Deno.test("roundHalfToEven() goes to the even of two integers", () => {
  assert.deepEqual([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.51].map(roundHalfToEven), [
    -2,
    -2,
    -0,
    0,
    2,
    2,
    3,
  ]);
});
