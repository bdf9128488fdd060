/**
 * Tokens that go through a layer's experts, and what should come of them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomFloats } from "../../kernels/comparing.ts";
import { expertOutput, type ExpertStacks } from "./expert_stacks.ts";
import { rowsOf } from "../kernels/rows.ts";

/** Tokens on their way through a layer's experts. */
export interface ExpertBatch {
  /** [tokens, hidden] what the experts' outputs are added to */
  readonly residual: Float32Array;
  /** [tokens, hidden] what the experts see */
  readonly x: Float32Array;
  /** [tokens, k] the router's choice */
  readonly ids: Int32Array;
  /** [tokens, k] */
  readonly weights: Float32Array;
  readonly k: number;
}

/** Tokens of different choices and weights; the k weights of each sum to 1. */
export function randomBatch(
  seed: number,
  { hidden, experts }: Pick<ExpertStacks, "hidden" | "experts">,
  tokens: number,
  k: number,
): ExpertBatch {
  const choice = (token: number, j: number) =>
    (seed + 3 * token + j * (1 + token % Math.max(experts - 1, 1))) % experts;
  const pairs = Array.from({ length: tokens * k }, (_, pair) => pair);
  const parts = rowsOf(randomFloats(seed, tokens * k).map((part) => Math.abs(part) + 0.1), k);
  return {
    residual: randomFloats(seed + 1, tokens * hidden),
    x: randomFloats(seed + 2, tokens * hidden),
    ids: Int32Array.from(pairs, (pair) => choice(Math.floor(pair / k), pair % k)),
    weights: Float32Array.from(parts.flatMap((row) => {
      const sum = row.reduce((a, b) => a + b, 0);
      return [...row].map((part) => part / sum);
    })),
    k,
  };
}

/** What a batch should give, in f64. */
export async function expectedOutput(
  stacks: ExpertStacks,
  { residual, x, ids, weights, k }: ExpertBatch,
): Promise<Float64Array> {
  const { hidden } = stacks;
  const out = Float64Array.from(residual);
  for (let pair = 0; pair < ids.length; pair++) {
    const from = Math.floor(pair / k) * hidden;
    const output = await expertOutput(stacks, ids[pair]!, x.subarray(from, from + hidden));
    output.forEach((value, i) => out[from + i]! += weights[pair]! * value);
  }
  return out;
}

/** Fails unless the norm of the difference is within `tolerance` times the expected norm. */
export function assertNear(
  actual: Float32Array,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length);
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  [difference, norm] = [Math.sqrt(difference), Math.sqrt(norm)];
  assert.ok(
    difference <= tolerance * norm,
    `${what}: off by ${difference} where ${tolerance} of ${norm} is allowed`,
  );
}

/** One token of a batch, alone. */
export function tokenOf(batch: ExpertBatch, token: number): ExpertBatch {
  const { ids, weights, k } = batch;
  const hidden = batch.x.length / (ids.length / k);
  const row = (array: Float32Array) => array.slice(token * hidden, (token + 1) * hidden);
  return {
    residual: row(batch.residual),
    x: row(batch.x),
    ids: ids.slice(token * k, (token + 1) * k),
    weights: weights.slice(token * k, (token + 1) * k),
    k,
  };
}
