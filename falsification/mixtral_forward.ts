/**
 * The tests of contract mixtral-forward-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { openGguf, type TensorInfo } from "../gguf/mod.ts";
import { randomFloats } from "../kernels/comparing.ts";
import { readHyperParameters } from "../model/hyperparameters.ts";
import { UnsupportedOperationError } from "../model/errors.ts";
import type { Falsification, FalsificationTest } from "./falsification.ts";
import { likeTheFirst, patched } from "./qwen3_moe_forward/patched_model.ts";
import { joined, relativeError } from "./qwen3_moe_forward/rows.ts";
import { engineForward, type ForwardPass } from "./qwen3_moe_forward/subject.ts";
import { assertPublished } from "./recorded/against_published.ts";
import { publishedFile, publishedLogits } from "./recorded/published.ts";
import { rebuilt, withHeader } from "./rebuilt_file.ts";

const EXPERT_ROLES = ["ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"] as const;
const STACKS = ["ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"] as const;

/** The tensors with a layer's experts one by one, as before April 2024. */
function unstacked(tensors: ReadonlyMap<string, TensorInfo>): Map<string, TensorInfo> {
  const all = new Map(tensors);
  for (const part of ["gate", "up", "down"]) {
    const stack = all.get(`blk.0.ffn_${part}_exps.weight`)!;
    const experts = stack.shape[2]!;
    all.delete(stack.name);
    for (let expert = 0; expert < experts; expert++) {
      const name = `blk.0.ffn_${part}.${expert}.weight`;
      all.set(name, { ...stack, name, shape: stack.shape.slice(0, 2) });
    }
  }
  return all;
}

/** The dense Llama whose feed-forward part is the first expert. */
function denseOfFirst(blob: Blob): Promise<Blob> {
  return rebuilt(blob, {
    entry: (entry) => entry.key.startsWith("llama.expert_") ? undefined : entry,
    tensor({ name, type, shape }, data) {
      if (name.includes("ffn_gate_inp")) return undefined;
      if (!name.includes("_exps")) return { name, type, shape, data };
      const first = data.slice(0, data.length / shape[2]!);
      return { name: name.replace("_exps", ""), type, shape: shape.slice(0, 2), data: first };
    },
  });
}

const tests: readonly FalsificationTest<ForwardPass>[] = [
  {
    id: "F-MIXTRAL-001",
    title: "a llama with experts is loaded by their names, and one without by its own",
    async run({ resolve }) {
      await using file = await openGguf(await publishedFile("mixtral", "f32"));
      const names = resolve(file).layers.flatMap((layer) =>
        Object.values(layer).map(({ name }) => name)
      );
      for (const role of EXPERT_ROLES) {
        assert.ok(names.includes(`blk.1.${role}.weight`), role);
        const tensors = new Map(file.tensors);
        assert.ok(tensors.delete(`blk.1.${role}.weight`));
        assert.throws(
          () => resolve(withHeader(file, { tensors })),
          new RegExp(`'blk\\.1\\.${role}\\.weight'`),
        );
      }
      await using dense = await openGguf(await publishedFile("llama", "f32"));
      const metadata = new Map(dense.metadata).set("llama.expert_count", 0);
      for (const llama of [dense, withHeader(dense, { metadata })]) {
        assert.ok(resolve(llama).layers.every(({ ffn_gate }) => ffn_gate !== undefined));
      }
    },
  },
  {
    id: "F-MIXTRAL-002",
    title: "experts that are stored one by one are refused, and the error says what to do",
    async run({ resolve }) {
      await using file = await openGguf(await publishedFile("mixtral", "f32"));
      assert.throws(
        () => resolve(withHeader(file, { tensors: unstacked(file.tensors) })),
        (error) =>
          error instanceof UnsupportedOperationError &&
          /stored one by one, as 'blk\.0\.ffn_\w+\.0\.weight' is.*Convert the model anew/s
            .test(error.message),
      );
    },
  },
  {
    id: "F-MIXTRAL-003",
    title: "logits are those of the published implementation",
    run: (subject) => assertPublished(subject, "mixtral"),
  },
  {
    id: "F-MIXTRAL-004",
    title: "an expert's weight is the softmax over the chosen experts alone",
    async run({ expertWeights }) {
      await using file = await openGguf(await publishedFile("mixtral", "f32"));
      const sizes = readHyperParameters(file);
      const { experts, expertsUsed: k } = sizes;
      const logits = randomFloats(9, 20 * experts, 6);
      const weights = await expertWeights(logits, sizes);
      assert.equal(weights.length, 20 * k);
      for (let token = 0; token < 20; token++) {
        const row = [...logits.subarray(token * experts, (token + 1) * experts)];
        const chosen = row.toSorted((a, b) => b - a).slice(0, k);
        const sum = chosen.reduce((total, logit) => total + Math.exp(logit), 0);
        chosen.forEach((logit, j) => {
          const error = Math.abs(weights[token * k + j]! - Math.exp(logit) / sum);
          assert.ok(error <= 1e-6, `weight ${j} of token ${token} is off by ${error}`);
        });
      }
    },
  },
  {
    id: "F-MIXTRAL-005",
    title: "with equal experts it is the dense Llama that has one of them",
    async run({ load }) {
      const blob = await publishedFile("mixtral", "f32");
      const { tokens } = (await publishedLogits("mixtral")).sequences[1]!;
      const equal = Object.fromEntries(STACKS.map((stack) => [stack, likeTheFirst]));
      await using mixture = await load(await patched(blob, equal));
      await using dense = await load(await denseOfFirst(blob));
      const expected = joined(await dense.logits(tokens));
      const error = relativeError(joined(await mixture.logits(tokens)), expected);
      assert.ok(error <= 1e-4, `logits differ by ${error}`);
    },
  },
];

/** The tests of mixtral-forward-v1. */
export const mixtralForward: Falsification<ForwardPass> = {
  contract: "mixtral-forward-v1",
  subject: engineForward,
  tests,
};
