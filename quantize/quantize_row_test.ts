import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BLOCK_TYPES,
  f16Bits,
  furthest,
  plainBlock,
  representableBlock,
  weightedError,
} from "../falsification/quantizer/plain_block.ts";
import { WEIGHT_FORMATS, weightRowBytes, type WeightType } from "../kernels/formats.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import { largestWeight, quantizeRow } from "./quantize_row.ts";

const TYPES = Object.keys(WEIGHT_FORMATS) as WeightType[];

/** A row through a type and back, with the squared error that the quantizer told. */
function roundTrip(type: WeightType, x: Float32Array): { weights: Float32Array; told: number } {
  const bytes = new Uint8Array(weightRowBytes(type, x.length)).fill(0xa5);
  const told = quantizeRow(type, x, bytes);
  return { weights: dequantizeRow(type, bytes, x.length), told };
}

const f16 = (value: number) => new Float16Array(Uint16Array.of(f16Bits(value)).buffer)[0]!;

/** Weights of one block as models have them, with now and then an outlier, a shift, a zero. */
function blocks(type: WeightType): fc.Arbitrary<Float32Array> {
  const { blockSize } = WEIGHT_FORMATS[type];
  const finite = { noNaN: true, noDefaultInfinity: true } as const;
  return fc.record({
    values: fc.array(fc.double({ min: -1, max: 1, ...finite }), {
      minLength: blockSize,
      maxLength: blockSize,
    }),
    power: fc.constantFrom(1, 3),
    shift: fc.constantFrom(0, 0, 2, -2),
    scale: fc.constantFrom(1, 0.02, 1e-3, 1000),
  }).map(({ values, power, shift, scale }) =>
    Float32Array.from(values, (value) => scale * (value ** power + shift))
  );
}

for (const type of BLOCK_TYPES) {
  Deno.test(`quantizeRow() to ${type} is at least as good as dividing each range evenly`, () => {
    fc.assert(
      fc.property(blocks(type), (x) => {
        const ours = weightedError(x, roundTrip(type, x).weights);
        const plain = weightedError(x, plainBlock(type, x));
        const size = weightedError(x, new Float32Array(x.length));
        // Weights are read back in f32.
        assert.ok(ours <= plain + 1e-12 * size, `${ours} > ${plain}`);
      }),
      { numRuns: 100 },
    );
  });
}

/** What the search must come below, in parts of what dividing each range evenly gives, for a Gaussian.
 * Measured 0.91 to 0.96. */
const BETTER = 0.97;

/** Standard normal numbers (Box-Muller, the generator of Numerical Recipes). */
function gaussian(length: number): Float32Array {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

Deno.test("quantizeRow() comes nearer to Gaussian weights than dividing each range evenly", () => {
  const x = gaussian(16 * 256);
  for (const type of BLOCK_TYPES) {
    const { blockSize } = WEIGHT_FORMATS[type];
    const plain = new Float32Array(x.length);
    for (let at = 0; at < x.length; at += blockSize) {
      plain.set(plainBlock(type, x.subarray(at, at + blockSize)), at);
    }
    const square = (y: Float32Array) => x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0);
    const ratio = Math.sqrt(square(roundTrip(type, x).weights) / square(plain));
    assert.ok(ratio < BETTER, `${type}: ${ratio}`);
  }
});

/** A block that dividing ranges evenly finds again. */
function representable(type: WeightType): fc.Arbitrary<Float32Array> {
  const d = fc.double({ min: 0.001, max: 8, noNaN: true });
  const parts = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
    minLength: 300,
    maxLength: 300,
  });
  // The rounding of large minimums to f32 would drown small scales.
  const ratio = fc.double({ min: 0.5, max: 4, noNaN: true });
  return fc.tuple(d, ratio, parts).map(([d, ratio, parts]) => {
    let next = 0;
    return representableBlock(
      type,
      d,
      ratio * d,
      (low, high) => low + Math.floor((high - low + 1) * parts[next++]!),
    );
  });
}

for (const type of BLOCK_TYPES) {
  Deno.test(`quantizeRow() to ${type} finds a block that it can store exactly`, () => {
    fc.assert(
      fc.property(representable(type), (x) => {
        const { weights } = roundTrip(type, x);
        // A product of an f16 and whole numbers has its f32 but for the last bit.
        const largest = Math.abs(furthest(x));
        x.forEach((weight, i) => {
          assert.ok(Math.abs(weight - weights[i]!) <= 2 ** -22 * largest, `${i}: ${weights[i]}`);
        });
      }),
      { numRuns: 100 },
    );
  });
}

