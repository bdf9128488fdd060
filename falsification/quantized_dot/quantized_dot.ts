/**
 * The tests of contract quantized-dot-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  activationBytes,
  ACTIVATIONS,
  WEIGHT_FORMATS,
  weightRowBytes,
} from "../../kernels/formats.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "../kernels/own_kernels.ts";
import { blockTests } from "./blocks.ts";
import {
  assertProducts,
  type QuantizedDot,
  randomActivations,
  randomWeights,
  shapes,
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
    return {
      multiply({ type, rows, columns, bytes }, x, { start, end } = { start: 0, end: rows }) {
        memory.reset();
        const { activation, matmul } = WEIGHT_FORMATS[type];
        const { quantize } = ACTIVATIONS[activation];
        const tokens = x.length / columns;
        const weights = memory.put(bytes);
        let from = memory.put(x);
        if (quantize !== undefined) {
          const rounded = memory.reserve(tokens * activationBytes(activation, columns));
          kernels[quantize](0, tokens, from, rounded, columns);
          from = rounded;
        }
        const out = memory.reserve(4 * tokens * rows);
        kernels[matmul](start, end, weights, from, out, columns, tokens, rows);
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
  ],
};
