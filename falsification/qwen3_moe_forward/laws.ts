/**
 * Tests of qwen3-moe-forward-v1: what holds of the logits of every model, or of one whose weights are
 * changed so that the change must or must not show.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dequantizeRow } from "../../kernels/oracles/dequantize.ts";
import { type GgufFile, metadataNumber, openGguf } from "../../gguf/mod.ts";
import { assertSameBits } from "../../kernels/comparing.ts";
import type { FalsificationTest } from "../falsification.ts";
import { LLAMA_F32, LLAMA_Q4_K_M, recordedModel } from "../recorded/recordings.ts";
import { likeTheFirst, type Patch, patched, scaledBy } from "./patched_model.ts";
import { joined, relativeError } from "./rows.ts";
import {
  type ForwardPass,
  logitsOfOwn,
  logitsOfRecorded,
  ownTokens,
  referenceOfOwn,
} from "./subject.ts";

/** A prompt for models with changed weights: long enough for attention to mix positions. */
const TOKENS = LLAMA_F32.tokens.slice(0, 12);

/** Logits of {@linkcode TOKENS}, of the recorded F32 model after a change of its weights. */
async function logitsOfPatched(
  { load }: ForwardPass,
  patches: Readonly<Record<string, Patch>>,
): Promise<Float32Array[]> {
  await using model = await load(await patched(await recordedModel(LLAMA_F32), patches));
  return await model.logits(TOKENS);
}

function assertFinite(rows: readonly Float32Array[], of: string): void {
  rows.forEach((row, position) => {
    const broken = row.findIndex((logit) => !Number.isFinite(logit));
    assert.equal(broken, -1, `${of}: logit ${broken} at position ${position} is ${row[broken]}`);
  });
}

/** The sum of the k largest probabilities, in f64. */
function shareOfLargest(logits: Float64Array, k: number): number {
  const powers = Array.from(logits, (logit) => Math.exp(logit - Math.max(...logits)));
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  return sum(powers.toSorted((a, b) => b - a).slice(0, k)) / sum(powers);
}

/** The logits of one token in a model whose layers add nothing: W rmsNorm(E[token]), in f64. */
async function withoutLayers(file: GgufFile, token: number): Promise<Float64Array> {
  const read = async (name: string) => {
    const tensor = file.tensors.get(name)!;
    return dequantizeRow("F32", await file.readTensor(tensor), tensor.bytes / 4);
  };
  const [embedding, norm, output] = await Promise.all(
    ["token_embd.weight", "output_norm.weight", "output.weight"].map(read),
  );
  const hidden = norm!.length;
  const x = Float64Array.from(embedding!.subarray(token * hidden, (token + 1) * hidden));
  const epsilon = metadataNumber(file.metadata, "qwen3moe.attention.layer_norm_rms_epsilon")!;
  const root = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / hidden + epsilon);
  return Float64Array.from(
    { length: output!.length / hidden },
    (_, row) => x.reduce((sum, v, i) => sum + v / root * norm![i]! * output![row * hidden + i]!, 0),
  );
}

