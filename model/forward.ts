/**
 * The forward pass: one layer loop for dense and Mixture-of-Experts models. Buffers and their shapes
 * stand in workspace.ts; T is the number of tokens of this call.
 *
 * @module
 */
import { type Activations, convertJobs, formAddress } from "../kernels/activations.ts";
import type { Job, JobOperation } from "../kernels/board.ts";
import { moveJob, multiply, type Product, type Workbench } from "../kernels/multiply.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { type ExpertBlock, runBlocks } from "../moe/expert_block.ts";
import { dispatchExperts } from "../moe/dispatch.ts";
import type { RoutingRecord } from "../moe/routing.ts";
import type { ArchitectureDescription } from "./architectures.ts";
import { appendJobs, attentionJobs } from "./attention.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import type { KvCache, KvLayer } from "./kv_cache.ts";
import type { ForwardAnswer } from "./protocol.ts";
import type { LayerWeights, Weights } from "./weights.ts";
import { LOGIT_ROWS, type Workspace } from "./workspace.ts";

/** All that a forward pass works with. */
export interface ForwardContext {
  readonly sizes: HyperParameters;
  readonly description: ArchitectureDescription;
  readonly weights: Weights;
  readonly workspace: Workspace;
  readonly workbench: Workbench;
  /** throws when the caller wants the pass to stop; asked before each layer */
  readonly checkAborted: () => void;
  /** f32 and i32 views of the home window's memory */
  readonly floats: (address: number, count: number) => Float32Array;
  readonly integers: (address: number, count: number) => Int32Array;
}

/** Where this call's tokens stand: T of them from `position` on. */
export interface Span {
  readonly cache: KvCache;
  readonly position: number;
  readonly tokens: number;
  /** takes down what the routers choose; undefined where nobody asked */
  readonly routing: RoutingRecord | undefined;
}

/**
 * Runs the layers over the T embeddings in `workspace.x`, with `workspace.angles` for their positions,
 * and appends their keys and values to the cache.
 */
export async function forwardLayers(context: ForwardContext, span: Span): Promise<void> {
  for (let layer = 0; layer < context.sizes.layers; layer++) {
    context.checkAborted();
    const arrival = context.weights.resident.ready(layer, span.tokens);
    if (arrival !== undefined) await arrival;
    const weights = context.weights.layers[layer]!;
    attend(context, span, weights, span.cache.layers[layer]!);
    await feedForward(context, span, weights, layer);
  }
}

/** x += output(attention(rope(norm(q)), rope(norm(k)), v)) */
function attend(context: ForwardContext, span: Span, weights: LayerWeights, kv: KvLayer): void {
  const { sizes, workspace: space } = context;
  const { heads, kvHeads } = sizes;
  const { tokens } = span;
  normalize(context, weights.attnNorm, tokens);
  project(context, space.normed, tokens, [
    { matrix: weights.q, out: space.q },
    { matrix: weights.k, out: space.k },
    { matrix: weights.v, out: space.v },
  ]);
  addBias(context, space.q, weights.qBias, weights.q.rows, tokens);
  addBias(context, space.k, weights.kBias, weights.k.rows, tokens);
  addBias(context, space.v, weights.vBias, weights.v.rows, tokens);
  normalizeHeads(context, space.q, weights.qNorm, heads * tokens);
  normalizeHeads(context, space.k, weights.kNorm, kvHeads * tokens);
  rotate(context, tokens);
  attendToCache(context, span, kv);
  project(context, space.attended, tokens, [{ matrix: weights.output, out: space.projected }]);
  addBias(context, space.projected, weights.outputBias, sizes.hidden, tokens);
  addToResidual(context, tokens);
}

/** x += feedForward(norm(x)) */
async function feedForward(
  context: ForwardContext,
  { tokens, routing }: Span,
  weights: LayerWeights,
  layer: number,
): Promise<void> {
  const { block, blockGate, router } = weights.feedForward;
  normalize(context, weights.ffnNorm, tokens);
  convert(context, context.workspace.normed, tokens);
  // First: once experts are waited for, what else is mapped may be there no more.
  if (block) runBlock(context, block, blockGate, tokens);
  if (router) {
    route(context, router, tokens);
    if (routing) takeDown(context, routing, layer, tokens);
    await runExperts(context, layer, tokens);
  }
}

