import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Q8_0_BYTES,
  Q8_0_CENTER,
  Q8_0_D,
  Q8_0_NEGATIVES,
  Q8_0_SIZE,
  Q8_K_BYTES,
  Q8_K_CENTERS,
  Q8_K_D,
  Q8_K_SIZE,
  Q8_K_SUMS_OF_16,
  Q8_K_SUMS_OF_32,
} from "./activation_layouts.ts";
import { activationBytes, type ActivationFormat, ACTIVATIONS } from "./formats.ts";
import {
  type QuantizedRow,
  quantizeQ8_0,
  quantizeQ8_K,
  roundActivations,
} from "./oracles/quantize.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory();

/** Runs a format's kernel over rows, in each build, and gives what it wrote. */
function quantizeRows(format: ActivationFormat, x: Float32Array, columns: number): Uint8Array[] {
  const rows = x.length / columns;
  return memory.builds.map(({ kernels }) => {
    memory.reset();
    const length = rows * activationBytes(format, columns);
    const from = memory.put(x);
    const out = memory.reserve(length);
    const operation = kernels[ACTIVATIONS[format].quantize!];
    const middle = rows >> 1;
    operation(middle, rows, from, out, columns);
    operation(0, middle, from, out, columns);
    memory.assertGuards();
    return memory.bytes(out, length);
  });
}

/** Values as activations have them: most small, some far out, some exactly on a step. */
const activation = fc.oneof(
  { weight: 6, arbitrary: fc.float({ min: -4, max: 4, noNaN: true }) },
  { weight: 2, arbitrary: fc.integer({ min: -508, max: 508 }).map((n) => n / 4) },
  { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 127, -127, 3e-45, -1e-38) },
);

function rowsOf(blockSize: number): fc.Arbitrary<{ columns: number; x: Float32Array }> {
  return fc.record({ rows: fc.integer({ min: 1, max: 3 }), blocks: fc.integer({ min: 1, max: 3 }) })
    .chain(({ rows, blocks }) => {
      const length = rows * blocks * blockSize;
      return fc.array(activation, { minLength: length, maxLength: length, size: "max" })
        .map((values) => ({ columns: blocks * blockSize, x: Float32Array.from(values) }));
    });
}

function sum(quants: Int8Array): number {
  return quants.reduce((total, quant) => total + quant, 0);
}

function assertBlocksQ8_K(bytes: Uint8Array, expected: QuantizedRow): void {
  for (let block = 0; block < expected.d.length; block++) {
    const quants = expected.quants.subarray(block * Q8_K_SIZE, (block + 1) * Q8_K_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset + block * Q8_K_BYTES, Q8_K_BYTES);
    assert.deepEqual(Int8Array.from(quants, (_, i) => view.getInt8(i)), quants);
    assert.equal(view.getFloat32(Q8_K_D, true), expected.d[block]);
    for (let i = 0; i < 16; i++) {
      const expectedSum = sum(quants.subarray(16 * i, 16 * i + 16));
      assert.equal(view.getInt16(Q8_K_SUMS_OF_16 + 2 * i, true), expectedSum);
      for (const half of [0, 1]) {
        const own = quants.subarray(16 * i, 16 * i + 16).filter((_, j) => (j & 2) === 2 * half);
        const center = view.getInt16(Q8_K_CENTERS + 4 * i + 2 * half, true);
        // -32 · 0 is -0 in JavaScript, which no integer is.
        assert.equal(center, -32 * sum(own) + 0);
      }
    }
    for (let i = 0; i < 8; i++) {
      const expectedSum = sum(quants.subarray(32 * i, 32 * i + 32));
      assert.equal(view.getInt16(Q8_K_SUMS_OF_32 + 2 * i, true), expectedSum);
    }
  }
}

function assertBlocksQ8_0(bytes: Uint8Array, expected: QuantizedRow): void {
  for (let block = 0; block < expected.d.length; block++) {
    const quants = expected.quants.subarray(block * Q8_0_SIZE, (block + 1) * Q8_0_SIZE);
    const view = new DataView(bytes.buffer, bytes.byteOffset + block * Q8_0_BYTES, Q8_0_BYTES);
    assert.deepEqual(Int8Array.from(quants, (_, i) => view.getInt8(i)), quants);
    assert.equal(view.getFloat32(Q8_0_D, true), expected.d[block]);
    // Subtracted from 0, as an i32 has no minus zero.
    const negatives = quants.filter((quant) => quant < 0);
    assert.equal(view.getInt32(Q8_0_NEGATIVES, true), 0 - sum(negatives));
    assert.equal(view.getInt32(Q8_0_CENTER, true), 0 - 8 * sum(quants));
  }
}

