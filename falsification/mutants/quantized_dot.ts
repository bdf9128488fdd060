import {
  type ActivationFormat,
  ACTIVATIONS,
  WEIGHT_FORMATS,
  weightRowBytes,
  type WeightType,
} from "../../kernels/formats.ts";
import { dequantizeRow } from "../../kernels/oracles/dequantize.ts";
import { halfValue } from "../../kernels/oracles/half.ts";
import { dot } from "../../kernels/oracles/matmul.ts";
import { quantizeQ8_0, quantizeQ8_K, roundActivations } from "../../kernels/oracles/quantize.ts";
import { quantizedDot } from "../quantized_dot/quantized_dot.ts";
import type { QuantizedDot } from "../quantized_dot/cases.ts";
import { rowsOf } from "../kernels/rows.ts";
import { SCALE_OFFSETS } from "../quantized_dot/weight_blocks.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** What a dot product is made of, in plain TypeScript; mutants replace a part. */
interface Parts {
  /** changes one block of weights before it is read */
  readonly spoil: (type: WeightType, block: Uint8Array) => void;
  /** the weights of a row. Returned: [columns] */
  readonly read: (type: WeightType, row: Uint8Array, columns: number) => Float32Array;
  /** activations as their format rounds them. x, returned: [columns] */
  readonly round: (format: ActivationFormat, x: Float32Array) => Float32Array;
  /** the dot product of a row with a token; undefined where it is as ever */
  readonly sum: (type: WeightType, row: Uint8Array, token: Float32Array) => number | undefined;
  /** bytes between the place of a row and where it is read */
  readonly shift: (type: WeightType) => number;
  /** rows beyond the range that are computed too */
  readonly beyond: number;
  readonly rowBytes: QuantizedDot["rowBytes"];
}

const SOUND: Parts = {
  spoil: () => {},
  read: dequantizeRow,
  // The oracle is for finite values.
  round: (format, x) => x.every(Number.isFinite) ? roundActivations(format, x) : x.map(() => NaN),
  sum: () => undefined,
  shift: () => 0,
  beyond: 0,
  rowBytes: weightRowBytes,
};

function dotOf(broken: Partial<Parts>): () => QuantizedDot {
  const { spoil, read, round, sum, shift, beyond, rowBytes } = { ...SOUND, ...broken };
  const subject: QuantizedDot = {
    rowBytes,
    multiplyPacked: (weights, x) => subject.multiply(weights, x),
    multiply({ type, rows, columns, bytes }, x, { start, end } = { start: 0, end: rows }) {
      const { activation, blockBytes } = WEIGHT_FORMATS[type];
      const tokens = rowsOf(x, columns).map((token) => round(activation, token));
      const out = new Float32Array(tokens.length * rows).fill(NaN);
      const length = weightRowBytes(type, columns);
      for (let row = start; row < Math.min(end + beyond, rows); row++) {
        const own = new Uint8Array(length);
        const from = row * length + shift(type);
        own.set(bytes.subarray(from, from + length));
        for (let at = 0; at < length; at += blockBytes) {
          spoil(type, own.subarray(at, at + blockBytes));
        }
        const weights = read(type, own, columns);
        tokens.forEach((token, t) =>
          out[t * rows + row] = sum(type, own, token) ?? dot(weights, token)
        );
      }
      return out;
    },
  };
  return () => subject;
}

/** Sound, but that packing puts the row `from(row)` in the place of each row of a group of 8. */
function packedInOrder(from: (row: number) => number): () => QuantizedDot {
  return () => {
    const sound = dotOf({})();
    return {
      ...sound,
      multiplyPacked(weights, x) {
        const products = sound.multiply(weights, x);
        return products.map((_, i) => products[i - i % 8 + from(i % 8)]!);
      },
    };
  };
}

