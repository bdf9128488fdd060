/**
 * The KV cache of one session, in windows of its own: keys and values for each layer, and room to bring
 * queries in and attention's result out.
 *
 * @module
 */
import {
  attentionSpans,
  KV_FORMATS,
  kvBytes,
  type KvFormat,
  spanRecordBytes,
} from "../kernels/kv_formats.ts";
import { MemoryPlan, type Place } from "../kernels/memory_plan.ts";
import type { Window } from "../kernels/thread.ts";
import { UnsupportedOperationError } from "./errors.ts";
import type { HyperParameters } from "./hyperparameters.ts";

/** Addresses, in a cache window, of f32 rows that cross from and to the home window. */
export interface KvStage {
  /** (T, heads, headSize) */
  readonly q: number;
  /** (T, kvHeads, headSize) */
  readonly k: number;
  /** (T, kvHeads, headSize) */
  readonly v: number;
  /** (T, heads, headSize) */
  readonly attended: number;
  /** what attention leaves of each span of positions, for one token */
  readonly records: number;
}

/** One layer's part, `kvBytes` each, in one window. */
export interface KvLayer {
  readonly window: number;
  readonly keys: number;
  readonly values: number;
  readonly stage: KvStage;
}

export interface KvCache {
  /** positions that fit */
  readonly capacity: number;
  readonly format: KvFormat;
  readonly layers: readonly KvLayer[];
  readonly windows: readonly Window[];
  /** positions that were ever filled, whose pages take memory */
  reached: number;
}

/** @throws {UnsupportedOperationError} If a cache of this format can't keep heads of the model's size. */
export function checkKvHeads(
  format: KvFormat,
  { namedArchitecture, headSize }: Pick<HyperParameters, "namedArchitecture" | "headSize">,
): void {
  const { blockSize } = KV_FORMATS[format];
  if (headSize % blockSize === 0) return;
  throw new UnsupportedOperationError({
    architecture: namedArchitecture,
    operation: `KV cache in ${format} for heads of ${headSize} elements`,
    contract: "kv-cache-v1",
    wayOut: `They must be a multiple of ${blockSize}. Keep keys and values in f16 (kv, --kv f16).`,
  });
}

/** Bytes of the rows that cross from and to the home window, in each of a cache's windows. */
export function kvStageBytes({ heads, kvHeads, headSize }: HyperParameters, batch: number): number {
  return 2 * batch * (heads + kvHeads) * headSize * 4;
}

/** Makes a cache of `capacity` positions. Pages of positions that are never reached cost nothing. */
export function createKvCache(
  sizes: HyperParameters,
  options: {
    capacity: number;
    format: KvFormat;
    batch: number;
    threads: number;
    firstWindow: number;
    maxWindowBytes?: number | undefined;
  },
): KvCache {
  const { capacity, format, batch } = options;
  const { heads, kvHeads, headSize } = sizes;
  const stages = new Map<number, KvStage>();
  const recordsBytes = attentionSpans(capacity) * kvHeads *
    spanRecordBytes(heads / kvHeads, headSize);
  const plan = new MemoryPlan({
    threads: options.threads,
    firstId: options.firstWindow,
    maxWindowBytes: options.maxWindowBytes,
    onOpen(window, plan) {
      const rows = (count: number) => plan.reserve(window, batch * count * headSize * 4).address;
      stages.set(window, {
        q: rows(heads),
        k: rows(kvHeads),
        v: rows(kvHeads),
        attended: rows(heads),
        records: plan.reserve(window, recordsBytes).address,
      });
    },
  });
  const half = kvBytes(format, kvHeads, headSize, capacity);
  const places: Place[] = Array.from({ length: sizes.layers }, () => plan.place(2 * half));
  const layers = places.map(({ window, address }) => ({
    window,
    keys: address,
    values: address + half,
    stage: stages.get(window)!,
  }));
  return { capacity, format, layers, windows: plan.createWindows(), reached: 0 };
}
