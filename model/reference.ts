/**
 * The reference: the forward pass once more, in plain TypeScript, written for reading. Weights are
 * unpacked row by row, activations stay unrounded, sums are taken in f64. It shares no arithmetic with
 * the kernels, so where the two agree, both are right. Slow: for checking, never for use.
 *
 * After the Qwen3-MoE, Qwen2-MoE, Mixtral, Qwen3, Qwen2 and Llama models as published: RMSNorm, rotary
 * positions, grouped-query attention, SwiGLU, softmax routing, a shared expert.
 *
 * @module
 */
import type { GgufFile, TensorInfo } from "../gguf/mod.ts";
import { weightRowBytes, type WeightType } from "../kernels/formats.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import type { ArchitectureDescription } from "./architectures.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import { writeRopeAngles } from "./rope_angles.ts";
import type { ModelTensors, RoleTensors } from "./tensors.ts";

/** What the reference computes with. */
export interface ReferenceModel {
  readonly file: GgufFile;
  readonly sizes: HyperParameters;
  readonly description: ArchitectureDescription;
  readonly tensors: ModelTensors;
  /** hears the router's logits, [tokens][experts], of one layer after another */
  readonly onRouterLogits?: (logits: readonly Float64Array[]) => void;
}

/** One activation vector for each token. */
type Rows = Float64Array[];

/**
 * Logits at every position of a token sequence.
 *
 * @param signal asked before each layer; its reason is thrown
 * @yields [vocabulary] f32, for one position after another
 */
