/**
 * The recordings: llama.cpp's log-probabilities, and the logits of the published implementation in
 * Hugging Face's transformers. tests/parity/fixtures.ts writes the former, tools/reference the latter.
 *
 * @module
 */
import assert from "node:assert/strict";
import { synthesizeBlob } from "../../synth/mod.ts";
import { decodeRows, type Recording, sha256 } from "./format.ts";
import llamaF32 from "./qwen3moe-f32.llama-cpp.json" with { type: "json" };
import llamaQ4KM from "./qwen3moe-q4_k_m.llama-cpp.json" with { type: "json" };
import publishedConstants from "./qwen3moe-constants.transformers.json" with { type: "json" };
import publishedF32 from "./qwen3moe-f32.transformers.json" with { type: "json" };

/** llama.cpp's log-probabilities of a model whose weights are F32. */
export const LLAMA_F32 = llamaF32 as Recording;

/** llama.cpp's log-probabilities of a model in its mix of Q4_K and Q6_K. */
export const LLAMA_Q4_K_M = llamaQ4KM as Recording;

/** The published implementation's logits of the model of {@linkcode LLAMA_F32}, in f32. */
export const PUBLISHED_F32 = publishedF32 as Recording;

/**
 * The published implementation's logits, in f32, of a model with an epsilon of 0.3, a RoPE base of 30,
 * heads wider than the hidden size has room for, and a tied head.
 */
export const PUBLISHED_CONSTANTS = publishedConstants as Recording;

/** What the recorded implementation gave, [vocabulary] for each of the recording's positions. */
export function recordedRows({ rows, model }: Recording): Float32Array[] {
  return decodeRows(rows, model.vocabulary);
}

const blobs = new Map<Recording, Promise<Blob>>();

/** The model that was recorded. It is made once, and stays in memory: some MB. */
export function recordedModel(recording: Recording): Promise<Blob> {
  let blob = blobs.get(recording);
  if (blob === undefined) blobs.set(recording, blob = makeModel(recording));
  return blob;
}

async function makeModel({ model, sha256: expected }: Recording): Promise<Blob> {
  const blob = await synthesizeBlob(model);
  assert.equal(
    await sha256(blob),
    expected,
    `the recording of ${model.name} is of another model than these options make now; ` +
      "that says nothing about the engine: record anew",
  );
  return blob;
}
