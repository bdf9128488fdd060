import assert from "node:assert/strict";
import type { MetadataEntry } from "../../gguf/mod.ts";
import { SYNTH_ARCHITECTURES } from "../../synth/mod.ts";
import { inDirectory, runHere, writeGgufFile, writeModel } from "./helpers.ts";

/** The lines of a text by their labels, runs of spaces made one. */
function linesOf(text: string): Map<string, string> {
  return new Map(
    text.split("\n").map((line) => {
      const [, label, value] = /^ *(.+?)(?:  +(.*))?$/.exec(line) ?? [];
      return [label ?? "", (value ?? "").replaceAll(/ +/g, " ")];
    }),
  );
}

Deno.test("inspect describes Qwen3-30B-A3B as its makers and llama.cpp do", async () => {
  await inDirectory(async (path) => {
    await runHere(["synth", path("m.gguf"), "--preset", "qwen3-30b-a3b", "--sparse"]);
    const { code, stdout, stderr } = await runHere(["inspect", path("m.gguf")]);
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = linesOf(stdout);
    assert.equal(lines.get("declared"), "qwen3moe");
    assert.equal(lines.get("normalized"), "qwen3_moe");
    assert.equal(lines.get("forward pass"), "yes");
    assert.equal(lines.get("weights"), "random");
    assert.equal(lines.get("layers"), "48");
    assert.equal(lines.get("context"), "262,144");
    assert.equal(lines.get("query heads"), "32");
    assert.equal(lines.get("head size"), "128");
    assert.equal(lines.get("RMSNorm epsilon"), "1e-6");
    assert.equal(lines.get("RoPE base"), "10,000,000");
    // Half of total_size (bytes in BF16) in the published model.safetensors.index.json; and
    // "3.3B activated".
    assert.equal(lines.get("total"), "30.5 B (30,532,122,624)");
    assert.match(lines.get("active per token")!, /^3\.35 B /);
    assert.equal(lines.get("in each layer"), "128");
    assert.equal(lines.get("used per token"), "8");
    assert.equal(lines.get("width of one"), "768");
    assert.equal(lines.get("shared by all tokens"), "none");
    // Three matrices of 884,736 bytes in Q4_K, or the last in Q6_K with 1,290,240.
    assert.equal(lines.get("size of one"), "2.53 MiB to 2.92 MiB");
    // 3,353,032,704 of 30,532,122,624.
    assert.equal(lines.get("active parameters"), "11.0% of all");
    // The counts that llama.cpp prints when it loads the published Q4_K_M file.
    assert.match(lines.get("Q4_K")!, /^289 tensors /);
    assert.match(lines.get("Q6_K")!, /^49 tensors /);
    assert.match(lines.get("F32")!, /^241 tensors /);
    assert.match(lines.get("size")!, /^17\.3 GiB \(18,\d{3},\d{3},\d{3} bytes\) in 1 file$/);
    assert.equal(lines.get("vocabulary"), "151,936 tokens");
    assert.equal(lines.get("eos"), "151935 <|im_end|>");
    assert.match(lines.get("chat template")!, /^yes, \d+ characters$/);
  });
});

Deno.test("inspect counts the parameters of a small model as one does by hand", async () => {
  await inDirectory(async (path) => {
    const shape = { layers: 1, hidden: 64, heads: 2, kvHeads: 1, headSize: 32, expertWidth: 32 };
    const options = {
      ...shape,
      experts: 4,
      expertsUsed: 1,
      vocabulary: 300,
      types: "f16",
    } as const;
    await writeModel(path("m.gguf"), options);
    const { parameters, quantization, experts } = JSON.parse(
      (await runHere(["inspect", path("m.gguf"), "--json"])).stdout,
    );
    const embeddings = 2 * 64 * 300;
    const attention = 64 * 64 + 2 * 64 * 32 + 64 * 64;
    const norms = 3 * 64 + 2 * 32;
    const router = 64 * 4;
    const oneExpert = 3 * 64 * 32;
    const withoutExperts = embeddings + attention + norms + router;
    assert.deepEqual(parameters, {
      total: withoutExperts + 4 * oneExpert,
      active: withoutExperts + oneExpert,
    });
    assert.deepEqual(experts, {
      count: 4,
      used: 1,
      width: 32,
      sharedWidth: null,
      sharedGate: false,
      bytesPerExpert: { least: 2 * oneExpert, most: 2 * oneExpert },
      bytes: 8 * oneExpert,
      share: 8 * oneExpert / (2 * (embeddings + attention + 4 * oneExpert) + 4 * (norms + router)),
      activeShare: (withoutExperts + oneExpert) / (withoutExperts + 4 * oneExpert),
    });
    // F16: two embeddings, four attention matrices, three of experts. F32: five norms, the router.
    assert.deepEqual(
      quantization.map((sum: Record<string, unknown>) => [sum.type, sum.tensors, sum.bytes]),
      [
        ["F16", 9, 2 * (embeddings + attention + 4 * oneExpert)],
        ["F32", 6, 4 * (norms + router)],
      ],
    );
  });
});

