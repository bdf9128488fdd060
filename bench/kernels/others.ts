/**
 * All that is computed beside matmuls, in the shapes of Qwen3-30B-A3B.
 *
 * @module
 */
import { ATTENTION_TILE } from "../../kernels/constants.ts";
import { randomFloats } from "../../kernels/comparing.ts";
import {
  activationBytes,
  ACTIVATIONS,
  PACKED_ROWS,
  type PackName,
  type QuantizeName,
  WEIGHT_FORMATS,
  weightRowBytes,
  type WeightType,
} from "../../kernels/formats.ts";
import {
  attentionSpans,
  KV_FORMATS,
  kvBytes,
  type KvFormat,
  spanRecordBytes,
} from "../../kernels/kv_formats.ts";
import { matrixBytes } from "../../kernels/matrix.ts";
import type { SharedOperation } from "../../kernels/operations.ts";
import type { KernelMemory } from "../../kernels/testing.ts";
import { randomWeights } from "./matmuls.ts";

const HIDDEN = 2048;
const HEADS = 32;
const KV_HEADS = 4;
const HEAD_SIZE = 128;
const EXPERTS = 128;
const EXPERTS_USED = 8;
const EXPERT_WIDTH = 768;

/** Tokens of a small batch, whose rows stay in the cache as they do in a forward pass. */
const TOKENS = 32;

/** A call to be measured. */
export interface Case {
  readonly operation: SharedOperation;
  /** for people */
  readonly shape: string;
  /** tokens, or rows of weights, that a call takes */
  readonly count: number;
  /** bytes that a call reads once, where these are what it is about; writes are not counted */
  readonly bytes: number | undefined;
  /** products of a call, where these are what it is about */
  readonly products: number | undefined;
  /** puts the arrays into memory; the function runs the first of the call's units, or all of them */
  readonly prepare: (memory: KernelMemory) => { call: () => void; short: () => void };
}

/** Every case. */
export function cases(): Case[] {
  return [
    ...(["f16", "q8_0"] as const).flatMap((format) => [
      attention(format, "decode", 1, 512),
      attention(format, "decode", 1, 8192),
      attention(format, "prefill", 512, 512),
    ]),
    ...(["quantizeQ8_K", "quantizeQ8_0", "roundF16", "roundBF16"] as const).map(quantize),
    ...Object.values(WEIGHT_FORMATS).flatMap(({ type, packed }) =>
      packed === undefined ? [] : [pack(type, packed.pack)]
    ),
    rmsNorm(),
    rope(),
    swiglu(),
    route(),
  ];
}

/** The tokens up to the last of `positions` positions. */
function attention(format: KvFormat, what: string, tokens: number, positions: number): Case {
  const first = positions - tokens;
  // Token t sees first + t + 1 positions.
  const seen = tokens * first + tokens * (tokens + 1) / 2;
  const { appendKeys, appendValues, attention, attendSpans } = KV_FORMATS[format];
  const bytes = kvBytes(format, KV_HEADS, HEAD_SIZE, positions);
  return {
    operation: attention,
    shape: `${what}, ${tokens} of ${positions} positions`,
    count: tokens,
    bytes: tokens === 1 ? 2 * bytes : undefined,
    products: 2 * seen * HEADS * HEAD_SIZE,
    prepare(memory) {
      const { kernels } = memory.builds[0]!;
      const x = memory.put(randomFloats(1, positions * KV_HEADS * HEAD_SIZE));
      const sizes = [KV_HEADS, HEAD_SIZE, positions] as const;
      const keys = memory.reserve(bytes);
      const values = memory.reserve(bytes);
      kernels[appendKeys](0, positions, x, keys, 0, ...sizes);
      kernels[appendValues](0, positions, x, values, 0, ...sizes);
      const q = memory.put(randomFloats(2, tokens * HEADS * HEAD_SIZE));
      const out = memory.reserve(4 * tokens * HEADS * HEAD_SIZE);
      const scale = 1 / Math.sqrt(HEAD_SIZE);
      const spans = attentionSpans(positions);
      const records = memory.reserve(
        spans * KV_HEADS * spanRecordBytes(HEADS / KV_HEADS, HEAD_SIZE),
      );
      if (tokens > 1) {
        const attend = (units: number) =>
          kernels[attention](0, units, q, keys, values, out, first, tokens, HEADS, ...sizes, scale);
        const units = KV_HEADS * Math.ceil(tokens / ATTENTION_TILE);
        return { call: () => attend(units), short: () => attend(1) };
      }
      const attend = (units: number) => {
        kernels[attendSpans](0, units, q, keys, values, records, first, HEADS, ...sizes, scale);
        kernels.mergeSpans(0, KV_HEADS, records, out, first, HEADS, KV_HEADS, HEAD_SIZE);
      };
      return { call: () => attend(KV_HEADS * spans), short: () => attend(1) };
    },
  };
}

