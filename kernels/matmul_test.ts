import assert from "node:assert/strict";
import fc from "fast-check";
import { assertSameBits, randomFloats } from "./comparing.ts";
import {
  activationBytes,
  ACTIVATIONS,
  WEIGHT_FORMATS,
  weightRowBytes,
  type WeightType,
} from "./formats.ts";
import { compileKernels, instantiateKernels } from "./kernels.ts";
import type { Operations } from "./operations.ts";
import { dequantizeRow } from "./oracles/dequantize.ts";
import { halfValue } from "./oracles/half.ts";
import { dot } from "./oracles/matmul.ts";
import { roundActivations } from "./oracles/quantize.ts";
import { SEED } from "./seed.ts";
import { type KernelMemory, kernelMemory } from "./testing.ts";

const TYPES = Object.keys(WEIGHT_FORMATS) as WeightType[];
const memory = await kernelMemory();

/** Where the f16 scales stand in a block. */
const SCALES: Readonly<Record<WeightType, readonly number[]>> = {
  F32: [],
  F16: [],
  BF16: [],
  Q4_0: [0],
  Q8_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
};

/** Rows of which every bit is random, but that f16 and bf16 are below 2 in magnitude. */
function randomWeights(type: WeightType, rows: number, columns: number, seed: number): Uint8Array {
  if (type === "F32") return new Uint8Array(randomFloats(seed, rows * columns).buffer);
  const { blockBytes, blockSize } = WEIGHT_FORMATS[type];
  const length = rows * weightRowBytes(type, columns);
  const bytes = Uint8Array.from(randomFloats(seed, length, 128), (value) => Math.floor(value));
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < length; block += blockBytes) {
    for (const at of blockSize === 1 ? [0] : SCALES[type]) {
      view.setUint16(block + at, view.getUint16(block + at, true) & 0xbfff, true);
    }
  }
  return bytes;
}

/** Activations of which few are large. */
function randomActivations(length: number, seed: number): Float32Array {
  const exponents = randomFloats(seed + 1, length, 4);
  return randomFloats(seed, length).map((value, i) => value * 2 ** exponents[i]!);
}

interface Problem {
  type: WeightType;
  rows: number;
  columns: number;
  tokens: number;
  weights: Uint8Array;
  x: Float32Array;
}

function problem(
  type: WeightType,
  { rows, columns, tokens, seed }: { rows: number; columns: number; tokens: number; seed: number },
): Problem {
  const weights = randomWeights(type, rows, columns, seed);
  return { type, rows, columns, tokens, weights, x: randomActivations(tokens * columns, seed + 1) };
}

interface Placed {
  weights: number;
  x: number;
  xBytes: number;
}

/** Puts weights and activations in, the latter in the matmul's own format. */
function place(room: KernelMemory, kernels: Operations, it: Problem): Placed {
  const { activation } = WEIGHT_FORMATS[it.type];
  const { quantize } = ACTIVATIONS[activation];
  const weights = room.put(it.weights);
  const raw = room.put(it.x);
  const xBytes = activationBytes(activation, it.columns);
  if (quantize === undefined) return { weights, x: raw, xBytes };
  const x = room.reserve(it.tokens * xBytes);
  kernels[quantize](0, it.tokens, raw, x, it.columns);
  return { weights, x, xBytes };
}

/** All products at once: [tokens, rows]. */
function multiply(room: KernelMemory, kernels: Operations, it: Problem): Float32Array {
  room.reset();
  const { weights, x } = place(room, kernels, it);
  const out = room.reserve(it.tokens * it.rows * 4);
  const matmul = kernels[WEIGHT_FORMATS[it.type].matmul];
  matmul(0, it.rows, weights, x, out, it.columns, it.tokens, it.rows);
  room.assertGuards();
  return room.floats(out, it.tokens * it.rows);
}

