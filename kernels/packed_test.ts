import assert from "node:assert/strict";
import fc from "fast-check";
import { assertSameBits, randomFloats } from "./comparing.ts";
import { activationBytes, PACKED_ROWS, WEIGHT_FORMATS, weightRowBytes } from "./formats.ts";
import { matrixBytes } from "./matrix.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";
import { unpackRow } from "./unpack_row.ts";

const memory = await kernelMemory();
const TYPES = (["Q4_K", "Q6_K"] as const).map((type) => ({
  type,
  format: WEIGHT_FORMATS[type],
  packed: WEIGHT_FORMATS[type].packed!,
}));

/** Bytes of which every bit is random. */
function randomBytes(seed: number, length: number): Uint8Array {
  return Uint8Array.from(randomFloats(seed, length, 128), (value) => Math.floor(value));
}

const SHAPE = fc.record({
  seed: SEED,
  groups: fc.integer({ min: 1, max: 3 }),
  blocks: fc.integer({ min: 1, max: 4 }),
  tokens: fc.integer({ min: 1, max: 11 }),
});

for (const { type, format, packed } of TYPES) {
  Deno.test(`${packed.pack}() keeps every bit of every row`, () => {
    fc.assert(
      fc.property(SHAPE, ({ seed, groups, blocks }) => {
        const columns = 256 * blocks;
        const [rows, rowBytes] = [groups * PACKED_ROWS, weightRowBytes(type, columns)];
        const weights = randomBytes(seed, rows * rowBytes);
        for (const { kernels } of memory.builds) {
          memory.reset();
          const from = memory.put(weights);
          const bytes = matrixBytes(type, rows, columns);
          const to = memory.reserve(bytes);
          // The later group first: one that needed an earlier one would show.
          for (let group = groups - 1; group >= 0; group--) {
            kernels[packed.pack](group, group + 1, from, to, columns);
          }
          memory.assertGuards();
          const group = bytes / groups;
          for (let row = 0; row < rows; row++) {
            const at = to + Math.floor(row / PACKED_ROWS) * group;
            assert.deepEqual(
              unpackRow(type, memory.bytes(at, group), row % PACKED_ROWS),
              weights.slice(row * rowBytes, (row + 1) * rowBytes),
            );
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  Deno.test(`${packed.matmul}() gives the bits of ${format.matmul}(), whatever the scales are`, () => {
    fc.assert(
      fc.property(SHAPE, ({ seed, groups, blocks, tokens }) => {
        const columns = 256 * blocks;
        const rows = groups * PACKED_ROWS;
        const weights = randomBytes(seed, rows * weightRowBytes(type, columns));
        const x = randomFloats(seed + 1, tokens * columns);
        for (const { kernels } of memory.builds) {
          memory.reset();
          const from = memory.put(weights);
          const to = memory.reserve(matrixBytes(type, rows, columns));
          kernels[packed.pack](0, groups, from, to, columns);
          const raw = memory.put(x);
          const quants = memory.reserve(tokens * activationBytes("q8_k", columns));
          kernels.quantizeQ8_K(0, tokens, raw, quants, columns);
          const expected = memory.reserve(4 * tokens * rows);
          kernels[format.matmul](0, rows, from, quants, expected, columns, tokens, rows);
          const actual = memory.reserve(4 * tokens * rows);
          for (let group = groups - 1; group >= 0; group--) {
            kernels[packed.matmul](group, group + 1, to, quants, actual, columns, tokens, rows);
          }
          memory.assertGuards();
          assertSameNumbers(
            memory.floats(actual, tokens * rows),
            memory.floats(expected, tokens * rows),
          );
        }
      }),
      { numRuns: 60 },
    );
  });
}

/** The same bits, but that of a broken scale NaN comes of it in one and infinity in the other. */
function assertSameNumbers(actual: Float32Array, expected: Float32Array): void {
  const plain = (x: Float32Array) => x.map((value) => Number.isFinite(value) ? value : NaN);
  assertSameBits(plain(actual), plain(expected));
}
