/**
 * Tests of qwen3-moe-forward-v1: the engine against other implementations and plain mathematics.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { FalsificationTest } from "../falsification.ts";
import { assertPublished, publishedPairs } from "../recorded/against_published.ts";
import type { Recording } from "../recorded/format.ts";
import { PUBLISHED_NAMES } from "../recorded/published.ts";
import { LLAMA_F32, LLAMA_Q4_K_M, recordedRows } from "../recorded/recordings.ts";
import { cosine, joined, logSoftmax, relativeError } from "./rows.ts";
import { type ForwardPass, logitsOfOwn, logitsOfRecorded, referenceOfOwn } from "./subject.ts";

/**
 * llama.cpp keeps keys and values in f16 as the engine does, so only the order of f32 sums differs, and
 * now and then the rounding of a key or a value that lies between two f16 numbers.
 */
const SAME_PRECISION = 1e-4;

/** Both engines round activations to 8 bits, but not in the same blocks everywhere. */
const EIGHT_BITS = 1e-2;

/** AC_QW3_MOE_001 */
const LLAMA_BAR = 5e-2;

/** AC_QW3_MOE_005 */
const PUBLISHED_BAR = 0.99;

/** An implementation's rows and the recorded ones, for each recorded position. */
async function pairs(
  subject: ForwardPass,
  recording: Recording,
): Promise<{ position: number; ours: Float32Array; theirs: Float32Array }[]> {
  const rows = await logitsOfRecorded(subject, recording);
  const expected = recordedRows(recording);
  assert.equal(expected.length, recording.positions.length);
  return recording.positions.map((position, i) => {
    const ours = rows[position];
    assert.equal(ours?.length, expected[i]!.length, `logits at position ${position}`);
    return { position, ours: ours!, theirs: expected[i]! };
  });
}

/** Relative L2 error of log-probabilities against llama.cpp's, at each recorded position. */
async function errorsAgainstLlama(subject: ForwardPass, recording: Recording) {
  return (await pairs(subject, recording)).map(({ position, ours, theirs }) => ({
    position,
    error: relativeError(logSoftmax(ours), theirs),
  }));
}

/** The published models of this architecture. */
const QWEN3_MOE = PUBLISHED_NAMES.filter((name) => name.startsWith("qwen3moe-"));

/** Types whose products do not round activations to 8 bits. */
const FLOAT_TYPES = new Set(["F32", "F16", "BF16"]);

export const PARITY_TESTS: readonly FalsificationTest<ForwardPass>[] = [
  {
    id: "FALSIFY-QW3-MOE-FORWARD-004",
    title: "two other implementations give the same logits, up to the precision of keys and values",
    async run(subject) {
      for (const { position, error } of await errorsAgainstLlama(subject, LLAMA_F32)) {
        assert.ok(error <= SAME_PRECISION, `llama.cpp, F32, position ${position}: ${error}`);
      }
      for (const { position, error } of await errorsAgainstLlama(subject, LLAMA_Q4_K_M)) {
        assert.ok(error <= EIGHT_BITS, `llama.cpp, Q4_K_M, position ${position}: ${error}`);
      }
      await assertPublished(subject, "qwen3moe-odd");
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-005",
    title: "log-probabilities lie within 5e-2 of llama.cpp's",
    async run(subject) {
      for (const recording of [LLAMA_F32, LLAMA_Q4_K_M]) {
        for (const { position, error } of await errorsAgainstLlama(subject, recording)) {
          assert.ok(error < LLAMA_BAR, `${recording.model.name}, position ${position}: ${error}`);
        }
      }
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-006",
    title: "logits point where the published implementation's do",
    async run(subject) {
      for (const name of QWEN3_MOE) {
        for (const { where, ours, theirs } of await publishedPairs(subject, name)) {
          const angle = cosine(ours, theirs);
          assert.ok(angle > PUBLISHED_BAR, `${where}: ${angle}`);
        }
      }
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-007",
    title: "unusual constants are taken from the file, and a tied head from the embedding",
    async run(subject) {
      await assertPublished(subject, "qwen3moe-constants");
      await assertPublished(subject, "qwen3moe-plain-weights");
    },
  },
  {
    id: "FALSIFY-QW3-MOE-FORWARD-008",
    title: "a model's logits are those of plain mathematics with unrounded activations",
    of: "mixture",
    async run(subject, model) {
      const { logits } = await referenceOfOwn(model);
      const ours = joined((await logitsOfOwn(subject, model)).slice(0, logits.length));
      const expected = joined(logits);
      assert.equal(ours.length, expected.length);
      const types = Array.from(model.file.tensors.values(), ({ type }) => type);
      const bar = types.every((type) => FLOAT_TYPES.has(type)) ? 0.9999 : 0.99;
      const angle = cosine(ours, expected);
      assert.ok(angle > bar, `cosine ${angle}`);
      // A cosine says nothing of the size.
      const ratio = size(ours) / size(expected);
      assert.ok(Math.abs(ratio - 1) < 0.05, `${ratio} times the size`);
    },
  },
];

/** Euclidean length, in f64. */
function size(row: Float32Array): number {
  return Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 0));
}
