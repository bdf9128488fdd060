import assert from "node:assert/strict";
import { CONTRACT, CONTRACT_VERSION } from "../../contracts/mod.ts";
import type { MetadataEntry } from "../../gguf/mod.ts";
import { inDirectory, runHere, writeGgufFile, writeModel } from "./helpers.ts";

function header(architecture: string, layers: number): MetadataEntry[] {
  return [
    { key: "general.architecture", type: "string", value: architecture },
    { key: `${architecture}.block_count`, type: "u32", value: layers },
  ];
}

/** What a dense model of one layer has. */
const DENSE = ["token_embd", "output_norm", "output"].map((name) => `${name}.weight`).concat(
  ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm"].map((name) =>
    `blk.0.${name}.weight`
  ),
  ["ffn_gate", "ffn_up", "ffn_down"].map((name) => `blk.0.${name}.weight`),
);

Deno.test("names finds nothing amiss in the models that synth writes", async () => {
  await inDirectory(async (path) => {
    for (const architecture of ["qwen3moe", "qwen3", "qwen2", "llama"] as const) {
      await writeModel(path(architecture), { architecture, layers: 3, tied: true });
      const { code, stdout, stderr } = await runHere(["names", path(architecture)]);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, new RegExp(`^contract +${CONTRACT} ${CONTRACT_VERSION}$`, "m"));
      assert.match(stdout, /^missing +0$/m);
      assert.match(stdout, /^unmapped +0$/m);
    }
  });
});

Deno.test("names lists what a mixture with dense names lacks, and what it can't map", async () => {
  await inDirectory(async (path) => {
    await writeGgufFile(path("m.gguf"), header("qwen3moe", 1), DENSE);
    const { code, stdout } = await runHere(["names", path("m.gguf"), "--json"]);
    assert.equal(code, 1);
    const report = JSON.parse(stdout);
    assert.deepEqual(
      report.missing.map(({ name }: { name: string }) => name).sort(),
      [
        "blk.0.attn_k_norm.weight",
        "blk.0.attn_q_norm.weight",
        "blk.0.ffn_down_exps.weight",
        "blk.0.ffn_gate_exps.weight",
        "blk.0.ffn_gate_inp.weight",
        "blk.0.ffn_up_exps.weight",
      ],
    );
    assert.deepEqual(report.unmapped, DENSE.slice(-3));

    const text = (await runHere(["names", path("m.gguf")])).stdout;
    assert.match(text, /^missing +blk\.0\.ffn_up_exps\.weight +ffn_up_exps +layer 0$/m);
    assert.match(text, /^unmapped +blk\.0\.ffn_up\.weight$/m);
  });
});

Deno.test("names misses a tensor in one layer only", async () => {
  await inDirectory(async (path) => {
    await writeGgufFile(path("m.gguf"), header("llama", 2), DENSE);
    const { code, stdout } = await runHere(["names", path("m.gguf"), "--json"]);
    const { missing, unmapped } = JSON.parse(stdout);
    assert.equal(code, 1);
    assert.deepEqual(unmapped, []);
    assert.equal(missing.length, 9);
    assert.ok(missing.every(({ layer }: { layer: number }) => layer === 1));
  });
});

Deno.test("names says when the contract doesn't know the architecture", async () => {
  await inDirectory(async (path) => {
    await writeGgufFile(path("m.gguf"), header("mamba", 1), ["blk.0.ssm_a"]);
    const { code, stdout, stderr } = await runHere(["names", path("m.gguf"), "--json"]);
    assert.equal(code, 1);
    assert.equal(stderr, "'mamba' is not in the contract; held against llama instead.\n");
    const { architecture, normalized, known } = JSON.parse(stdout);
    assert.deepEqual([architecture, normalized, known], ["mamba", "llama", false]);
  });
});

Deno.test("names --assume-architecture holds the file against another", async () => {
  await inDirectory(async (path) => {
    await writeGgufFile(path("m.gguf"), header("my-llama", 1), DENSE);
    const args = ["names", path("m.gguf"), "--assume-architecture", "LlamaForCausalLM"];
    assert.deepEqual((await runHere(args)).code, 0);
    assert.equal((await runHere(args)).stderr, "");
  });
});

Deno.test("names needs the number of layers", async () => {
  await inDirectory(async (path) => {
    await writeGgufFile(path("m.gguf"), header("llama", 1).slice(0, 1), DENSE);
    const { code, stdout, stderr } = await runHere(["names", path("m.gguf")]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /the key 'llama\.block_count', the number of layers, is missing\n$/);
  });
});

Deno.test("names takes a llama with experts for a mixtral, and finds all of a qwen2moe", async () => {
  await inDirectory(async (path) => {
    const expected = {
      mixtral: ["llama", "mixtral"],
      qwen2moe: ["qwen2moe", "qwen2_moe"],
    } as const;
    for (const [architecture, [declared, normalized]] of Object.entries(expected)) {
      await runHere(["synth", path(architecture), "--architecture", architecture, "--sparse"]);
      const { code, stdout } = await runHere(["names", path(architecture), "--json"]);
      const report = JSON.parse(stdout);
      assert.equal(code, 0);
      assert.deepEqual([report.architecture, report.normalized], [declared, normalized]);
      assert.deepEqual([report.missing, report.unmapped], [[], []]);
      const tensors = JSON.parse((await runHere(["tensors", path(architecture), "--json"])).stdout);
      const roles = tensors.map(({ role }: { role: string }) => role);
      assert.ok(roles.includes("ffn_gate_exps") && !roles.includes(null));
      assert.equal(roles.includes("ffn_gate_inp_shexp"), architecture === "qwen2moe");
    }
  });
});