/** One token and one row at a time: [tokens, rows]. */
function multiplySingly(room: KernelMemory, kernels: Operations, it: Problem): Float32Array {
  room.reset();
  const { weights, x, xBytes } = place(room, kernels, it);
  const out = room.reserve(it.tokens * it.rows * 4);
  const matmul = kernels[WEIGHT_FORMATS[it.type].matmul];
  for (let token = 0; token < it.tokens; token++) {
    for (let row = it.rows - 1; row >= 0; row--) {
      const to = out + token * it.rows * 4;
      matmul(row, row + 1, weights, x + token * xBytes, to, it.columns, 1, it.rows);
    }
  }
  room.assertGuards();
  return room.floats(out, it.tokens * it.rows);
}

// f32 has 24 bits of significance: each sum of n terms is off by at most n · 2^-24 of the terms'
// magnitudes, and a lane adds one term for each 4 columns or, of the block formats, each block.
// Weights and steps of the formats are rounded a few times more.
const TOLERANCE = 1e-6;

function assertNearOracle(it: Problem, actual: Float32Array): void {
  const { type, rows, columns, tokens } = it;
  const rowBytes = weightRowBytes(type, columns);
  const { activation } = WEIGHT_FORMATS[type];
  const vectors = Array.from(
    { length: tokens },
    (_, t) => roundActivations(activation, it.x.subarray(t * columns, (t + 1) * columns)),
  );
  for (let row = 0; row < rows; row++) {
    const bytes = it.weights.subarray(row * rowBytes, (row + 1) * rowBytes);
    const weights = dequantizeRow(type, bytes, columns);
    vectors.forEach((vector, token) => {
      const expected = dot(weights, vector);
      const magnitude = dot(weights.map(Math.abs), vector.map(Math.abs));
      const error = Math.abs(actual[token * rows + row]! - expected);
      assert(
        error <= TOLERANCE * magnitude,
        `row ${row}, token ${token}: ${error / magnitude} of the magnitude off`,
      );
    });
  }
}

function shapes(type: WeightType) {
  const { blockSize } = WEIGHT_FORMATS[type];
  const columns = blockSize === 1
    ? fc.integer({ min: 1, max: 150 })
    : fc.integer({ min: 1, max: blockSize === 32 ? 12 : 5 }).map((blocks) => blocks * blockSize);
  return fc.record({
    rows: fc.integer({ min: 1, max: 7 }),
    columns,
    tokens: fc.integer({ min: 1, max: 11 }),
    seed: SEED,
  });
}

