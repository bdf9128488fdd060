/**
 * The tests of contract tensor-names-v1 that hold lists of tensors against it.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Architecture } from "../../contracts/mod.ts";
import { metadataNumber, metadataString } from "../../gguf/mod.ts";
import { layoutSynth, SYNTH_PRESETS } from "../../synth/mod.ts";
import type { FalsificationTest } from "../falsification.ts";
import { PUBLISHED_GGUF, publishedTensors } from "./published_names.ts";
import type { Names } from "./tensor_names.ts";

/** Names that no tensor of a two-layer qwen3 may have. */
const FOREIGN = [
  "blk.2.attn_q.weight", // the file has layers 0 and 1
  "blk.99999999999999999999.attn_q.weight",
  "blk.00.attn_q.weight",
  "blk.-1.attn_q.weight",
  "blk.{n}.attn_q.weight",
  "blk..attn_q.weight",
  "blk.0.attn_q",
  "blk.0.attn_q.weight\n",
  "blk.0.__proto__",
  "constructor",
  "__proto__",
  "",
  "position_embd.weight",
  "blk.0.token_embd.weight",
  "attn_q.weight",
];

/** The tests of files. */
export const fileTests: readonly FalsificationTest<Names>[] = [
  {
    id: "F-TNV-002",
    title: "in a real-size header every required role has its tensor and every tensor its role",
    run({ resolveNames }) {
      // The sizes of Qwen3-30B-A3B; names do not depend on the vocabulary.
      const options = { ...SYNTH_PRESETS.get("qwen3-30b-a3b")!, vocabulary: 512 };
      const published = publishedTensors("qwen3_moe", 48);
      for (const tied of [false, true]) {
        const names = layoutSynth({ ...options, tied }).tensors.map(({ name }) => name);
        // 12 tensors in each of 48 layers, the embedding, the last norm, the head unless tied.
        assert.equal(names.length, 48 * 12 + 2 + (tied ? 0 : 1));
        const { found, missing, unmapped } = resolveNames("qwen3_moe", names, 48);
        assert.deepEqual(missing, []);
        assert.deepEqual(unmapped, []);
        assert.equal(found.size, names.length);
        for (const { role, layer, name } of published) {
          assert.deepEqual(found.get(name), { role, layer }, name);
        }
        const head = tied ? undefined : { role: "output", layer: undefined };
        assert.deepEqual(found.get("output.weight"), head);
      }
    },
  },
  {
    id: "F-TNV-007",
    title: "each tensor taken away is missing, and each one added is unmapped",
    run({ resolveNames }) {
      for (const architecture of PUBLISHED_GGUF) {
        const tensors = publishedTensors(architecture, 2);
        for (const absent of tensors) {
          const names = tensors.filter((tensor) => tensor !== absent).map(({ name }) => name);
          const { found, missing, unmapped } = resolveNames(architecture, names, 2);
          assert.deepEqual(missing, [absent], `${architecture} without ${absent.name}`);
          assert.deepEqual(unmapped, []);
          assert.deepEqual([...found.keys()], names);
        }
      }
      const sound = publishedTensors("qwen3", 2).map(({ name }) => name);
      const { found, missing, unmapped } = resolveNames("qwen3", [...FOREIGN, ...sound], 2);
      assert.deepEqual(missing, []);
      assert.deepEqual(unmapped, FOREIGN);
      assert.deepEqual([...found.keys()], sound);
    },
  },
  {
    id: "F-TNV-008",
    title: "a fused tensor stands for its parts and all its parts for it",
    run({ resolveNames }) {
      const unmet = (architecture: Architecture, taken: string[], given: string[]) => {
        const names = publishedTensors(architecture, 1)
          .map(({ name }) => name)
          .filter((name) => !taken.some((tensor) => name === `blk.0.${tensor}`))
          .concat(given.map((tensor) => `blk.0.${tensor}`));
        const { missing, unmapped } = resolveNames(architecture, names, 1);
        assert.deepEqual(unmapped, []);
        return missing.map(({ role }) => role);
      };
      const weights = ["attn_q.weight", "attn_k.weight", "attn_v.weight"];
      const biases = ["attn_q.bias", "attn_k.bias", "attn_v.bias"];
      assert.deepEqual(unmet("phi2", weights, ["attn_qkv.weight"]), []);
      assert.deepEqual(unmet("phi2", biases, ["attn_qkv.bias"]), []);
      assert.deepEqual(unmet("phi2", weights, []), ["attn_q", "attn_k", "attn_v"]);
      assert.deepEqual(unmet("phi2", [...weights, ...biases], ["attn_qkv.weight"]), [
        "attn_q_bias",
        "attn_k_bias",
        "attn_v_bias",
      ]);
      assert.deepEqual(unmet("phi", ["attn_qkv.weight"], weights), []);
      for (const part of weights) {
        const others = weights.filter((weight) => weight !== part);
        assert.deepEqual(unmet("phi", ["attn_qkv.weight"], others), ["attn_qkv"]);
      }
    },
  },
  {
    id: "F-TNV-009",
    title: "in the model every required role has its tensor and every tensor its role",
    of: "model",
    run({ normalizeArchitecture, resolveNames }, { file }) {
      const declared = metadataString(file.metadata, "general.architecture")!;
      const layers = metadataNumber(file.metadata, `${declared}.block_count`);
      assert.ok(layers !== undefined && layers > 0, `${declared} has ${layers} layers`);
      const experts = metadataNumber(file.metadata, `${declared}.expert_count`);
      const architecture = normalizeArchitecture(declared, experts);
      const { found, missing, unmapped } = resolveNames(architecture, file.tensors.keys(), layers);
      assert.deepEqual(missing.map(({ name }) => name), []);
      assert.deepEqual(unmapped, []);
      assert.deepEqual([...found.keys()].sort(), [...file.tensors.keys()].sort());
    },
  },
];
