import fc from "fast-check";
import {
  assertClose,
  assertSameBits,
  inBothBuilds,
  inTwoParts,
  randomFloats,
} from "./comparing.ts";
import { combineExperts } from "./oracles/combine_experts.ts";
import { add, addBias } from "./oracles/elementwise.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory();

/** Runs an operation that changes `out` in place, reading other arrays. */
function run(
  out: Float32Array,
  others: readonly Float32Array[],
  rows: number,
  cut: number,
  operation: "add" | "addBias" | "combineExperts",
  sizes: readonly number[],
): Float32Array {
  return inBothBuilds(memory, (kernels) => {
    memory.reset();
    const addresses = [out, ...others].map((array) => memory.put(array));
    const kernel = kernels[operation] as (...args: number[]) => void;
    inTwoParts(rows, cut, (start, end) => kernel(start, end, ...addresses, ...sizes));
    memory.assertGuards();
    return memory.floats(addresses[0]!, out.length);
  });
}

const ROWS = fc.integer({ min: 1, max: 5 });
const COLUMNS = fc.integer({ min: 1, max: 70 });

Deno.test("add() and addBias() agree with their oracles to the bit", () => {
  fc.assert(fc.property(SEED, ROWS, COLUMNS, fc.nat(), (seed, rows, columns, cut) => {
    const [a, b] = [randomFloats(seed, rows * columns), randomFloats(seed + 1, rows * columns)];
    const bias = b.subarray(0, columns);
    assertSameBits(run(a, [b], rows, cut, "add", [columns]), add(a, b));
    assertSameBits(run(a, [bias], rows, cut, "addBias", [columns]), addBias(a, bias));
  }));
});

Deno.test("combineExperts() agrees with its oracle for any shape and any split of tokens", () => {
  fc.assert(fc.property(
    SEED,
    ROWS,
    COLUMNS,
    fc.integer({ min: 1, max: 9 }),
    fc.nat(),
    (seed, tokens, columns, k, cut) => {
      const residual = randomFloats(seed, tokens * columns);
      const outputs = randomFloats(seed + 1, tokens * k * columns);
      const weights = randomFloats(seed + 2, tokens * k);
      const whole = run(residual, [outputs, weights], tokens, 0, "combineExperts", [k, columns]);
      const expected = combineExperts(residual, outputs, weights, columns);
      // k products and sums of at most k, each rounded once; values are at most 1.
      assertClose(whole, expected, () => (k + 2) ** 2 / 2 * 2 ** -24);
      const parts = run(residual, [outputs, weights], tokens, cut, "combineExperts", [k, columns]);
      assertSameBits(parts, whole);
    },
  ));
});

Deno.test("combineExperts() sums the experts in their order before it adds the residual", () => {
  // 2^24 + 1 is no f32: (1 + 2^24) - 2^24 is 0, 2^24 - 2^24 + 1 is 1, and either plus 1/2 is exact.
  const big = 2 ** 24;
  const half = new Float32Array(17).fill(0.5);
  const rows = (...values: number[]) =>
    Float32Array.from({ length: 17 * 3 }, (_, i) => values[Math.floor(i / 17)]!);
  const ones = Float32Array.of(1, 1, 1);
  const lost = run(half, [rows(1, big, -big), ones], 1, 0, "combineExperts", [3, 17]);
  assertClose(lost, new Float32Array(17).fill(0.5), () => 0);
  const kept = run(half, [rows(big, -big, 1), ones], 1, 0, "combineExperts", [3, 17]);
  assertClose(kept, new Float32Array(17).fill(1.5), () => 0);
});
