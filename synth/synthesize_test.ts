import assert from "node:assert/strict";
import { normalizeArchitecture, resolveNames } from "../contracts/mod.ts";
import { type GgufLayout, type MetadataEntry, openGguf } from "../gguf/mod.ts";
import { RANDOM_WEIGHTS_KEY } from "./metadata.ts";
import { SYNTH_ARCHITECTURES, type SynthOptions } from "./options.ts";
import { SYNTH_PRESETS } from "./presets.ts";
import { layoutSynth, synthesize, synthesizeBlob } from "./synthesize.ts";
import { WEIGHT_TYPES } from "./weight_types.ts";

const GIB = 2 ** 30;

async function sha256(options: SynthOptions): Promise<string> {
  const bytes = await (await synthesizeBlob(options)).arrayBuffer();
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function countTypes({ tensors }: GgufLayout): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of tensors) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

Deno.test("synthesize() gives the same bytes for the same seed, and others for another", async () => {
  for (const types of WEIGHT_TYPES) {
    const first = await sha256({ types, seed: 1 });
    assert.equal(await sha256({ types, seed: 1 }), first, types);
    assert.notEqual(await sha256({ types, seed: 2 }), first, types);
  }
});

Deno.test("synthesize() gives the bytes that it always gave", async () => {
  // A change here changes every random model, the fixtures made from them included.
  assert.deepEqual(
    [await sha256({}), await sha256({ types: "f16", seed: 1 })],
    [
      "330fbd695357550da10c938f1361103fb59f69a010a5e62bff6e3cb29ffb83b1",
      "c0b6bdf61b4d916f7e8634d26fae5fdd1778e565acfa9eff90ddb0fb953bd51f",
    ],
  );
});

Deno.test("synthesize() makes files whose tensors are those of the contract", async () => {
  for (const architecture of SYNTH_ARCHITECTURES) {
    // A Qwen2-MoE always has an output head of its own.
    for (const tied of architecture === "qwen2moe" ? [false] : [false, true]) {
      const options = { architecture, tied, layers: 3, types: "q8_0" } as const;
      await using file = await openGguf(await synthesizeBlob(options));
      const { missing, unmapped } = resolveNames(
        normalizeArchitecture(architecture),
        file.tensors.keys(),
        3,
      );
      assert.deepEqual([missing, unmapped], [[], []], architecture);
      assert.equal(file.tensors.has("output.weight"), !tied);
    }
  }
});

Deno.test("synthesize() writes shapes with the innermost dimension first", async () => {
  const options = { hidden: 96, heads: 6, kvHeads: 3, headSize: 32, experts: 5, expertWidth: 64 };
  await using file = await openGguf(
    await synthesizeBlob({ ...options, types: "q4_0", vocabulary: 300 }),
  );
  const shape = (name: string) => file.tensors.get(name)?.shape;
  assert.deepEqual(shape("token_embd.weight"), [96, 300]);
  assert.deepEqual(shape("blk.0.attn_q.weight"), [96, 192]);
  assert.deepEqual(shape("blk.1.attn_v.weight"), [96, 96]);
  assert.deepEqual(shape("blk.1.attn_k_norm.weight"), [32]);
  assert.deepEqual(shape("blk.0.attn_output.weight"), [192, 96]);
  assert.deepEqual(shape("blk.0.ffn_gate_inp.weight"), [96, 5]);
  assert.deepEqual(shape("blk.0.ffn_up_exps.weight"), [96, 64, 5]);
  assert.deepEqual(shape("blk.0.ffn_down_exps.weight"), [64, 96, 5]);
});

Deno.test("synthesize() marks its files as random", async () => {
  await using file = await openGguf(await synthesizeBlob({ seed: 12 }));
  assert.equal(file.metadata.get(RANDOM_WEIGHTS_KEY), true);
  assert.equal(file.metadata.get("general.name"), "random qwen3moe, seed 12");
});

Deno.test("synthesize() stops at the signal, with its reason", async () => {
  const controller = new AbortController();
  let written = 0;
  const work = synthesize({}, { write: () => Promise.resolve() }, {
    signal: controller.signal,
    onProgress(bytes) {
      written = bytes;
      controller.abort(new Error("enough"));
    },
  });
  await assert.rejects(work, { message: "enough" });
  assert.ok(written > 0 && written < layoutSynth({}).size / 2);
});

Deno.test("synthesize() reports all bytes of data, and returns what it wrote", async () => {
  let written = 0;
  const layout = await synthesize({}, { write: () => Promise.resolve() }, {
    onProgress: (bytes) => written = bytes,
  });
  assert.equal(written, layout.tensors.reduce((sum, { bytes }) => sum + bytes, 0));
  assert.deepEqual(layout, layoutSynth({}));
});

Deno.test("layoutSynth() makes Qwen3-30B-A3B as large and as mixed as its Q4_K_M file", () => {
  const preset = SYNTH_PRESETS.get("qwen3-30b-a3b")!;
  const layout = layoutSynth(preset);
  // llama.cpp's counts and size for the published file; sizes of fewer layers from its bench.
  assert.deepEqual(countTypes(layout), { Q4_K: 289, F32: 241, Q6_K: 49 });
  assert.ok(Math.abs(layout.size / GIB / 17.28 - 1) < 0.001);
  assert.ok(Math.abs(layoutSynth({ ...preset, layers: 6 }).size / GIB / 2.46 - 1) < 0.01);
  assert.ok(Math.abs(layoutSynth({ ...preset, layers: 3 }).size / GIB / 1.43 - 1) < 0.01);
});

Deno.test("layoutSynth() takes over a vocabulary, and its template if it has one", async () => {
  const template: MetadataEntry = { key: "tokenizer.chat_template", type: "string", value: "own" };
  const vocabulary: MetadataEntry[] = [
    { key: "general.architecture", type: "string", value: "falcon" },
    { key: "tokenizer.ggml.model", type: "string", value: "gpt2" },
    { key: "tokenizer.ggml.tokens", type: "array", of: "string", value: ["a", "b", "ab"] },
  ];
  const open = async (
    entries: MetadataEntry[],
  ) => (await openGguf(await synthesizeBlob({ vocabulary: entries, chatTemplate: "given" })));
  await using without = await open(vocabulary);
  assert.deepEqual(without.tensors.get("output.weight")?.shape, [256, 3]);
  assert.equal(without.metadata.get("general.architecture"), "qwen3moe");
  assert.deepEqual(without.metadata.get("tokenizer.ggml.tokens"), ["a", "b", "ab"]);
  assert.equal(without.metadata.get("tokenizer.chat_template"), "given");
  await using withTemplate = await open([...vocabulary, template]);
  assert.equal(withTemplate.metadata.get("tokenizer.chat_template"), "own");
  assert.throws(() => layoutSynth({ vocabulary: [template] }), { option: "vocabulary" });
});
