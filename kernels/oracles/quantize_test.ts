import assert from "node:assert/strict";
import { quantizeQ8_0, quantizeQ8_K, roundActivations } from "./quantize.ts";

Deno.test("quantizeQ8_K() makes the first value furthest from zero -127", () => {
  const x = new Float32Array(256);
  x.set([1, 254, -254, 3, -5]);
  const { quants, d } = quantizeQ8_K(x);
  // d = -254 / 127 = -2, and halves go to the even integer: 1 / -2 = -0.5, 3 / -2 = -1.5.
  assert.deepEqual([...d], [-2]);
  assert.deepEqual([...quants.slice(0, 6)], [0, -127, 127, -2, 2, 0]);
});

Deno.test("quantizeQ8_0() rounds d to f16 but makes the quants with the d before that", () => {
  const x = new Float32Array(32);
  x.set([100, 50.2, -100]);
  const { quants, d } = quantizeQ8_0(x);
  // 100 / 127 = 0.787401…; f16 has steps of 2^-11 there: 1613 · 2^-11 = 0.78759765625.
  assert.deepEqual([...d], [0.78759765625]);
  // 50.2 · 127 / 100 = 63.754
  assert.deepEqual([...quants.slice(0, 4)], [127, 64, -127, 0]);
});

Deno.test("roundActivations() stays within half a step of each block, zeros included", () => {
  const x = Float32Array.from({ length: 512 }, (_, i) => i < 256 ? Math.sin(i * i) * i : 0);
  for (const [format, size] of [["q8_0", 32], ["q8_k", 256]] as const) {
    roundActivations(format, x).forEach((value, i) => {
      const block = x.subarray(i - i % size, i - i % size + size);
      const step = Math.max(...block.map(Math.abs)) / 127;
      // d in f16 has 11 bits: times 127 quants that is a sixteenth of a step more.
      assert(Math.abs(value - x[i]!) <= step * (0.5 + 1 / 16), `${format} ${i}`);
    });
  }
});

Deno.test("roundActivations() to f16 and bf16 gives values of these formats", () => {
  const x = Float32Array.of(1 / 3, 65520, -1e-8);
  assert.deepEqual(
    [...roundActivations("f16", x)],
    [0.333251953125, Infinity, -0],
  );
  assert.deepEqual([...roundActivations("bf16", Float32Array.of(1 / 3))], [0.333984375]);
});
