import assert from "node:assert/strict";
import { cosine } from "../falsification/qwen3_moe_forward/rows.ts";
import { GgufError, type GgufFile, metadataNumber, openGguf } from "../gguf/mod.ts";
import { isWeightType } from "../kernels/formats.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import { ModelError, UnsupportedOperationError } from "../model/errors.ts";
import { loadModel } from "../mod.ts";
import {
  type Mix,
  MIXES,
  type QuantizedTensor,
  quantizeGguf,
  type QuantizeOptions,
} from "../quantize/mod.ts";
import { SYNTH_ARCHITECTURES, synthesizeBlob, type SynthOptions } from "../synth/mod.ts";
import { partsOf } from "../synth/options.ts";
import { changedModel, inShards, randomFile, setKey, tensorOf } from "./engine/helpers.ts";

const SMALL: SynthOptions = { types: "f32", layers: 3, experts: 3, vocabulary: 300, seed: 5 };

/** A model after quantizing, opened, with what was told of it. */
async function quantized(
  from: Blob | Blob[],
  options: QuantizeOptions,
): Promise<{ blob: Blob; file: GgufFile; tensors: QuantizedTensor[] }> {
  await using source = await openGguf(from);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const sink = { write: (chunk: Uint8Array) => Promise.resolve(void chunks.push(chunk.slice())) };
  const tensors = await quantizeGguf(source, sink, options);
  const blob = new Blob(chunks);
  return { blob, file: await openGguf(blob), tensors };
}

/** The logits after a few tokens. */
async function lastLogits(blob: Blob): Promise<Float32Array> {
  await using model = await loadModel(blob, { threads: 1 });
  await using session = model.session();
  return await session.sync([1, 2, 3, 4, 5]);
}

async function weightsOf(file: GgufFile, name: string): Promise<Float32Array> {
  const tensor = file.tensors.get(name)!;
  assert.ok(isWeightType(tensor.type));
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  return dequantizeRow(tensor.type, await file.readTensor(tensor), count);
}

const typesOf = ({ tensors }: GgufFile) =>
  Object.fromEntries(Array.from(tensors.values(), ({ name, type }) => [name, type]));

for (const architecture of SYNTH_ARCHITECTURES) {
  Deno.test(`quantizeGguf() gives every mix the types that synthetic models of it have: ${architecture}`, async () => {
    const { experts = 0, ...sizes } = SMALL;
    const model = { ...sizes, ...(partsOf(architecture).experts ? { experts } : {}), architecture };
    const source = await synthesizeBlob(model);
    // Synthetic models have mixes of these alone.
    for (const mix of ["q4_k_m", "q5_k_m", "f16", "bf16", "f32"] as const) {
      await using synthetic = await openGguf(await synthesizeBlob({ ...model, types: mix }));
      const { file } = await quantized(source, { mix });
      assert.deepEqual(typesOf(file), typesOf(synthetic), mix);
    }
  });
}

Deno.test("quantizeGguf() tells what each tensor lost, as it is read back", async () => {
  const source = await synthesizeBlob({ ...SMALL, layers: 1 });
  await using before = await openGguf(source);
  // What weights of a Gaussian lose in each type, measured; the types' steps halve from bit to bit.
  const limits: Record<string, number> = {
    ...{ F32: 0, F16: 3e-4, BF16: 0.002, Q8_0: 0.006, Q6_K: 0.018, Q5_K: 0.036 },
    ...{ Q4_K: 0.072, Q4_0: 0.09 },
  };
  for (const mix of Object.keys(MIXES) as Mix[]) {
    const { file, tensors } = await quantized(source, { mix });
    assert.deepEqual(tensors.map(({ name }) => name), [...before.tensors.keys()]);
    for (const { name, type, square, squaredError, bytesAfter } of tensors) {
      const [original, stored] = [await weightsOf(before, name), await weightsOf(file, name)];
      const error = original.reduce((sum, weight, i) => sum + (weight - stored[i]!) ** 2, 0);
      assert.ok(Math.abs(squaredError - error) <= 1e-4 * error, `${name}: ${squaredError}`);
      const relative = Math.sqrt(error / square);
      assert.ok(relative <= limits[type]!, `${name} of ${type}: ${relative}`);
      assert.equal(bytesAfter, file.tensors.get(name)!.bytes);
    }
  }
});