Deno.test("inspect --json gives numbers for what it shows, and null for what is absent", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { architecture: "qwen2", vocabulary: 300, seed: 4 });
    const { code, stdout } = await runHere(["inspect", path("m.gguf"), "--json"]);
    const model = JSON.parse(stdout);
    assert.equal(code, 0);
    assert.deepEqual(model.forwardPass, { available: true, reason: null });
    assert.deepEqual(model.hyperParameters, {
      layers: 2,
      context: 4096,
      hidden: 256,
      heads: 4,
      kvHeads: 2,
      headSize: 64,
      feedForward: 768,
      experts: null,
      expertsUsed: null,
      expertFeedForward: null,
      sharedFeedForward: null,
      rmsEpsilon: 1e-6,
      ropeBase: 1e6,
      ropeDimensions: 64,
    });
    assert.deepEqual(model.otherParameters, { "attention.value_length": 64 });
    assert.equal(model.parameters.active, model.parameters.total);
    assert.equal(model.experts, null);
    assert.equal(model.file.bytes, (await Deno.stat(path("m.gguf"))).size);
    assert.deepEqual(model.tokenizer.special[0], { part: "eos", id: 299, text: "<|im_end|>" });
    assert.equal(model.chatTemplate, null);
    assert.equal(model.random, true);
  });
});

Deno.test("inspect finds a forward pass for every architecture that synth writes", async () => {
  await inDirectory(async (path) => {
    for (const architecture of SYNTH_ARCHITECTURES) {
      await runHere(["synth", path(architecture), "--architecture", architecture, "--sparse"]);
      const { stdout } = await runHere(["inspect", path(architecture), "--json"]);
      assert.deepEqual(JSON.parse(stdout).forwardPass, { available: true, reason: null });
    }
  });
});

Deno.test("inspect shows what there is of an architecture without a forward pass", async () => {
  await inDirectory(async (path) => {
    const text = (key: string, value: string): MetadataEntry => ({ key, type: "string", value });
    await writeGgufFile(path("m.gguf"), [
      text("general.architecture", "mamba\x1b[2J"),
      { key: "tokenizer.ggml.eos_token_id", type: "string", value: "x" },
    ], ["blk.0.ssm_a", "blk.0.ssm\x1b[2J_exps.weight"]);
    const { code, stdout, stderr } = await runHere(["inspect", path("m.gguf")]);
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = linesOf(stdout);
    assert.equal(lines.get("declared"), "mamba\\u001b[2J");
    assert.equal(lines.get("normalized"), "unknown");
    assert.match(lines.get("forward pass")!, /^no\. .*has no forward pass here/);
    assert.equal(lines.get("layers"), "absent");
    assert.equal(lines.get("active per token"), "absent");
    assert.equal(lines.get("chat template"), "none");
    assert.ok(!stdout.includes("\x1b"), "no control character of the file reaches the screen");
  });
});

Deno.test("inspect works for a file that says nothing at all", async () => {
  await inDirectory(async (path) => {
    await writeGgufFile(path("m.gguf"), []);
    const { code, stdout } = await runHere(["inspect", path("m.gguf")]);
    assert.equal(code, 0);
    assert.equal(linesOf(stdout).get("declared"), "absent");
    assert.match(linesOf(stdout).get("forward pass")!, /general\.architecture/);
  });
});

Deno.test("inspect shows lists of values per layer, and other keys of the architecture", async () => {
  await inDirectory(async (path) => {
    const value = Int32Array.from({ length: 12 }, (_, layer) => layer);
    await writeGgufFile(path("m.gguf"), [
      { key: "general.architecture", type: "string", value: "openelm" },
      { key: "openelm.attention.head_count", type: "array", of: "i32", value },
      { key: "openelm.rope.scaling.type", type: "string", value: "yarn" },
    ]);
    const lines = linesOf((await runHere(["inspect", path("m.gguf")])).stdout);
    assert.equal(lines.get("query heads"), "[0, 1, 2, 3, 4, 5, 6, 7, … 4 more]");
    assert.equal(lines.get("rope.scaling.type"), "yarn");
    assert.equal(lines.get("normalized"), "openelm");
  });
});

Deno.test("inspect --assume-architecture takes the file for another", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { architecture: "qwen3" });
    const { stdout } = await runHere([
      "inspect",
      path("m.gguf"),
      "--assume-architecture",
      "Qwen3MoeForCausalLM",
      "--json",
    ]);
    const { architecture, forwardPass } = JSON.parse(stdout);
    assert.deepEqual([architecture.declared, architecture.normalized], ["qwen3", "qwen3_moe"]);
    assert.equal(forwardPass.available, false);
    assert.match(forwardPass.reason, /qwen3\.expert_count/);
  });
});

Deno.test("inspect tells a shared expert from the others, and a mixtral from a llama", async () => {
  await inDirectory(async (path) => {
    const sizes = { expertWidth: 64, expertsUsed: 3, types: "q8_0" } as const;
    await writeModel(path("shared.gguf"), { ...sizes, architecture: "qwen2moe", sharedWidth: 96 });
    const lines = linesOf((await runHere(["inspect", path("shared.gguf")])).stdout);
    assert.equal(lines.get("shared by all tokens"), "width 96, weighed by a gate");
    assert.equal(lines.get("shared expert width"), "96");
    assert.equal(lines.get("used per token"), "3");
    await writeModel(path("mixtral.gguf"), { ...sizes, architecture: "mixtral" });
    const { stdout } = await runHere(["inspect", path("mixtral.gguf"), "--json"]);
    const { architecture, experts, hyperParameters } = JSON.parse(stdout);
    assert.deepEqual([architecture.declared, architecture.normalized], ["llama", "mixtral"]);
    // Its files have the width of an expert where others have that of a dense feed-forward.
    assert.deepEqual([hyperParameters.feedForward, hyperParameters.expertFeedForward], [64, null]);
    assert.deepEqual([experts.count, experts.width, experts.sharedWidth], [8, 64, null]);
  });
});
