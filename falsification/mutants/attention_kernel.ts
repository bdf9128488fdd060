import { MAX_HEAD_SIZE } from "../../kernels/constants.ts";
import { type Attention, attentionKernel } from "../kernels/attention_kernel.ts";
import {
  type AttentionCase,
  type AttentionParts,
  attentionTruth,
  tokensOf,
} from "../kernels/attention_truth.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** Attention in plain TypeScript with some parts replaced, those of one case. */
function attention(
  broken: (attended: AttentionCase) => Partial<AttentionParts>,
  prepare: (attended: AttentionCase) => AttentionCase = (attended) => attended,
): () => Attention {
  return () => ({
    attend(attended) {
      if (attended.headSize > MAX_HEAD_SIZE) throw new WebAssembly.RuntimeError("unreachable");
      return attentionTruth(prepare(attended), broken(attended));
    },
  });
}

function powers(scores: readonly number[]): number[] {
  return scores.map((score) => Math.fround(Math.exp(score)));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

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
    name: "heads of any width taken",
    caughtBy: ["F-ATTENTION-012"],
    subject: () => ({ attend: attentionTruth }),
  },
]);