export async function* referenceLogits(
  model: ReferenceModel,
  tokens: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<Float32Array, void, void> {
  const { sizes, tensors: { global, layers } } = model;
  const angles = new Float32Array(tokens.length * sizes.ropeDimensions);
  const frequencyFactors = global.rope_freqs && await vector(model, global.rope_freqs);
  writeRopeAngles(angles, 0, tokens.length, { ...sizes, frequencyFactors });

  const x = await Promise.all(
    tokens.map((token) => row(model, global.token_embd!, token, sizes.hidden)),
  );
  for (const layer of layers) {
    signal?.throwIfAborted();
    addTo(x, await attention(model, layer, await normed(model, x, layer.attn_norm!), angles));
    addTo(x, await feedForward(model, layer, await normed(model, x, layer.ffn_norm!)));
  }
  const last = await normed(model, x, global.output_norm!);
  const output = global.output ?? global.token_embd!;
  for (const logits of await product(model, output, last)) yield Float32Array.from(logits);
}

/** Causal grouped-query attention, from normed activations to what is added to the residual. */
async function attention(
  model: ReferenceModel,
  layer: RoleTensors,
  x: Rows,
  angles: Float32Array,
): Promise<Rows> {
  const { sizes: { heads, kvHeads, headSize } } = model;
  const q = await product(model, layer.attn_q!, x, layer.attn_q_bias);
  const k = await product(model, layer.attn_k!, x, layer.attn_k_bias);
  const v = await product(model, layer.attn_v!, x, layer.attn_v_bias);
  for (const [rows, norm] of [[q, layer.attn_q_norm], [k, layer.attn_k_norm]] as const) {
    const weight = norm && await vector(model, norm);
    rows.forEach((row, token) => {
      for (const head of split(row, headSize)) {
        if (weight) head.set(rmsNorm(head, weight, model.sizes.rmsEpsilon));
        rotate(model, head, angles, token);
      }
    });
  }
  const attended = q.map((row, token) => {
    const out = new Float64Array(heads * headSize);
    split(row, headSize).forEach((query, head) => {
      const from = Math.floor(head / (heads / kvHeads)) * headSize;
      const at = (rows: Rows, i: number) => rows[i]!.subarray(from, from + headSize);
      const scores = Float64Array.from(
        { length: token + 1 },
        (_, i) => dot(query, at(k, i)) / Math.sqrt(headSize),
      );
      softmax(scores).forEach((weight, i) =>
        addScaled(out.subarray(head * headSize, (head + 1) * headSize), at(v, i), weight)
      );
    });
    return out;
  });
  return await product(model, layer.attn_output!, attended, layer.attn_output_bias);
}

/** Turns the pairs of one head by the angles of its position. */
function rotate(
  { sizes: { ropeDimensions }, description }: ReferenceModel,
  head: Float64Array,
  angles: Float32Array,
  token: number,
): void {
  const half = ropeDimensions / 2;
  for (let i = 0; i < half; i++) {
    const cos = angles[token * ropeDimensions + i]!;
    const sin = angles[token * ropeDimensions + half + i]!;
    const [a, b] = description.rope === "neox" ? [i, i + half] : [2 * i, 2 * i + 1];
    const [x, y] = [head[a]!, head[b]!];
    head[a] = x * cos - y * sin;
    head[b] = x * sin + y * cos;
  }
}

/** A dense SwiGLU, or for each token the weighted sum of its experts' and what all tokens share. */
async function feedForward(model: ReferenceModel, layer: RoleTensors, x: Rows): Promise<Rows> {
  if (model.description.mixture === undefined) {
    return await swiglu(model, layer.ffn_gate!, layer.ffn_up!, layer.ffn_down!, x);
  }
  const out = await routedExperts(model, layer, x);
  if (model.description.mixture.shared) addTo(out, await sharedExpert(model, layer, x));
  return out;
}

/** The sum of each token's chosen experts by their weights. */
async function routedExperts(model: ReferenceModel, layer: RoleTensors, x: Rows): Promise<Rows> {
  const { sizes: { experts, expertsUsed, normalizeExpertWeights, hidden } } = model;
  const routerLogits = await product(model, layer.ffn_gate_inp!, x);
  model.onRouterLogits?.(routerLogits);
  const choices = routerLogits.map((logits) =>
    chooseExperts(softmax(logits), expertsUsed, normalizeExpertWeights)
  );
  const out = x.map(() => new Float64Array(hidden));
  for (let expert = 0; expert < experts; expert++) {
    const own = choices.flatMap((choice, token) =>
      choice.filter(({ id }) => id === expert).map(({ weight }) => ({ token, weight }))
    );
    if (own.length === 0) continue;
    const rows = await swiglu(
      model,
      layer.ffn_gate_exps!,
      layer.ffn_up_exps!,
      layer.ffn_down_exps!,
      own.map(({ token }) => x[token]!),
      expert,
    );
    own.forEach(({ token, weight }, i) => addScaled(out[token]!, rows[i]!, weight));
  }
  return out;
}

/** The expert that every token goes through, weighed by the sigmoid of its gate. */
async function sharedExpert(model: ReferenceModel, layer: RoleTensors, x: Rows): Promise<Rows> {
  const { ffn_gate_inp_shexp, ffn_gate_shexp, ffn_up_shexp, ffn_down_shexp } = layer;
  const gates = await product(model, ffn_gate_inp_shexp!, x);
  const rows = await swiglu(model, ffn_gate_shexp!, ffn_up_shexp!, ffn_down_shexp!, x);
  return rows.map((row, token) => {
    const weight = 1 / (1 + Math.exp(-gates[token]![0]!));
    return row.map((value) => weight * value);
  });
}

/** The k likeliest experts, the lower one first on a tie. */
function chooseExperts(
  probabilities: Float64Array,
  k: number,
  normalize: boolean,
): { id: number; weight: number }[] {
  const chosen = Array.from(probabilities, (weight, id) => ({ id, weight }))
    .sort((a, b) => b.weight - a.weight || a.id - b.id)
    .slice(0, k);
  const sum = normalize ? chosen.reduce((total, { weight }) => total + weight, 0) : 1;
  return chosen.map(({ id, weight }) => ({ id, weight: weight / sum }));
}

/** down(silu(gate x) * (up x)) for each row */
async function swiglu(
  model: ReferenceModel,
  gate: TensorInfo,
  up: TensorInfo,
  down: TensorInfo,
  x: Rows,
  expert = 0,
): Promise<Rows> {
  const gates = await product(model, gate, x, undefined, expert);
  const ups = await product(model, up, x, undefined, expert);
  const hidden = gates.map((row, i) => row.map((g, j) => g / (1 + Math.exp(-g)) * ups[i]![j]!));
  return await product(model, down, hidden, undefined, expert);
}

/** matrix · x + bias for each row of x; of stacked matrices, the one of `expert`. */
async function product(
  model: ReferenceModel,
  tensor: TensorInfo,
  x: Rows,
  bias?: TensorInfo,
  expert = 0,
): Promise<Rows> {
  const [columns = 1, rows = 1] = tensor.shape;
  const type = tensor.type as WeightType;
  const stride = weightRowBytes(type, columns);
  const bytes = new Uint8Array(rows * stride);
  await model.file.readTensor(tensor, bytes, expert * bytes.length);
  const added = bias && await vector(model, bias);
  const out = x.map(() => new Float64Array(rows));
  for (let i = 0; i < rows; i++) {
    const weights = dequantizeRow(type, bytes.subarray(i * stride, (i + 1) * stride), columns);
    for (let token = 0; token < x.length; token++) {
      out[token]![i] = dot(x[token]!, weights) + (added?.[i] ?? 0);
    }
  }
  return out;
}

async function normed(model: ReferenceModel, x: Rows, norm: TensorInfo): Promise<Rows> {
  const weight = await vector(model, norm);
  return x.map((row) => rmsNorm(row, weight, model.sizes.rmsEpsilon));
}

/** x / sqrt(mean(x²) + epsilon) * weight */
function rmsNorm(x: Float64Array, weight: Float32Array, epsilon: number): Float64Array {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]!);
}

function softmax(x: Float64Array): Float64Array {
  const largest = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = x.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

async function vector(model: ReferenceModel, tensor: TensorInfo): Promise<Float32Array> {
  const bytes = await model.file.readTensor(tensor);
  return dequantizeRow(tensor.type as WeightType, bytes, tensor.shape[0]!);
}

async function row(
  model: ReferenceModel,
  tensor: TensorInfo,
  index: number,
  columns: number,
): Promise<Float64Array> {
  const type = tensor.type as WeightType;
  const bytes = new Uint8Array(weightRowBytes(type, columns));
  await model.file.readTensor(tensor, bytes, index * bytes.length);
  return Float64Array.from(dequantizeRow(type, bytes, columns));
}

function split(row: Float64Array, size: number): Float64Array[] {
  return Array.from(
    { length: row.length / size },
    (_, i) => row.subarray(i * size, (i + 1) * size),
  );
}

function dot(a: Float64Array, b: Float64Array | Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(out: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < out.length; i++) out[i] = out[i]! + factor * x[i]!;
}

function addTo(x: Rows, added: Rows): void {
  x.forEach((row, i) => addScaled(row, added[i]!, 1));
}