Deno.test("quantizeRow() keeps F32, and rounds F16 and BF16 to the nearest", () => {
  const x = Float32Array.of(1 / 3, -1e-40, 70000, 3.4e38, -0);
  assert.deepEqual(roundTrip("F32", x).weights, x);
  // Rounded by the JavaScript engine; what is beyond f16 becomes 65504.
  assert.deepEqual(
    roundTrip("F16", x).weights,
    Float32Array.of(f16(1 / 3), f16(-1e-40), 65504, 65504, -0),
  );
  // 1/3 is 0x3eaaaaab, whose upper half rounds up to 0x3eab; the largest bf16 is 0x7f7f.
  const { weights } = roundTrip("BF16", x);
  assert.deepEqual([weights[0], weights[3]], [0.333984375, (2 - 2 ** -7) * 2 ** 127]);
});

Deno.test("quantizeRow() returns the squared error of what is read back", () => {
  const x = gaussian(8 * 256);
  for (const type of TYPES) {
    const { weights, told } = roundTrip(type, x);
    const found = x.reduce((sum, weight, i) => sum + (weight - weights[i]!) ** 2, 0);
    assert.ok(Math.abs(told - found) <= 1e-5 * found, `${type}: ${told}, not ${found}`);
  }
});

Deno.test("quantizeRow() gives zeros for zeros, and a constant for a constant", () => {
  for (const type of BLOCK_TYPES) {
    const zeros = new Float32Array(512);
    assert.ok(roundTrip(type, zeros).weights.every((weight) => weight === 0), type);
    for (const constant of [1, -1, 0.03, -0.03, 100, -4e5]) {
      const { weights } = roundTrip(type, zeros.map(() => constant));
      for (const weight of weights) {
        // d has at least 8 bits, for it is a subnormal f16 where the weights are small.
        assert.ok(Math.abs(weight / constant - 1) < 2 ** -8, `${type}: ${weight}, ${constant}`);
      }
    }
  }
});

Deno.test("quantizeRow() gives finite weights for every finite f32, however small or large", () => {
  const row = fc.float32Array({
    minLength: 256,
    maxLength: 256,
    noNaN: true,
    noDefaultInfinity: true,
  });
  for (const type of TYPES) {
    fc.assert(
      fc.property(row, (x) => {
        const { weights, told } = roundTrip(type, x);
        assert.ok(weights.every(Number.isFinite), type);
        assert.ok(Number.isFinite(told) && told >= 0, `${told}`);
      }),
      { numRuns: 50 },
    );
  }
});

Deno.test("quantizeRow() gives the nearest end of a type's range to what is beyond it", () => {
  for (const type of TYPES.filter((type) => type !== "F32" && type !== "BF16")) {
    const largest = largestWeight(type);
    for (const x of [2 * largest, -2 * largest]) {
      const [weight] = roundTrip(type, new Float32Array(256).fill(x)).weights;
      assert.ok(weight! / x > 0.48, `${type}: ${weight}`);
    }
    // What is just within it has half a step at the most to go.
    const near = Math.fround(-0.99 * largest);
    const [weight] = roundTrip(type, new Float32Array(256).fill(near)).weights;
    assert.ok(Math.abs(weight! / near - 1) < 0.04, `${type}: ${weight}`);
  }
});

Deno.test("quantizeRow() stays within half a step where a scale is a subnormal f16", () => {
  // Below 2^-14 an f16 is a multiple of 2^-24, and steps are d times 1 to 63.
  const x = gaussian(256).map((weight) => weight * 2e-5);
  for (const type of BLOCK_TYPES) {
    for (const weight of roundTrip(type, x).weights.map((weight, i) => weight - x[i]!)) {
      assert.ok(Math.abs(weight) < 6e-6, `${type}: ${weight}`);
    }
  }
});

Deno.test("quantizeRow() refuses NaN and infinity, and bytes that do not fit", () => {
  for (const type of TYPES) {
    for (const value of [NaN, Infinity, -Infinity]) {
      const x = new Float32Array(512);
      x[300] = value;
      assert.throws(() => roundTrip(type, x), { name: "RangeError", message: /^weight 300 is / });
    }
    const bytes = new Uint8Array(weightRowBytes(type, 512));
    assert.throws(() => quantizeRow(type, new Float32Array(256), bytes), RangeError);
  }
  assert.throws(
    () => quantizeRow("Q4_K", new Float32Array(32), new Uint8Array(18)),
    /32 columns can not be Q4_K/,
  );
});
