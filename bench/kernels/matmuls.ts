/**
 * The matmuls, of weights in the file's order and packed.
 *
 * @module
 */
import { randomFloats } from "../../kernels/comparing.ts";
import {
  activationBytes,
  ACTIVATIONS,
  type MatmulName,
  PACKED_ROWS,
  WEIGHT_FORMATS,
  weightRowBytes,
  type WeightType,
} from "../../kernels/formats.ts";
import { matrixBytes } from "../../kernels/matrix.ts";
import type { Operations } from "../../kernels/operations.ts";
import type { KernelMemory } from "../../kernels/testing.ts";
import { randomBlocks } from "../../synth/blocks.ts";
import { randomWordsOf } from "../../synth/random.ts";
import { secondsOf } from "./clock.ts";

/** Bytes of weights of which caches hold next to nothing. */
export const MEMORY_BYTES = 128 * 2 ** 20;
/** Bytes of weights that stay in a core's own cache, beside activations. */
const CACHE_BYTES = 192 * 2 ** 10;

/** The hidden size of Qwen3-30B-A3B. */
const COLUMNS = 2048;

const TOKENS = [1, 4, 32];

/** How fast a matmul is for a number of tokens. */
export interface MatmulSpeed {
  readonly operation: MatmulName;
  readonly tokens: number;
  /** bytes of weights, as the file has them, per second */
  readonly bytesPerSecond: Readonly<Record<"memory" | "cache", number>>;
  /** products of a weight and an activation per second */
  readonly productsPerSecond: Readonly<Record<"memory" | "cache", number>>;
}

/** A matrix in memory, and what multiplies it. */
interface Placed {
  readonly operation: MatmulName;
  readonly address: number;
  /** rows of a unit */
  readonly unit: number;
}

/** The operations that multiply weights of a type. */
export function operationsOf(type: WeightType): MatmulName[] {
  const { matmul, packed } = WEIGHT_FORMATS[type];
  return packed === undefined ? [matmul] : [matmul, packed.matmul];
}

/** Measures the wanted operations of a type. */
export async function measureMatmuls(
  memory: KernelMemory,
  type: WeightType,
  wanted: (operation: MatmulName) => boolean,
): Promise<MatmulSpeed[]> {
  memory.reset();
  const { kernels } = memory.builds[0]!;
  const rowBytes = weightRowBytes(type, COLUMNS);
  const rowsOf = (bytes: number) => Math.floor(bytes / rowBytes / PACKED_ROWS) * PACKED_ROWS;
  const rows = { memory: rowsOf(MEMORY_BYTES), cache: rowsOf(CACHE_BYTES) };
  const matrices = place(memory, kernels, type, rows.memory);
  const x = placeActivations(memory, kernels, type);
  const out = memory.reserve(4 * Math.max(...TOKENS) * rows.memory);

  const speeds: MatmulSpeed[] = [];
  for (const { operation, address, unit } of matrices.filter((it) => wanted(it.operation))) {
    for (const tokens of TOKENS) {
      const multiply = (rows: number) =>
        kernels[operation](0, rows / unit, address, x, out, COLUMNS, tokens, rows);
      const short = () => multiply(PACKED_ROWS);
      const seconds = {
        memory: await secondsOf(() => multiply(rows.memory), short),
        cache: await secondsOf(() => multiply(rows.cache), short),
      };
      const rate = (perRow: number) => ({
        memory: perRow * rows.memory / seconds.memory,
        cache: perRow * rows.cache / seconds.cache,
      });
      speeds.push({
        operation,
        tokens,
        bytesPerSecond: rate(rowBytes),
        productsPerSecond: rate(COLUMNS * tokens),
      });
    }
  }
  return speeds;
}

/** Random weights in the file's order and, where the type has one, in the packed. */
function place(
  memory: KernelMemory,
  kernels: Operations,
  type: WeightType,
  rows: number,
): Placed[] {
  const address = memory.put(randomWeights(type, rows));
  const { matmul, packed } = WEIGHT_FORMATS[type];
  const inOrder = { operation: matmul, address, unit: 1 };
  if (packed === undefined) return [inOrder];
  const to = memory.reserve(matrixBytes(type, rows, COLUMNS));
  kernels[packed.pack](0, rows / PACKED_ROWS, address, to, COLUMNS);
  return [inOrder, { operation: packed.matmul, address: to, unit: PACKED_ROWS }];
}

/** [rows, COLUMNS] of a type; the same rows again and again. */
export function randomWeights(type: WeightType, rows: number): Uint8Array {
  const bytes = new Uint8Array(rows * weightRowBytes(type, COLUMNS));
  const some = Math.min(rows, 256);
  const part = new ArrayBuffer(some * weightRowBytes(type, COLUMNS));
  const write = randomBlocks(type, { mean: 0, deviation: 0.02 }, randomWordsOf(1, type));
  write(part, some * COLUMNS / WEIGHT_FORMATS[type].blockSize);
  for (let at = 0; at < bytes.length; at += part.byteLength) {
    bytes.set(new Uint8Array(part, 0, Math.min(part.byteLength, bytes.length - at)), at);
  }
  return bytes;
}

/** Activations of as many tokens as are computed at once, in the format that the type takes. */
function placeActivations(memory: KernelMemory, kernels: Operations, type: WeightType): number {
  const { activation } = WEIGHT_FORMATS[type];
  const tokens = Math.max(...TOKENS);
  const raw = memory.put(randomFloats(1, tokens * COLUMNS));
  const { quantize } = ACTIVATIONS[activation];
  if (quantize === undefined) return raw;
  const x = memory.reserve(tokens * activationBytes(activation, COLUMNS));
  kernels[quantize](0, tokens, raw, x, COLUMNS);
  return x;
}
