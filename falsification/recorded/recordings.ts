/**
 * The recordings of llama.cpp's log-probabilities. tests/parity/fixtures.ts writes them.
 *
 * @module
 */
import assert from "node:assert/strict";
import { synthesizeBlob } from "../../synth/mod.ts";
import { decodeRows, type Recording, sha256 } from "./format.ts";
import llamaF32 from "./qwen3moe-f32.llama-cpp.json" with { type: "json" };
import llamaQ4KM from "./qwen3moe-q4_k_m.llama-cpp.json" with { type: "json" };

/** llama.cpp's log-probabilities of a model whose weights are F32. */
export const LLAMA_F32 = llamaF32 as Recording;

/** llama.cpp's log-probabilities of a model in its mix of Q4_K and Q6_K. */
export const LLAMA_Q4_K_M = llamaQ4KM as Recording;

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
