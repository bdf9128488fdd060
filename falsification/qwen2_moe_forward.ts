/**
 * The tests of contract qwen2-moe-forward-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { openGguf, type TensorInfo } from "../gguf/mod.ts";
import { synthesizeBlob } from "../synth/mod.ts";
import type { Falsification, FalsificationTest } from "./falsification.ts";
import { joined, relativeError } from "./qwen3_moe_forward/rows.ts";
import { engineForward, type ForwardPass } from "./qwen3_moe_forward/subject.ts";
import { assertPublished } from "./recorded/against_published.ts";
import { publishedFile, publishedLogits } from "./recorded/published.ts";
import { rebuilt, scaleBytes, withHeader } from "./rebuilt_file.ts";

/** What a layer has that one of Qwen3-MoE has not. */
const OWN_TENSORS = [
  "attn_q.bias",
  "attn_k.bias",
  "attn_v.bias",
  "ffn_gate_inp_shexp.weight",
  "ffn_gate_shexp.weight",
  "ffn_up_shexp.weight",
  "ffn_down_shexp.weight",
] as const;

/** Keys that the oldest files do without. */
const WIDTH_KEYS = ["expert_feed_forward_length", "expert_shared_feed_forward_length"] as const;

/** The model without what its routed experts add, and with the shared one's gate half open. */
function halfShared(blob: Blob): Promise<Blob> {
  return rebuilt(blob, {
    entry: (entry) => entry,
    tensor(tensor, data) {
      if (/ffn_down_exps|ffn_gate_inp_shexp/.test(tensor.name)) data.fill(0);
      return { ...tensor, data };
    },
  });
}

/** The dense Qwen2 whose feed-forward part is the shared expert with half of its down projection. */
function denseOfShared(blob: Blob): Promise<Blob> {
  return rebuilt(blob, {
    entry(entry) {
      const key = entry.key.replace(/^qwen2moe\./, "qwen2.");
      if (key === "general.architecture") return { key, type: "string", value: "qwen2" };
      if (key.startsWith("qwen2.expert_") || key === "qwen2.feed_forward_length") {
        return key !== "qwen2.expert_shared_feed_forward_length"
          ? undefined
          : { ...entry, key: "qwen2.feed_forward_length" };
      }
      return { ...entry, key };
    },
    tensor({ name, type, shape }, data) {
      if (/_exps\.|_inp(_shexp)?\./.test(name)) return undefined;
      if (name.includes("ffn_down_shexp")) scaleBytes(data, 0.5);
      return { name: name.replace("_shexp", ""), type, shape, data };
    },
  });
}

const tests: readonly FalsificationTest<ForwardPass>[] = [
  {
    id: "F-QW2-MOE-001",
    title: "a bias or a part of the shared expert that is not there is missed by its name",
    async run({ resolve }) {
      await using file = await openGguf(await publishedFile("qwen2moe", "f32"));
      assert.doesNotThrow(() => resolve(file));
      for (const layer of [0, 1]) {
        for (const own of OWN_TENSORS) {
          const name = `blk.${layer}.${own}`;
          const tensors = new Map<string, TensorInfo>(file.tensors);
          assert.ok(tensors.delete(name), name);
          assert.throws(() => resolve(withHeader(file, { tensors })), new RegExp(`'${name}'`));
        }
      }
    },
  },
  {
    id: "F-QW2-MOE-002",
    title: "logits are those of the published implementation",
    async run(subject) {
      await assertPublished(subject, "qwen2moe");
    },
  },
  {
    id: "F-QW2-MOE-003",
    title: "whether weights are divided by their sum is the file's to say",
    async run(subject) {
      await assertPublished(subject, "qwen2moe-normalized");
    },
  },
  {
    id: "F-QW2-MOE-004",
    title: "where the routed experts add nothing, a half open gate adds half of the shared expert",
    async run({ load }) {
      const blob = await publishedFile("qwen2moe", "f32");
      const { tokens } = (await publishedLogits("qwen2moe")).sequences[1]!;
      await using shared = await load(await halfShared(blob));
      await using dense = await load(await denseOfShared(blob));
      const expected = joined(await dense.logits(tokens));
      const error = relativeError(joined(await shared.logits(tokens)), expected);
      assert.ok(error <= 1e-6, `logits differ by ${error}`);
    },
  },
  {
    id: "F-QW2-MOE-005",
    title: "widths that a file leaves out follow from its feed_forward_length",
    async run({ resolve }) {
      const sizes = { expertsUsed: 2, expertWidth: 32, sharedWidth: 64 };
      const options = { architecture: "qwen2moe", types: "f32", ...sizes, hidden: 32 } as const;
      for (const feedForwardWidth of [64, 66, 128]) {
        await using file = await openGguf(await synthesizeBlob({ ...options, feedForwardWidth }));
        const metadata = new Map(file.metadata);
        for (const key of WIDTH_KEYS) assert.ok(metadata.delete(`qwen2moe.${key}`));
        const without = () => resolve(withHeader(file, { metadata }));
        assert.doesNotThrow(() => resolve(file));
        // 64 are two experts of 32, and a shared one of 64.
        if (feedForwardWidth === 64) assert.doesNotThrow(without);
        else {assert.throws(
            without,
            /has the shape/,
            `a feed_forward_length of ${feedForwardWidth}`,
          );}
      }
    },
  },
];

/** The tests of qwen2-moe-forward-v1. */
export const qwen2MoeForward: Falsification<ForwardPass> = {
  contract: "qwen2-moe-forward-v1",
  subject: engineForward,
  tests,
};