/** Copies a layer's choices, and what its shared expert was weighed by. */
function takeDown(
  { sizes: { expertsUsed: k }, workspace: space, floats, integers }: ForwardContext,
  routing: RoutingRecord,
  layer: number,
  tokens: number,
): void {
  const pairs = tokens * k;
  routing.experts.set(integers(space.chosen, pairs), layer * pairs);
  routing.weights.set(floats(space.chosenWeights, pairs), layer * pairs);
  if (routing.shared.length === 0) return;
  routing.shared.set(floats(space.blockWeights, tokens), layer * tokens);
}

/** x += block(normed), weighed by the sigmoid of its gate's logit if it has a gate */
function runBlock(
  context: ForwardContext,
  block: ExpertBlock,
  gate: Matrix | undefined,
  tokens: number,
): void {
  const { sizes: { hidden }, workspace: space, workbench } = context;
  const where = { kind: "span", from: 0, to: 0 } as const;
  const rows = { input: space.normed, output: space.projected };
  runBlocks(workbench, [{ block, rows: tokens, where }], rows);
  if (gate === undefined) return addToResidual(context, tokens);
  multiply(workbench, space.normed, [{ matrix: gate, out: space.blockWeights }], tokens);
  // A number for each token: too few for a kernel.
  const weights = context.floats(space.blockWeights, tokens);
  for (let token = 0; token < tokens; token++) weights[token] = sigmoid(weights[token]!);
  const args = [space.x, space.projected, space.blockWeights, 1, hidden];
  run(context, "combineExperts", tokens, hidden * 8, args);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** normed = rmsNorm(x) */
function normalize(context: ForwardContext, weight: number, tokens: number): void {
  const { sizes: { hidden, rmsEpsilon }, workspace: space } = context;
  const out = formAddress(space.normed, "f32");
  run(context, "rmsNorm", tokens, hidden * 8, [space.x, weight, out, hidden, rmsEpsilon]);
}

/** Makes the forms that the following products want of activations. */
function convert(context: ForwardContext, activations: Activations, tokens: number): void {
  const jobs = convertJobs(activations, activations.forms.keys(), tokens);
  if (jobs.length > 0) context.workbench.team.run(jobs);
}

function project(
  context: ForwardContext,
  input: Activations,
  tokens: number,
  products: readonly Product[],
): void {
  convert(context, input, tokens);
  multiply(context.workbench, input, products, tokens);
}

function addBias(
  context: ForwardContext,
  out: number,
  bias: number | undefined,
  columns: number,
  tokens: number,
): void {
  if (bias !== undefined) run(context, "addBias", tokens, columns * 4, [out, bias, columns]);
}

/** RMSNorm of each head by itself (Qwen3), before RoPE. */
function normalizeHeads(
  context: ForwardContext,
  x: number,
  weight: number | undefined,
  heads: number,
): void {
  if (weight === undefined) return;
  const { headSize, rmsEpsilon } = context.sizes;
  run(context, "rmsNorm", heads, headSize * 8, [x, weight, x, headSize, rmsEpsilon]);
}

function rotate(context: ForwardContext, tokens: number): void {
  const { sizes, workspace: space, description } = context;
  const { heads, kvHeads, headSize, ropeDimensions } = sizes;
  const operation = description.rope === "neox" ? "ropeNeox" : "ropePairs";
  const job = (x: number, count: number): Job => ({
    operation,
    window: space.home,
    units: tokens,
    cost: count * headSize * 8,
    args: [x, space.angles, count, headSize, ropeDimensions],
  });
  context.workbench.team.run([job(space.q, heads), job(space.k, kvHeads)]);
}

/** attended = attention of the T queries to the cache, their own keys and values appended first. */
function attendToCache(context: ForwardContext, { cache, position, tokens }: Span, kv: KvLayer) {
  const { sizes, workspace: space, workbench: { team } } = context;
  const { heads, kvHeads, headSize } = sizes;
  const { window, stage } = kv;
  const queryBytes = heads * headSize * 4;
  const keyBytes = kvHeads * headSize * 4;
  team.run([
    moveJob(space.home, space.q, window, stage.q, queryBytes, tokens),
    moveJob(space.home, space.k, window, stage.k, keyBytes, tokens),
    moveJob(space.home, space.v, window, stage.v, keyBytes, tokens),
  ]);
  team.run(appendJobs(sizes, cache, position, tokens, kv));
  for (const job of attentionJobs(sizes, cache, position, tokens, kv)) team.run([job]);
  const attended = formAddress(space.attended, "f32");
  team.run([moveJob(window, stage.attended, space.home, attended, queryBytes, tokens)]);
}

/** chosen, chosenWeights = the router's k experts for each token */
function route(context: ForwardContext, router: Matrix, tokens: number): void {
  const { sizes, workspace: space } = context;
  multiply(context.workbench, space.normed, [{ matrix: router, out: space.routerLogits }], tokens);
  run(context, "route", tokens, sizes.experts * 16, [
    space.routerLogits,
    space.chosen,
    space.chosenWeights,
    sizes.experts,
    sizes.expertsUsed,
    sizes.normalizeExpertWeights ? 1 : 0,
  ]);
}

/** x += sum of the chosen experts' outputs by their weights */
async function runExperts(context: ForwardContext, layer: number, tokens: number): Promise<void> {
  const { sizes, workspace: space, workbench, weights } = context;
  const { hidden, experts, expertsUsed: k } = sizes;
  await dispatchExperts(workbench, weights.experts, {
    layer,
    input: space.normed,
    output: space.expertOutputs,
    ids: context.integers(space.chosen, tokens * k),
    experts,
    k,
    index: {
      tokens: context.integers(space.rowTokens, space.waveRows),
      tokensAddress: space.rowTokens,
      pairs: context.integers(space.rowPairs, space.waveRows),
      pairsAddress: space.rowPairs,
    },
    waveRows: space.waveRows,
  });
  const args = [space.x, space.expertOutputs, space.chosenWeights, k, hidden];
  run(context, "combineExperts", tokens, hidden * k * 4, args);
}

function addToResidual(context: ForwardContext, tokens: number): void {
  const { sizes: { hidden }, workspace: space } = context;
  run(context, "add", tokens, hidden * 8, [space.x, space.projected, hidden]);
}

function run(
  { workbench, workspace }: ForwardContext,
  operation: JobOperation,
  units: number,
  cost: number,
  args: readonly number[],
): void {
  workbench.team.run([{ operation, window: workspace.home, units, cost, args }]);
}

/** Logits of `count` of this call's tokens, from the `first` on, in `into` where that is given. */
export function outputLogits(
  context: ForwardContext,
  first: number,
  count: number,
  into?: Float32Array<ArrayBuffer>,
): Pick<ForwardAnswer, "logits" | "argMax"> {
  const { sizes: { hidden, vocabulary, rmsEpsilon }, workspace: space, weights } = context;
  const logits = into ?? new Float32Array(count * vocabulary);
  const normed = formAddress(space.normed, "f32");
  let last = space.logits;
  for (let done = 0; done < count; done += LOGIT_ROWS) {
    const rows = Math.min(LOGIT_ROWS, count - done);
    const x = space.x + (first + done) * hidden * 4;
    const args = [x, weights.outputNorm, normed, hidden, rmsEpsilon];
    run(context, "rmsNorm", rows, hidden * 8, args);
    project(context, space.normed, rows, [{ matrix: weights.output, out: space.logits }]);
    logits.set(context.floats(space.logits, rows * vocabulary), done * vocabulary);
    last = space.logits + (rows - 1) * vocabulary * 4;
  }
  const kernels = context.workbench.team.thread.operations(space.home);
  return { logits, argMax: kernels.argMax(last, vocabulary) };
}