/** The dot product of a row of Q8_0, its integers added up in an i16 that wraps round. */
function sumIn16Bits(row: Uint8Array, token: Float32Array): number {
  const weights = new Int8Array(row.buffer, row.byteOffset, row.length);
  const { quants, d } = quantizeQ8_0(token);
  return d.reduce((total, step, block) => {
    const at = 34 * block;
    const integers = weights.subarray(at + 2, at + 34)
      .reduce((sum, weight, i) => (sum + weight * quants[32 * block + i]!) << 16 >> 16, 0);
    return total + step * halfValue(row[at]! | row[at + 1]! << 8) * integers;
  }, 0);
}

/** Where the nibbles of a block lie. */
const NIBBLES: Partial<Record<WeightType, readonly [start: number, end: number]>> = {
  Q4_0: [2, 18],
  Q4_K: [16, 144],
  Q5_K: [48, 176],
  Q6_K: [0, 128],
};

/** Rounds activations of 8 bits by another rule, in steps as they are. */
function roundBy(rule: (steps: number) => number): Parts["round"] {
  return (format, x) => {
    if (format !== "q8_0" && format !== "q8_k") return SOUND.round(format, x);
    const { blockSize } = ACTIVATIONS[format];
    const { d } = format === "q8_0" ? quantizeQ8_0(x) : quantizeQ8_K(x);
    return x.map((value, i) => {
      const step = d[Math.floor(i / blockSize)]!;
      const block = x.subarray(i - i % blockSize, i - i % blockSize + blockSize);
      // Of "q8_0" the step is rounded to f16 only after the division.
      const divisor = format === "q8_0" ? largestOf(block) / 127 : step;
      return step === 0 ? 0 : rule(Math.fround(value / divisor)) * step;
    });
  };
}

const largestOf = (x: Float32Array) => x.reduce((far, value) => Math.max(far, Math.abs(value)), 0);

