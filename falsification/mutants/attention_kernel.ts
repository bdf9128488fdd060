import { MAX_HEAD_SIZE } from "../../kernels/constants.ts";
import { quantizeQ8_0 } from "../../kernels/oracles/quantize.ts";
import { attentionKernel } from "../kernels/attention_kernel.ts";
import {
  type AttentionCase,
  type AttentionParts,
  attentionTruth,
  inQ8_0,
  tokensOf,
} from "../kernels/attention_truth.ts";
import type { Attention } from "../kernels/own_attention.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** Attention in plain TypeScript with some parts replaced, those of one case. */
function attention(
  broken: (attended: AttentionCase) => Partial<AttentionParts>,
  prepare = same,
  inFormat: (attended: AttentionCase) => AttentionCase = (attended) => inQ8_0(attended),
): () => Attention {
  return () => ({
    attend(attended) {
      if (attended.headSize > MAX_HEAD_SIZE) throw new WebAssembly.RuntimeError("unreachable");
      const held = attended.format === "q8_0" ? inFormat(attended) : attended;
      return attentionTruth(prepare(held), broken(attended));
    },
  });
}

function powers(scores: readonly number[]): number[] {
  return scores.map((score) => Math.fround(Math.exp(score)));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const same = (attended: AttentionCase): AttentionCase => attended;

/** A head's key or value, but with one step for all of it: that of the first 32 elements. */
function firstStep(row: Float32Array): Float32Array {
  const { quants, d } = quantizeQ8_0(row);
  return Float32Array.from(quants, (quant) => quant * d[0]!);
}

/** The query of a group's first head for all heads of the group. */
function firstQueryOfGroup(attended: AttentionCase): AttentionCase {
  const { heads, kvHeads, headSize } = attended;
  const group = heads / kvHeads;
  const q = attended.q.map((_, i) => {
    const head = Math.floor(i / headSize);
    return attended.q[(head - head % group) * headSize + i % headSize]!;
  });
  return { ...attended, q };
}

export const attentionKernelMutants: BoundMutant[] = mutants(attentionKernel, [
  {
    name: "no causal mask",
    caughtBy: ["F-ATTENTION-001", "F-ATTENTION-002"],
    subject: attention(() => ({ visible: (_, positions) => positions })),
  },
  {
    name: "a token sees the one after it",
    caughtBy: ["F-ATTENTION-001", "F-ATTENTION-002"],
    subject: attention(() => ({
      visible: (position, positions) => Math.min(position + 2, positions),
    })),
  },
  {
    name: "a token does not see itself",
    caughtBy: ["F-ATTENTION-003", "F-ATTENTION-005"],
    subject: attention(() => ({ visible: (position) => position })),
  },
  {
    name: "query heads mapped to key-value heads by remainder",
    caughtBy: ["F-ATTENTION-001", "F-ATTENTION-006"],
    subject: attention(() => ({ kvHead: (head, { kvHeads }) => head % kvHeads })),
  },
  {
    name: "scores not scaled",
    caughtBy: ["F-ATTENTION-001", "F-ATTENTION-007"],
    subject: attention(() => ({ scale: () => 1 })),
  },
  {
    name: "scores divided by the head size",
    caughtBy: ["F-ATTENTION-001", "F-ATTENTION-007"],
    subject: attention(() => ({ scale: (headSize) => 1 / headSize })),
  },
  {
    name: "softmax without the largest score subtracted",
    caughtBy: ["F-ATTENTION-008"],
    subject: attention(() => ({
      weights(scores) {
        const all = powers(scores);
        const total = sum(all);
        return all.map((power) => power / total);
      },
    })),
  },
  {
    name: "one more in the sum of powers",
    caughtBy: ["F-ATTENTION-003", "F-ATTENTION-004", "F-ATTENTION-011"],
    subject: attention(() => ({
      weights(scores) {
        const all = powers(scores);
        const total = 1 + sum(all);
        return all.map((power) => power / total);
      },
    })),
  },
  {
    name: "another precision for a token that is computed alone",
    caughtBy: ["F-ATTENTION-009"],
    subject: attention((attended) =>
      tokensOf(attended) > 1 ? {} : { scale: (headSize) => Math.fround(1 / Math.sqrt(headSize)) }
    ),
  },
  {
    name: "one query for all heads of a group",
    caughtBy: ["F-ATTENTION-010"],
    subject: attention(() => ({}), firstQueryOfGroup),
  },
  {
    name: "keys and values not rounded to q8_0",
    caughtBy: ["F-ATTENTION-013"],
    subject: attention(() => ({}), same, same),
  },
  {
    name: "quants of q8_0 times the first step of their head",
    caughtBy: ["F-ATTENTION-013"],
    subject: attention(() => ({}), same, (attended) => inQ8_0(attended, firstStep)),
  },
  {
    name: "keys and values of q8_0 not rounded for a token that is computed alone",
    caughtBy: ["F-ATTENTION-014"],
    subject: attention(
      () => ({}),
      same,
      (attended) => tokensOf(attended) > 1 ? inQ8_0(attended) : attended,
    ),
  },
  {
    name: "heads of any width taken",
    caughtBy: ["F-ATTENTION-012"],
    subject: () => ({ attend: attentionTruth }),
  },
]);