function quantize(operation: QuantizeName): Case {
  const [format] = Object.entries(ACTIVATIONS).find(([, info]) => info.quantize === operation)!;
  return inRows(operation, HIDDEN, 4 * HIDDEN, (memory) => {
    const { kernels } = memory.builds[0]!;
    const x = memory.put(randomFloats(1, TOKENS * HIDDEN));
    const out = memory.reserve(
      TOKENS * activationBytes(format as keyof typeof ACTIVATIONS, HIDDEN),
    );
    return (rows) => kernels[operation](0, rows, x, out, HIDDEN);
  });
}

/** From memory, as an expert's weights come. */
function pack(type: WeightType, operation: PackName): Case {
  const rows = 16_384;
  return {
    operation,
    shape: `[${rows}, ${HIDDEN}], from memory`,
    count: rows,
    bytes: rows * weightRowBytes(type, HIDDEN),
    products: undefined,
    prepare(memory) {
      const { kernels } = memory.builds[0]!;
      const from = memory.put(randomWeights(type, rows));
      const to = memory.reserve(matrixBytes(type, rows, HIDDEN));
      const run = (groups: number) => kernels[operation](0, groups, from, to, HIDDEN);
      return { call: () => run(rows / PACKED_ROWS), short: () => run(1) };
    },
  };
}

function rmsNorm(): Case {
  return inRows("rmsNorm", HIDDEN, 4 * HIDDEN, (memory) => {
    const { kernels } = memory.builds[0]!;
    const x = memory.put(randomFloats(1, TOKENS * HIDDEN));
    const weight = memory.put(randomFloats(2, HIDDEN));
    const out = memory.reserve(4 * TOKENS * HIDDEN);
    return (rows) => kernels.rmsNorm(0, rows, x, weight, out, HIDDEN, 1e-6);
  });
}

function rope(): Case {
  const columns = HEADS * HEAD_SIZE;
  return inRows("ropeNeox", columns, 4 * columns, (memory) => {
    const { kernels } = memory.builds[0]!;
    const x = memory.put(randomFloats(1, TOKENS * columns));
    // Of the angle 1, so that values neither grow nor vanish over many calls.
    const [cosine, sine] = [Math.cos(1), Math.sin(1)];
    const half = HEAD_SIZE / 2;
    const angles = memory.put(
      Float32Array.from(
        { length: TOKENS * HEAD_SIZE },
        (_, i) => i % HEAD_SIZE < half ? cosine : sine,
      ),
    );
    return (rows) => kernels.ropeNeox(0, rows, x, angles, HEADS, HEAD_SIZE, HEAD_SIZE);
  });
}

function swiglu(): Case {
  return inRows("swiglu", EXPERT_WIDTH, 2 * 4 * EXPERT_WIDTH, (memory) => {
    const { kernels } = memory.builds[0]!;
    const gate = memory.put(randomFloats(1, TOKENS * EXPERT_WIDTH, 4));
    const up = memory.put(randomFloats(2, TOKENS * EXPERT_WIDTH));
    const out = memory.reserve(4 * TOKENS * EXPERT_WIDTH);
    return (rows) => kernels.swiglu(0, rows, gate, up, out, EXPERT_WIDTH);
  });
}

function route(): Case {
  return inRows("route", EXPERTS, 4 * EXPERTS, (memory) => {
    const { kernels } = memory.builds[0]!;
    const logits = memory.put(randomFloats(1, TOKENS * EXPERTS, 4));
    const ids = memory.reserve(4 * TOKENS * EXPERTS_USED);
    const weights = memory.reserve(4 * TOKENS * EXPERTS_USED);
    return (rows) => kernels.route(0, rows, logits, ids, weights, EXPERTS, EXPERTS_USED, 1);
  });
}

/** An operation on TOKENS rows of their own. */
function inRows(
  operation: SharedOperation,
  columns: number,
  bytesOfRow: number,
  place: (memory: KernelMemory) => (rows: number) => void,
): Case {
  return {
    operation,
    shape: `[${TOKENS}, ${columns}]`,
    count: TOKENS,
    bytes: TOKENS * bytesOfRow,
    products: undefined,
    prepare(memory) {
      const run = place(memory);
      return { call: () => run(TOKENS), short: () => run(1) };
    },
  };
}
