import assert from "node:assert/strict";
import type { MetadataEntry } from "../../gguf/mod.ts";
import { GgufError, loadModel, ModelError, UnsupportedOperationError } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { changedModel, type EditableFile, setKey, tensorOf, withModel } from "./helpers.ts";

type ErrorClass = typeof ModelError | typeof UnsupportedOperationError | typeof GgufError;

function number(key: string, value: number, type: "u32" | "f32" = "u32"): MetadataEntry {
  return { key: `qwen3moe.${key}`, type, value };
}

function set(key: string, value: number): (file: EditableFile) => void {
  return (file) => setKey(file, `qwen3moe.${key}`, number(key, value));
}

function remove(key: string): (file: EditableFile) => void {
  return (file) => setKey(file, `qwen3moe.${key}`, undefined);
}

function without(name: string): (file: EditableFile) => void {
  return (file) => void (file.tensors = file.tensors.filter((tensor) => tensor.name !== name));
}

/** What is done to a sound file, the class of the error, and what its message says. */
const REFUSALS: Record<string, [(file: EditableFile) => void, ErrorClass, RegExp]> = {
  "a layer without an expert tensor": [
    without("blk.1.ffn_up_exps.weight"),
    ModelError,
    /'blk\.1\.ffn_up_exps\.weight' \(role ffn_up_exps\) not found, which tensor-names-v1 .*qwen3_moe/,
  ],
  "a dense tensor beside the experts": [
    (file) =>
      file.tensors.push({
        name: "blk.0.ffn_up.weight",
        type: "F32",
        shape: [256, 256],
        data: new Uint8Array(),
      }),
    UnsupportedOperationError,
    /'qwen3moe' has no use for tensor 'blk\.0\.ffn_up\.weight'.*tensor-names-v1/,
  ],
  "a tensor of another shape": [
    (file) => void (tensorOf(file, "blk.1.attn_k.weight").shape = [256, 256]),
    ModelError,
    /'blk\.1\.attn_k\.weight' has the shape \[256, 256\].*\[256, 128\]/,
  ],
  "an embedding of fewer rows than the output head": [
    (file) => void (tensorOf(file, "token_embd.weight").shape = [256, 500]),
    ModelError,
    /'output\.weight' has the shape \[256, 512\].*\[256, 500\]/,
  ],
  "a tensor type without a kernel": [
    (file) => void (tensorOf(file, "blk.0.attn_q.weight").type = "IQ2_XXS"),
    UnsupportedOperationError,
    /'qwen3moe' has no kernel for IQ2_XXS.*'blk\.0\.attn_q\.weight'.*Q4_K_M/,
  ],
  "no RoPE base": [remove("rope.freq_base"), ModelError, /'qwen3moe\.rope\.freq_base' is missing/],
  "no heads": [set("attention.head_count", 0), ModelError, /head_count' is 0, expected a whole/],
  "KV heads that do not divide the heads": [
    set("attention.head_count_kv", 3),
    ModelError,
    /head_count 4 is no multiple of head_count_kv 3/,
  ],
  "an odd head size": [
    (file) => {
      set("attention.key_length", 63)(file);
      remove("rope.dimension_count")(file);
    },
    ModelError,
    /key_length 63 is odd/,
  ],
  "more experts used than there are": [
    set("expert_used_count", 9),
    ModelError,
    /expert_used_count' is 9, expected a whole number from 1 to 8/,
  ],
  "more layers than any model": [set("block_count", 1e9), ModelError, /block_count' is 1000000000/],
  "more layers than it has tensors for": [
    set("block_count", 1000),
    ModelError,
    /'blk\.2\..* not found/,
  ],
  "fewer layers than it has tensors for": [
    set("block_count", 1),
    UnsupportedOperationError,
    /no use for tensor 'blk\.1\./,
  ],
  "no context": [set("context_length", 0), ModelError, /context_length' is 0/],
  "a RoPE scaling that is not implemented": [
    (file) => {
      const key = "qwen3moe.rope.scaling.type";
      setKey(file, key, { key, type: "string", value: "yarn" });
    },
    UnsupportedOperationError,
    /no RoPE scaling of type 'yarn'/,
  ],
  "no architecture": [
    (file) => setKey(file, "general.architecture", undefined),
    ModelError,
    /'general\.architecture' is missing/,
  ],
};

for (const [what, [change, Class, message]] of Object.entries(REFUSALS)) {
  Deno.test(`loadModel() refuses ${what}`, async () => {
    const blob = await changedModel({ types: "f32" }, change);
    await assert.rejects(loadModel(blob), (error) => {
      assert.ok(error instanceof Class, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("loadModel() refuses a KV cache in q8_0 for heads that are no multiple of 32", async () => {
  const blob = await synthesizeBlob({ types: "f32", headSize: 40, hidden: 72 });
  await assert.rejects(loadModel(blob, { kv: "q8_0" }), (error) => {
    assert.ok(error instanceof UnsupportedOperationError, String(error));
    assert.match(error.message, /no KV cache in q8_0 for heads of 40 elements.*--kv f16/);
    return true;
  });
  await assert.rejects(
    loadModel(blob, { kv: "q4_0" as "q8_0" }),
    /RangeError: 'kv' must be one of f16, q8_0: got q4_0/,
  );
});

Deno.test("loadModel() refuses an architecture without a forward pass, unless told another", async () => {
  const blob = await changedModel({ types: "q8_0" }, (file) => {
    // The prefix of the keys is the declared architecture's.
    file.metadata = file.metadata.map((entry) => ({
      ...entry,
      key: entry.key.replace(/^qwen3moe\./, "gemma2."),
    }));
    const key = "general.architecture";
    setKey(file, key, { key, type: "string", value: "gemma2" });
  });
  for (const options of [{}, { assumeArchitecture: "no such" }]) {
    await assert.rejects(loadModel(blob, options), (error) => {
      assert.ok(error instanceof UnsupportedOperationError);
      assert.equal(error.architecture, options.assumeArchitecture ?? "gemma2");
      assert.equal(error.operation, "forward pass");
      assert.match(error.contract, /tensor-names-v1/);
      assert.match(error.message, /--assume-architecture/);
      return true;
    });
  }
  await withModel(blob, { assumeArchitecture: "qwen3moe", threads: 1 }, async (model) => {
    assert.equal(model.parameters.architecture, "qwen3_moe");
    assert.equal((await model.session().sync([1])).length, 512);
  });
});

Deno.test("a refusal names the architecture that was assumed", async () => {
  // A file without experts lacks nothing of a Llama's, but has norms of Qwen's for queries and keys.
  const blob = await synthesizeBlob({ architecture: "qwen3", types: "q8_0" });
  await assert.rejects(loadModel(blob, { assumeArchitecture: "llama" }), (error) => {
    assert.ok(error instanceof UnsupportedOperationError);
    assert.equal(error.architecture, "llama");
    assert.match(error.message, /'llama' has no use for tensor 'blk\.0\.attn_[qk]_norm\.weight'/);
    return true;
  });
});

Deno.test("loadModel() refuses what is no GGUF file, or half of one", async () => {
  const whole = await synthesizeBlob({ types: "q8_0" });
  const isGgufError = (error: unknown) => error instanceof GgufError;
  await assert.rejects(loadModel("no/such/file.gguf"), isGgufError);
  await assert.rejects(loadModel(new Blob(["hello, world, this is no model"])), isGgufError);
  await assert.rejects(loadModel(whole.slice(0, whole.size - 1000)), isGgufError);
});

Deno.test("loadModel() refuses options outside their range", async () => {
  const blob = await synthesizeBlob({ types: "q8_0" });
  for (const option of ["threads", "batchSize", "context"]) {
    for (const value of [0, -1, 1.5, NaN, 1e9]) {
      await assert.rejects(loadModel(blob, { [option]: value }), {
        name: "RangeError",
        message: new RegExp(`^'${option}' must be a whole number`),
      });
    }
  }
});

Deno.test("a model whose tokenizer knows more tokens than it has computes, without text", async () => {
  const blob = await changedModel({ types: "q8_0" }, (file) => {
    for (const name of ["token_embd.weight", "output.weight"]) {
      tensorOf(file, name).shape = [256, 500];
    }
  });
  await withModel(blob, { threads: 1 }, async (model) => {
    assert.equal((await model.session().sync([1])).length, 500);
    await assert.rejects(model.complete("a").finish(), {
      name: "TokenizerError",
      message: /the tokenizer knows 512 tokens, the model 500/,
    });
  });
});

Deno.test("a model whose chat template is no text computes, but does not chat", async () => {
  const blob = await changedModel({ types: "q8_0" }, (file) => {
    const key = "tokenizer.chat_template";
    setKey(file, key, { key, type: "u32", value: 7 });
  });
  await withModel(blob, { threads: 1 }, async (model) => {
    assert.equal((await model.session().sync([1])).length, 512);
    const chat = async () => await model.chat([{ role: "user", content: "a" }]).finish();
    await assert.rejects(chat, { name: "GgufError", message: /tokenizer\.chat_template/ });
  });
});

Deno.test("weights that are not numbers end in an error from sampling, not in a crash", async () => {
  for (const name of ["blk.1.attn_v.weight", "output_norm.weight"]) {
    const blob = await changedModel({ types: "f32" }, (file) => {
      tensorOf(file, name).data.fill(0xff);
    });
    await withModel(blob, { threads: 2 }, async (model) => {
      const session = model.session();
      assert.ok((await session.sync([1, 2, 3])).some(Number.isNaN));
      assert.equal(session.argMax, 0);
      await assert.rejects(model.complete("the", { maxTokens: 3 }).finish(), {
        name: "RangeError",
        message: /logit of token \d+ is NaN/,
      });
    });
  }
});

Deno.test("a router that is not numbers still chooses experts that exist", async () => {
  const blob = await changedModel({ types: "f32" }, (file) => {
    tensorOf(file, "blk.0.ffn_gate_inp.weight").data.fill(0xff);
  });
  await withModel(blob, { threads: 2 }, async (model) => {
    assert.ok((await model.session().sync([1, 2, 3])).every(Number.isFinite));
  });
});
