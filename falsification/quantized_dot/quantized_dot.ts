/**
 * The tests of contract quantized-dot-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  activationBytes,
  ACTIVATIONS,
  PACKED_ROWS,
  WEIGHT_FORMATS,
  weightRowBytes,
} from "../../kernels/formats.ts";
import { assertSameBits } from "../../kernels/comparing.ts";
import { matrixBytes } from "../../kernels/matrix.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "../kernels/own_kernels.ts";
import { blockTests } from "./blocks.ts";
import {
  assertProducts,
  type QuantizedDot,
  randomActivations,
  randomWeights,
  shapes,
  type StoredWeights,
  TYPES,
} from "./cases.ts";
import { rowTests } from "./rows.ts";

/** Weights and bytes of a block, as ggml-common.h publishes them. */
const PUBLISHED_BLOCKS = {
  F32: [1, 4],
  F16: [1, 2],
  BF16: [1, 2],
  Q4_0: [32, 18],
  Q8_0: [32, 34],
  Q4_K: [256, 144],
  Q5_K: [256, 176],
  Q6_K: [256, 210],
} as const;

/** The tests of quantized-dot-v1. */
export const quantizedDot: Falsification<QuantizedDot> = {
  contract: "quantized-dot-v1",

  subject: async () => {
    const { kernels, memory } = await ownKernels();

    /** Puts activations in, in the form that a type multiplies with, and returns their address. */
    function putActivations({ type, columns }: StoredWeights, x: Float32Array): number {
      const { activation } = WEIGHT_FORMATS[type];
      const { quantize } = ACTIVATIONS[activation];
      const tokens = x.length / columns;
      const from = memory.put(x);
      if (quantize === undefined) return from;
      const rounded = memory.reserve(tokens * activationBytes(activation, columns));
      kernels[quantize](0, tokens, from, rounded, columns);
      return rounded;
    }

    return {
      multiply(stored, x, { start, end } = { start: 0, end: stored.rows }) {
        const { type, rows, columns, bytes } = stored;
        memory.reset();
        const tokens = x.length / columns;
        const weights = memory.put(bytes);
        const from = putActivations(stored, x);
        const out = memory.reserve(4 * tokens * rows);
        const { matmul } = WEIGHT_FORMATS[type];
        kernels[matmul](start, end, weights, from, out, columns, tokens, rows);
        memory.assertGuards();
        return memory.floats(out, tokens * rows);
      },
      multiplyPacked(stored, x) {
        const { type, rows, columns, bytes } = stored;
        const { pack, matmul } = WEIGHT_FORMATS[type].packed!;
        memory.reset();
        const tokens = x.length / columns;
        const groups = rows / PACKED_ROWS;
        const weights = memory.reserve(matrixBytes(type, rows, columns));
        kernels[pack](0, groups, memory.put(bytes), weights, columns);
        const from = putActivations(stored, x);
        const out = memory.reserve(4 * tokens * rows);
        kernels[matmul](0, groups, weights, from, out, columns, tokens, rows);
        memory.assertGuards();
        return memory.floats(out, tokens * rows);
      },
      rowBytes: weightRowBytes,
    };
  },

  tests: [
    {
      id: "F-QDOT-001",
      title: "products are those of the stored weights and the rounded activations",
      run({ multiply }) {
        for (const { type, columns } of shapes()) {
          const weights = randomWeights(type, 3, columns, columns);
          const x = randomActivations(3 * columns, columns + 1);
          assertProducts(multiply(weights, x), weights, x);
        }
      },
    },
    ...blockTests,
    ...rowTests,
    {
      id: "F-QDOT-012",
      title: "a row is whole blocks of the published size, or is refused",
      run({ rowBytes }) {
        assert.deepEqual(TYPES.toSorted(), Object.keys(PUBLISHED_BLOCKS).sort());
        for (const type of TYPES) {
          const [size, bytes] = PUBLISHED_BLOCKS[type];
          for (const blocks of [1, 2, 7]) {
            assert.equal(rowBytes(type, blocks * size), blocks * bytes, type);
          }
          for (const columns of [0, -size, size / 2, size + 0.5, size === 1 ? NaN : size + 1]) {
            assert.throws(() => rowBytes(type, columns), RangeError, `${type}: ${columns} columns`);
          }
        }
      },
    },
    {
      id: "F-QDOT-013",
      title: "packed weights give the bits of the file's own order",
      run({ multiply, multiplyPacked }) {
        const packed = TYPES.filter((type) => WEIGHT_FORMATS[type].packed !== undefined);
        assert.ok(packed.length > 0);
        for (const type of packed) {
          for (const [rows, blocks, tokens] of [[8, 1, 1], [16, 3, 2], [24, 2, 7]] as const) {
            const columns = blocks * WEIGHT_FORMATS[type].blockSize;
            const weights = randomWeights(type, rows, columns, rows);
            const x = randomActivations(tokens * columns, rows + 1);
            assertSameBits(multiplyPacked(weights, x), multiply(weights, x));
          }
        }
      },
    },
  ],
};