for (const type of TYPES) {
  const name = WEIGHT_FORMATS[type].matmul;

  // Of all products of weights and activations only those of F32 are rounded, unless they are fused
  // with the sum.
  const isExact = type !== "F32";

  Deno.test(`${name}() agrees with the oracle${isExact ? ", in the same bits by both builds" : ""}`, () => {
    fc.assert(
      fc.property(shapes(type), (shape) => {
        const it = problem(type, shape);
        const [simd, relaxed] = memory.builds.map(({ kernels }) => multiply(memory, kernels, it));
        assertNearOracle(it, simd!);
        assertNearOracle(it, relaxed!);
        if (isExact) assertSameBits(relaxed!, simd!);
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`${name}() gives the same bits for tokens and rows together or one by one`, () => {
    fc.assert(
      fc.property(shapes(type), (shape) => {
        const it = problem(type, shape);
        for (const { kernels } of memory.builds) {
          assertSameBits(
            multiply(memory, kernels, it),
            multiplySingly(memory, kernels, it),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`${name}() gives the same bits where rows fill several tiles`, () => {
    const columns = 512;
    const rows = Math.ceil(3 * 65536 / weightRowBytes(type, columns));
    const it = problem(type, { rows, columns, tokens: 7, seed: 3 });
    const { kernels } = memory.builds[1]!;
    assertSameBits(multiply(memory, kernels, it), multiplySingly(memory, kernels, it));
  });

  Deno.test(`${name}() writes nothing but the rows it was given`, () => {
    const columns = 256;
    const it = problem(type, { rows: 9, columns, tokens: 5, seed: 4 });
    for (const { kernels } of memory.builds) {
      const whole = multiply(memory, kernels, it);
      memory.reset();
      const { weights, x } = place(memory, kernels, it);
      const stride = 12;
      const out = memory.reserve(it.tokens * stride * 4);
      const matmul = kernels[name];
      matmul(2, 5, weights, x, out, columns, it.tokens, stride);
      memory.assertGuards();
      const actual = memory.floats(out, it.tokens * stride);
      for (let token = 0; token < it.tokens; token++) {
        for (let row = 0; row < stride; row++) {
          const written = row >= 2 && row < 5;
          const expected = written ? whole[token * it.rows + row] : NaN;
          assert.equal(actual[token * stride + row], expected);
        }
      }
    }
  });
}

/** A row of which all bytes are the same but the scales, which are 1. */
function extremeRow(type: "Q8_0" | "Q4_0" | "Q4_K" | "Q5_K" | "Q6_K", fill: number): Uint8Array {
  const bytes = new Uint8Array(weightRowBytes(type, 256)).fill(fill);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < bytes.length; block += WEIGHT_FORMATS[type].blockBytes) {
    for (const at of SCALES[type]) view.setUint16(block + at, 0x3c00, true);
  }
  return bytes;
}

for (const type of ["Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"] as const) {
  Deno.test(`${WEIGHT_FORMATS[type].matmul}() overflows nowhere with the largest numbers`, () => {
    // 0x80: quants of -128 and scales of -128; 0x7f: 127; 0xff and 0: all bits.
    for (const fill of [0x80, 0x7f, 0xff, 0]) {
      for (const x of [1, -1]) {
        // All activations at 127 or -127, and one sign or the other for the block's extreme.
        for (const first of [1, -1]) {
          const it: Problem = {
            type,
            rows: 1,
            columns: 256,
            tokens: 1,
            weights: extremeRow(type, fill),
            x: new Float32Array(256).fill(x),
          };
          it.x[0] = first;
          for (const { kernels } of memory.builds) {
            assertNearOracle(it, multiply(memory, kernels, it));
          }
        }
      }
    }
  });
}

Deno.test("matmuls with a NaN or an infinity among a token's activations give it nothing finite", () => {
  for (const type of TYPES) {
    const columns = Math.max(21, 2 * WEIGHT_FORMATS[type].blockSize);
    for (const bad of [NaN, Infinity, -Infinity]) {
      const it = problem(type, { rows: 2, columns, tokens: 3, seed: 7 });
      it.x[columns + 20] = bad;
      for (const { kernels } of memory.builds) {
        const finite = [...multiply(memory, kernels, it)].map(Number.isFinite);
        assert.deepEqual(finite, [true, true, false, false, true, true], `${type}: ${bad}`);
      }
    }
  }
});

Deno.test("matmuls with an infinite weight or scale give nothing finite, whatever the batch", () => {
  for (const type of TYPES) {
    const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
    // Of float rows every way that columns are summed: by 16, by 4, singly.
    const columns = blockSize === 1 ? 21 : 2 * blockSize;
    for (let block = 0; block < columns / blockSize; block++) {
      for (const at of blockSize === 1 ? [0] : SCALES[type]) {
        const it = problem(type, { rows: 2, columns, tokens: 7, seed: block });
        const view = new DataView(it.weights.buffer, weightRowBytes(type, columns));
        const offset = block * blockBytes + at;
        if (type === "F32") view.setFloat32(offset, Infinity, true);
        else view.setUint16(offset, type === "BF16" ? 0xff80 : 0xfc00, true);
        for (const { kernels } of memory.builds) {
          const products = multiply(memory, kernels, it);
          const inRow = (row: number) => products.filter((_, i) => i % 2 === row);
          assert(inRow(0).every(Number.isFinite), `${type}: the row before`);
          assert(!inRow(1).some(Number.isFinite), `${type}: infinity in block ${block}`);
        }
      }
    }
  }
});

// How many columns decides whether the last is converted singly, with 4 or with 16.
for (const columns of [1, 4, 16]) {
  Deno.test(`matmulF16() reads all 65,536 halves right, ${columns} to a row`, async () => {
    const room = await kernelMemory(4 << 20);
    // Each row has its half in the last column and zeros before it.
    const halves = new Uint16Array(65536 * columns);
    for (let bits = 0; bits < 65536; bits++) halves[bits * columns + columns - 1] = bits;
    for (const { kernels } of room.builds) {
      room.reset();
      const weights = room.put(halves);
      const x = room.put(new Float32Array(columns).fill(1));
      const out = room.reserve(65536 * 4);
      kernels.matmulF16(0, 65536, weights, x, out, columns, 1, 65536);
      const actual = room.floats(out, 65536);
      for (let bits = 0; bits < 65536; bits++) {
        const expected = halfValue(bits);
        // A sum with zeros has no minus zero.
        if (Number.isFinite(expected)) assert.equal(actual[bits]! + 0, expected + 0);
        else assert(!Number.isFinite(actual[bits]));
      }
    }
  });
}

Deno.test("matmuls work above 2 GiB", async () => {
  const high = await kernelMemory(1 << 20, 3 * 2 ** 30);
  for (const type of TYPES) {
    const it = problem(type, { rows: 5, columns: 256, tokens: 7, seed: 5 });
    for (const [i, { kernels }] of high.builds.entries()) {
      const expected = multiply(memory, memory.builds[i]!.kernels, it);
      assertSameBits(multiply(high, kernels, it), expected);
    }
  }
});

Deno.test("matmuls and quantization work up to the last byte of 4 GiB and read none beyond", async () => {
  const whole = new WebAssembly.Memory({ initial: 65536, maximum: 65536, shared: true });
  const bytes = new Uint8Array(whole.buffer);
  const END = 2 ** 32;
  const LOW = 1 << 20;
  for (const { build, kernels: near } of memory.builds) {
    const kernels = instantiateKernels(await compileKernels(build), whole);
    kernels.setScratch(65536);
    for (const type of TYPES) {
      const { activation, blockSize } = WEIGHT_FORMATS[type];
      const columns = blockSize === 1 ? 21 : blockSize;
      const it = problem(type, { rows: 3, columns, tokens: 7, seed: 6 });
      const expected = multiply(memory, near, it);
      const quantize = ACTIVATIONS[activation].quantize;
      const xBytes = it.tokens * activationBytes(activation, columns);
      const lengths = { weights: it.weights.length, x: xBytes, out: expected.byteLength };
      // Each array in turn is the last of the memory, above 2 GiB, and the others lie below.
      for (const last of ["weights", "x", "out"] as const) {
        const at = { weights: LOW, x: 2 * LOW, out: 3 * LOW, [last]: END - lengths[last] };
        bytes.set(it.weights, at.weights);
        const raw = quantize === undefined ? at.x : 4 * LOW;
        bytes.set(new Uint8Array(it.x.buffer), raw);
        if (quantize !== undefined) {
          kernels[quantize](0, it.tokens, raw, at.x, columns);
        }
        const matmul = kernels[WEIGHT_FORMATS[type].matmul];
        matmul(0, it.rows, at.weights, at.x, at.out, columns, it.tokens, it.rows);
        const out = bytes.slice(at.out, at.out + lengths.out);
        assertSameBits(new Float32Array(out.buffer), expected);
      }
    }
  }
});

Deno.test("matmuls reach rows whose number times their bytes is beyond 31 bits", async () => {
  const whole = new WebAssembly.Memory({ initial: 50000, maximum: 65536, shared: true });
  const kernels = instantiateKernels(await compileKernels("simd"), whole);
  const columns = 576;
  const row = 2 ** 20;
  const rowAddress = (1 << 20) + row * columns * 4;
  const x = 65536;
  const out = 4096;
  new Float32Array(whole.buffer, rowAddress, columns).fill(0.5);
  new Float32Array(whole.buffer, x, columns).fill(2);
  // The first row's result would lie below address 0, which wraps around.
  kernels.matmulF32(row, row + 1, 1 << 20, x, out - 4 * row, columns, 1, 0);
  assert.equal(new Float32Array(whole.buffer, out, 1)[0], columns);
});