export const quantizedDotMutants: BoundMutant[] = mutants(quantizedDot, [
  {
    name: "low and high nibbles swapped",
    caughtBy: ["F-QDOT-001", "F-QDOT-002"],
    subject: dotOf({
      spoil(type, block) {
        const [start, end] = NIBBLES[type] ?? [0, 0];
        for (let i = start; i < end; i++) block[i] = block[i]! >> 4 | block[i]! << 4;
      },
    }),
  },
  {
    name: "the mins of Q4_K and Q5_K not subtracted",
    caughtBy: ["F-QDOT-001", "F-QDOT-002", "F-QDOT-005"],
    subject: dotOf({
      spoil(type, block) {
        if (type === "Q4_K" || type === "Q5_K") block.fill(0, 2, 4);
      },
    }),
  },
  {
    name: "the upper bits of the last four scales and mins left out",
    caughtBy: ["F-QDOT-001", "F-QDOT-002", "F-QDOT-004"],
    subject: dotOf({
      spoil(type, block) {
        if (type !== "Q4_K" && type !== "Q5_K") return;
        for (let i = 4; i < 12; i++) block[i]! &= 63;
      },
    }),
  },
  {
    name: "the fifth bits of Q5_K one weight group on",
    caughtBy: ["F-QDOT-001", "F-QDOT-002"],
    subject: dotOf({
      spoil(type, block) {
        if (type !== "Q5_K") return;
        for (let i = 16; i < 48; i++) block[i] = block[i]! << 1 | block[i]! >> 7;
      },
    }),
  },
  {
    name: "32 not subtracted from the quants of Q6_K",
    caughtBy: ["F-QDOT-001", "F-QDOT-002", "F-QDOT-005"],
    subject: dotOf({
      read(type, row, columns) {
        const weights = dequantizeRow(type, row, columns);
        if (type !== "Q6_K") return weights;
        // A row whose quants are all 0 shows the -32 times each scale.
        const zeros = row.slice();
        for (let at = 0; at < row.length; at += 210) zeros.fill(0, at, at + 192);
        const offsets = dequantizeRow(type, zeros, columns);
        return weights.map((weight, i) => weight - offsets[i]!);
      },
    }),
  },
  {
    name: "the signed bytes of Q8_0 read as unsigned",
    caughtBy: ["F-QDOT-001", "F-QDOT-002"],
    subject: dotOf({
      read(type, row, columns) {
        const weights = dequantizeRow(type, row, columns);
        if (type !== "Q8_0") return weights;
        return weights.map((_, i) => {
          const block = row.subarray(34 * Math.floor(i / 32));
          return halfValue(block[0]! | block[1]! << 8) * block[2 + i % 32]!;
        });
      },
    }),
  },
  {
    name: "the scales of Q6_K read as unsigned",
    caughtBy: ["F-QDOT-001", "F-QDOT-002"],
    subject: dotOf({
      spoil(type, block) {
        // Without its sign bit a scale of -2 is 126.
        if (type === "Q6_K") { for (let i = 192; i < 208; i++) block[i]! &= 127; }
      },
    }),
  },
  {
    name: "every row one block late, as from an expert's slice with a wrong offset",
    caughtBy: ["F-QDOT-001", "F-QDOT-008"],
    subject: dotOf({ shift: (type) => WEIGHT_FORMATS[type].blockBytes }),
  },
  {
    name: "f16 scales that are subnormal taken for zero",
    caughtBy: ["F-QDOT-005"],
    subject: dotOf({
      spoil(type, block) {
        if (type === "F32" || type === "BF16") return;
        for (const at of SCALE_OFFSETS[type]) {
          if ((block[at + 1]! & 0x7c) === 0) block.fill(0, at, at + 2);
        }
      },
    }),
  },
  {
    name: "activations cut off instead of rounded",
    caughtBy: ["F-QDOT-001", "F-QDOT-003"],
    subject: dotOf({ round: roundBy(Math.trunc) }),
  },
  {
    name: "activations in the middle of two steps rounded up",
    caughtBy: ["F-QDOT-009"],
    subject: dotOf({ round: roundBy((steps) => Math.floor(steps + 0.5)) }),
  },
  {
    name: "a block of zeros divided by its largest magnitude",
    caughtBy: ["F-QDOT-010"],
    subject: dotOf({
      round: (format, x) => {
        const { blockSize } = ACTIVATIONS[format];
        const out = SOUND.round(format, x);
        for (let at = 0; blockSize > 1 && at < x.length; at += blockSize) {
          if (x.subarray(at, at + blockSize).every((v) => v === 0)) {
            out.fill(NaN, at, at + blockSize);
          }
        }
        return out;
      },
    }),
  },
  {
    name: "the steps of the batch's first token for all tokens",
    caughtBy: ["F-QDOT-001", "F-QDOT-006", "F-QDOT-007"],
    subject: () => {
      const sound = dotOf({})();
      return {
        ...sound,
        multiply(weights, x, range) {
          const steps = rowsOf(x, weights.columns).map(largestOf);
          return sound.multiply(weights, x, range).map((product, i) =>
            product * steps[0]! / steps[Math.floor(i / weights.rows)]!
          );
        },
      };
    },
  },
  {
    name: "NaN and infinity among activations taken for zero",
    caughtBy: ["F-QDOT-011"],
    subject: dotOf({
      round: (format, x) => roundActivations(format, x.map((v) => Number.isFinite(v) ? v : 0)),
    }),
  },
  {
    name: "a thread that computes one row too many",
    caughtBy: ["F-QDOT-008"],
    subject: dotOf({ beyond: 1 }),
  },
  {
    name: "the products of a block of Q8_0 summed in 16 bits",
    caughtBy: ["F-QDOT-001", "F-QDOT-004"],
    subject: dotOf({
      sum: (type, row, token) => type === "Q8_0" ? sumIn16Bits(row, token) : undefined,
    }),
  },
  {
    name: "the halves of a packed group exchanged",
    caughtBy: ["F-QDOT-013"],
    subject: packedInOrder((row) => (row + 4) % 8),
  },
  {
    name: "columns rounded up to whole blocks",
    caughtBy: ["F-QDOT-012"],
    subject: dotOf({
      rowBytes(type, columns) {
        const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
        return Math.ceil(columns / blockSize) * blockBytes;
      },
    }),
  },
]);