Deno.test("quantizeGguf() takes metadata over, but for what it changes", async () => {
  const source = await changedModel(SMALL, (file) => {
    setKey(file, "general.license", { key: "general.license", type: "string", value: "mit" });
    setKey(file, "general.alignment", { key: "general.alignment", type: "u32", value: 64 });
  });
  await using before = await openGguf(source);
  const { file } = await quantized(source, { mix: "q5_k_m" });
  // `enum llama_ftype`: MOSTLY_Q5_K_M is 17.
  assert.equal(metadataNumber(file.metadata, "general.file_type"), 17);
  assert.equal(metadataNumber(file.metadata, "general.quantization_version"), 2);
  assert.equal(file.alignment, 64);
  const isKept = ({ key }: { key: string }) =>
    !["general.file_type", "general.quantization_version"].includes(key);
  assert.deepEqual(file.entries.filter(isKept), before.entries.filter(isKept));
});

Deno.test("quantizeGguf() makes one file of shards, the same as of one file", async () => {
  const parts = await inShards(await randomFile(SMALL), "blk.1.ffn_up_exps.weight");
  const [one, many] = [
    await quantized(await synthesizeBlob(SMALL), { mix: "q8_0" }),
    await quantized(parts, { mix: "q8_0" }),
  ];
  assert.deepEqual(many.tensors, one.tensors);
  assert.deepEqual(many.file.entries, one.file.entries);
  for (const tensor of one.file.tensors.values()) {
    const other = many.file.tensors.get(tensor.name)!;
    assert.deepEqual(await many.file.readTensor(other), await one.file.readTensor(tensor));
  }
});

Deno.test("quantizeGguf() falls back where rows are no whole blocks, and says so", async () => {
  const source = await synthesizeBlob({ ...SMALL, hidden: 160, expertWidth: 72, layers: 1 });
  const { tensors } = await quantized(source, { mix: "q4_k_m" });
  const fallbacks = tensors.filter(({ insteadOf }) => insteadOf !== undefined);
  const told = Object.fromEntries(
    fallbacks.map(({ name, insteadOf, type }) => [name, `${insteadOf} ${type}`]),
  );
  assert.deepEqual(told, {
    "token_embd.weight": "Q4_K Q8_0",
    "blk.0.attn_q.weight": "Q4_K Q8_0",
    "blk.0.attn_k.weight": "Q4_K Q8_0",
    "blk.0.attn_v.weight": "Q6_K Q8_0",
    "blk.0.ffn_gate_exps.weight": "Q4_K Q8_0",
    "blk.0.ffn_up_exps.weight": "Q4_K Q8_0",
    "blk.0.ffn_down_exps.weight": "Q6_K F16",
    "output.weight": "Q6_K Q8_0",
  });
});

Deno.test("a mixture computes whose experts fall back where its shared expert does not", async () => {
  const model = { ...SMALL, architecture: "qwen2moe", expertWidth: 352, sharedWidth: 512 } as const;
  const source = await synthesizeBlob(model);
  const { blob, file } = await quantized(source, { mix: "q4_k_m" });
  assert.equal(file.tensors.get("blk.0.ffn_down_exps.weight")!.type, "Q8_0");
  assert.match(file.tensors.get("blk.0.ffn_down_shexp.weight")!.type, /^Q[46]_K$/);
  const [before, after] = [await lastLogits(source), await lastLogits(blob)];
  assert.ok(cosine(after, before) > 0.98, `${cosine(after, before)}`);
});

Deno.test("quantizeGguf() refuses NaN and infinity, and names tensor and weight", async () => {
  for (const [value, text] of [[NaN, "NaN"], [-Infinity, "-Infinity"]] as const) {
    for (const name of ["blk.1.ffn_up_exps.weight", "blk.2.attn_norm.weight"]) {
      const source = await changedModel(SMALL, (file) => {
        new Float32Array(tensorOf(file, name).data.buffer)[77] = value;
      });
      for (const mix of ["q4_k_m", "f16", "f32"] as const) {
        await assert.rejects(quantized(source, { mix }), (error) => {
          assert.ok(error instanceof GgufError);
          assert.ok(error.found.includes(`weight 77 of tensor ${name} is ${text}`), error.found);
          return true;
        });
      }
    }
  }
});