export const LAW_TESTS: readonly FalsificationTest<ForwardPass>[] = [
  {
    id: "FALSIFY-QW3-MOE-FORWARD-009",
    title: "the weights of a token's experts sum to 1 in every layer",
    of: "mixture",
    async run({ expertWeights }, model) {
      const { sizes, logits, routerLogits } = await referenceOfOwn(model);
      const { layers, expertsUsed: k, normalizeExpertWeights } = sizes;
      const weights = await expertWeights(joined(routerLogits), sizes);
      assert.equal(routerLogits.length, layers * logits.length);
      assert.equal(weights.length, routerLogits.length * k);
      routerLogits.forEach((row, i) => {
        const sum = weights.subarray(i * k, (i + 1) * k).reduce((a, b) => a + b, 0);
        const expected = normalizeExpertWeights ? 1 : shareOfLargest(row, k);
        assert.ok(Math.abs(sum - expected) <= 1e-6, `row ${i} sums to ${sum}, not ${expected}`);
      });
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-010",
    title: "with equal experts it does not matter which the router takes, nor how sure it is",
    async run(subject) {
      const equal = {
        ffn_gate_exps: likeTheFirst,
        ffn_up_exps: likeTheFirst,
        ffn_down_exps: likeTheFirst,
      };
      const expected = joined(await logitsOfPatched(subject, equal));
      // Turned round the router takes other experts, and by 0 all are equally likely.
      for (const factor of [-1, 0]) {
        const patches = { ...equal, ffn_gate_inp: scaledBy(factor) };
        const error = relativeError(joined(await logitsOfPatched(subject, patches)), expected);
        assert.ok(error <= 1e-5, `the router's weights times ${factor} change logits by ${error}`);
      }
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-011",
    title: "every position has a logit for each token of the vocabulary",
    of: "mixture",
    async run(subject, model) {
      const rows = await logitsOfOwn(subject, model);
      const vocabulary = model.file.tensors.get("token_embd.weight")!.shape[1]!;
      assert.deepEqual(rows.map(({ length }) => length), ownTokens(model).map(() => vocabulary));
      // 180 positions: more than leave the engine at once.
      const recorded = await logitsOfRecorded(subject, LLAMA_F32);
      assert.deepEqual(recorded.map(({ length }) => length), new Array(180).fill(260));
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-012",
    title: "every logit is a finite number, and they differ",
    of: "mixture",
    async run(subject, model) {
      const own = await logitsOfOwn(subject, model);
      assertFinite(own, "the model");
      for (const row of own) assert.ok(new Set(row).size > 1, "one and the same logit everywhere");
      assertFinite(await logitsOfRecorded(subject, LLAMA_Q4_K_M), LLAMA_Q4_K_M.model.name);
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-013",
    title: "scores, gates and logits far beyond where an f32 exponential overflows stay finite",
    async run(subject) {
      // e^89 is no f32. The scores reach hundreds, the gates, the router and the head thousands.
      const rows = await logitsOfPatched(subject, {
        attn_q_norm: scaledBy(256),
        ffn_gate_exps: scaledBy(1024),
        ffn_gate_inp: scaledBy(1024),
        output: scaledBy(1024),
      });
      assert.equal(rows.length, TOKENS.length);
      assertFinite(rows, "large weights");
      const largest = Math.max(...joined(rows));
      assert.ok(largest > 1000, `the largest logit is ${largest}`);
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-014",
    title: "queries and keys four thousand times as large make no difference",
    async run(subject) {
      // Large enough for epsilon to vanish beside the mean square, before the change and after.
      const large = { attn_q: scaledBy(64), attn_k: scaledBy(64) };
      const larger = { attn_q: scaledBy(2 ** 18), attn_k: scaledBy(2 ** 18) };
      const expected = joined(await logitsOfPatched(subject, large));
      const error = relativeError(joined(await logitsOfPatched(subject, larger)), expected);
      assert.ok(error <= 1e-5, `logits differ by ${error}`);
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-015",
    title: "where the branches add nothing, the head sees the normed embedding",
    async run(subject) {
      const nothing = { attn_output: scaledBy(0), ffn_down_exps: scaledBy(0) };
      const rows = await logitsOfPatched(subject, nothing);
      await using file = await openGguf(await recordedModel(LLAMA_F32));
      for (const [position, token] of TOKENS.entries()) {
        const error = relativeError(rows[position] ?? [], await withoutLayers(file, token));
        assert.ok(error <= 1e-6, `position ${position}: ${error}`);
      }
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-016",
    title: "the same tokens give the same bits, again and as the beginning of more",
    of: "mixture",
    async run(subject, model) {
      const tokens = ownTokens(model);
      const expected = await logitsOfOwn(subject, model);
      await using loaded = await subject.load(model);
      for (let length = 1; length <= tokens.length; length++) {
        const rows = await loaded.logits(tokens.slice(0, length));
        assert.equal(rows.length, length);
        rows.forEach((row, position) => assertSameBits(row, expected[position]!));
      }
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-017",
    title: "logits depend on every token before them and on none after",
    of: "mixture",
    async run(subject, model) {
      const tokens = ownTokens(model);
      const vocabulary = model.file.tensors.get("token_embd.weight")!.shape[1]!;
      const expected = await logitsOfOwn(subject, model);
      await using loaded = await subject.load(model);
      for (let changed = 0; changed < tokens.length; changed++) {
        const others = tokens.with(changed, (tokens[changed]! + 1) % vocabulary);
        (await loaded.logits(others)).forEach((row, position) => {
          if (position < changed) return assertSameBits(row, expected[position]!);
          const same = row.every((logit, id) => logit === expected[position]![id]);
          assert.ok(!same, `logits at ${position} are the same with another token at ${changed}`);
        });
      }
    },
  },
];