Deno.test("quantizeQ8_K() gives the oracle's quants, d and sums", () => {
  fc.assert(
    fc.property(rowsOf(Q8_K_SIZE), ({ columns, x }) => {
      for (const bytes of quantizeRows("q8_k", x, columns)) {
        assertBlocksQ8_K(bytes, quantizeQ8_K(x));
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("quantizeQ8_K() takes the sign of the first of two values equally far from zero", () => {
  for (const [first, second] of [[2, -2], [-2, 2]] as const) {
    const x = new Float32Array(Q8_K_SIZE);
    x[100] = first;
    x[7 + 100] = second;
    for (const bytes of quantizeRows("q8_k", x, Q8_K_SIZE)) {
      assert.equal(new Int8Array(bytes.buffer)[100], -127);
      assertBlocksQ8_K(bytes, quantizeQ8_K(x));
    }
  }
});

Deno.test("quantizeQ8_0() gives the oracle's quants, d and sums", () => {
  fc.assert(
    fc.property(rowsOf(Q8_0_SIZE), ({ columns, x }) => {
      for (const bytes of quantizeRows("q8_0", x, columns)) {
        assertBlocksQ8_0(bytes, quantizeQ8_0(x));
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("quantization of values so small that 127 divided by them is infinite stays within 127", () => {
  const x = Float32Array.from({ length: 256 }, (_, i) => [3e-45, -3e-45, 0][i % 3]!);
  for (const bytes of quantizeRows("q8_0", x, 256)) assertBlocksQ8_0(bytes, quantizeQ8_0(x));
  for (const bytes of quantizeRows("q8_k", x, 256)) assertBlocksQ8_K(bytes, quantizeQ8_K(x));
});

for (const format of ["q8_0", "q8_k"] as const) {
  Deno.test(`${format} of a NaN or an infinity is a block whose d is not finite`, () => {
    const size = ACTIVATIONS[format].blockSize;
    for (const bad of [NaN, Infinity, -Infinity]) {
      const x = new Float32Array(2 * size).fill(1);
      x[size + 5] = bad;
      for (const bytes of quantizeRows(format, x, 2 * size)) {
        const view = new DataView(bytes.buffer);
        const d = format === "q8_0" ? Q8_0_D : Q8_K_D;
        const blockBytes = ACTIVATIONS[format].blockBytes;
        assert(Number.isFinite(view.getFloat32(d, true)));
        assert(!Number.isFinite(view.getFloat32(blockBytes + d, true)));
      }
    }
  });
}

for (const format of ["f16", "bf16"] as const) {
  Deno.test(`rounding to ${format} gives the oracle's bits for any f32 and any length`, () => {
    // Among the values: middles between neighbours of the format, and what lies just beside them.
    const dropped = format === "f16" ? 13 : 16;
    const middle = fc.tuple(fc.nat(2 ** (32 - dropped) - 1), fc.constantFrom(-1, 0, 1))
      .map(([kept, beside]) => {
        const bits = kept * 2 ** dropped + 2 ** (dropped - 1) + beside;
        return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
      });
    const values = fc.array(fc.oneof(fc.float(), middle), { minLength: 1, maxLength: 67 });
    fc.assert(
      fc.property(values, (array) => {
        const x = Float32Array.from(array);
        const expected = roundActivations(format, x);
        for (const bytes of quantizeRows(format, x, 1)) {
          // As arrays of numbers, in which all NaNs are the same and the zeros are not.
          assert.deepEqual([...new Float32Array(bytes.buffer)], [...expected]);
        }
      }),
      { numRuns: 500 },
    );
  });

  Deno.test(`rounding to ${format} keeps a NaN whose upper bits alone would be an infinity`, () => {
    const x = new Float32Array(new Uint32Array(5).fill(0x7f800001).buffer);
    for (const bytes of quantizeRows(format, x, 5)) {
      assert(new Float32Array(bytes.buffer).every(Number.isNaN));
    }
  });
}