Deno.test("quantizeGguf() requantizes only if asked to, and copies what stays as it is", async () => {
  const source = await synthesizeBlob({ ...SMALL, types: "q8_0" });
  await assert.rejects(
    quantized(source, { mix: "q4_k_m" }),
    /tensor token_embd\.weight of type Q8_0; expected F32, F16 or BF16.*--allow-requantize/,
  );
  await assert.rejects(quantized(source, { mix: "f16" }), GgufError);
  const { file } = await quantized(source, { mix: "q4_k_m", allowRequantize: true });
  assert.equal(file.tensors.get("blk.2.ffn_down_exps.weight")?.type, "Q6_K");
  await using before = await openGguf(source);
  const same = await quantized(source, { mix: "q8_0" });
  for (const tensor of before.tensors.values()) {
    const stored = same.file.tensors.get(tensor.name)!;
    assert.deepEqual(await same.file.readTensor(stored), await before.readTensor(tensor));
  }
});

Deno.test("quantizeGguf() refuses types that can't be read, and copies tensors without a role", async () => {
  const strange = await changedModel(SMALL, (file) => {
    Object.assign(tensorOf(file, "blk.0.attn_q.weight"), { type: "Q5_0" });
  });
  await assert.rejects(
    quantized(strange, { mix: "q8_0", allowRequantize: true }),
    /blk\.0\.attn_q\.weight of type Q5_0; expected one of F32, F16, /,
  );
  const extra = await changedModel(SMALL, (file) => {
    const data = Uint8Array.of(1, 2, 3);
    file.tensors.push({ name: "extra", type: "I8", shape: [3], data });
    // A norm in F16 becomes F32, as the mixes have it.
    const norm = tensorOf(file, "output_norm.weight");
    Object.assign(norm, { type: "F16", data: norm.data.slice(0, 512).fill(0x3c) });
  });
  const { file } = await quantized(extra, { mix: "q8_0" });
  assert.deepEqual([...await file.readTensor(file.tensors.get("extra")!)], [1, 2, 3]);
  const norm = await weightsOf(file, "output_norm.weight");
  // 0x3c3c in f16: 1 + 60/1024.
  assert.deepEqual([file.tensors.get("output_norm.weight")?.type, norm[0]], ["F32", 1.05859375]);
});

Deno.test("quantizeGguf() refuses models whose tensors it knows nothing of", async () => {
  const withArchitecture = (value: string) =>
    changedModel(SMALL, (file) => {
      const key = "general.architecture";
      setKey(file, key, { key, type: "string", value });
    });
  await assert.rejects(
    quantized(await withArchitecture("neverheardof"), { mix: "q8_0" }),
    UnsupportedOperationError,
  );
  // Its number of layers stands under the name of the architecture.
  await assert.rejects(quantized(await withArchitecture("qwen3"), { mix: "q8_0" }), ModelError);
});

Deno.test("quantizeGguf() counts weights that are beyond a type", async () => {
  const source = await changedModel(SMALL, (file) => {
    new Float32Array(tensorOf(file, "blk.0.attn_q.weight").data.buffer).set([70000, -1e30], 5);
  });
  const { tensors, file } = await quantized(source, { mix: "f16" });
  const beyond = tensors.filter(({ beyondRange }) => beyondRange > 0);
  assert.deepEqual(beyond.map(({ name, beyondRange }) => [name, beyondRange]), [
    ["blk.0.attn_q.weight", 2],
  ]);
  const weights = await weightsOf(file, "blk.0.attn_q.weight");
  assert.deepEqual([...weights.subarray(5, 7)], [65504, -65504]);
});

Deno.test("quantizeGguf() stops at the signal, and tells how far it is", async () => {
  const source = await synthesizeBlob(SMALL);
  await assert.rejects(
    quantized(source, { mix: "q8_0", signal: AbortSignal.abort(new Error("enough")) }),
    /enough/,
  );
  const heard: number[] = [];
  let whole = 0;
  const onProgress = (weights: number, total: number) => {
    heard.push(weights);
    whole = total;
  };
  const { tensors } = await quantized(source, { mix: "q8_0", onProgress });
  assert.equal(heard.at(-1), whole);
  assert.equal(whole, tensors.reduce((sum, { weights }) => sum + weights, 0));
  assert.ok(heard.every((weights, i) => i === 0 || weights > heard[i - 1]!));
});
