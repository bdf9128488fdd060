import assert from "node:assert/strict";
import { createRandom, splitMix64, xoshiro128 } from "./random.ts";

Deno.test("xoshiro128() gives the sequence of the authors' C code for the state 1, 2, 3, 4", () => {
  const next = xoshiro128([1, 2, 3, 4]);
  // Printed by https://prng.di.unimi.it/xoshiro128starstar.c, version 1.1.
  const expected = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849];
  assert.deepEqual(expected.map(() => next()), expected);
});

Deno.test("splitMix64() gives the sequence of the author's C code for the seed 1234567", () => {
  const next = splitMix64(1234567n);
  // Printed by https://prng.di.unimi.it/splitmix64.c.
  const expected = [6457827717110365317n, 3203168211198807973n, 9817491932198370423n];
  assert.deepEqual(expected.map(() => next()), expected);
});

Deno.test("createRandom() fills [0, 1) evenly", () => {
  const random = createRandom(42);
  const counts = new Array<number>(100).fill(0);
  for (let i = 0; i < 100_000; i++) counts[Math.floor(random() * 100)]!++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  // 99 degrees of freedom: 148.2 is exceeded once in a thousand seeds, 61.1 missed as rarely.
  assert(chiSquare > 61.1 && chiSquare < 148.2, `chi-square is ${chiSquare}`);
});

Deno.test("createRandom() tells neighbouring and large seeds apart", () => {
  const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
  assert.equal(new Set(seeds.map((seed) => createRandom(seed)())).size, seeds.length);
});
