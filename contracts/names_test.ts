import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ARCHITECTURES,
  isKnownArchitecture,
  normalizeArchitecture,
  requiredRoles,
  resolveNames,
  tensorName,
} from "./mod.ts";

Deno.test("normalizeArchitecture() answers a canonical key for any string", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (name) => {
    const architecture = normalizeArchitecture(name);
    assert.ok(ARCHITECTURES.includes(architecture));
    if (!isKnownArchitecture(name)) assert.equal(architecture, "llama");
  }));
});

Deno.test("tensorName() names each expert of a checkpoint", () => {
  const position = { layer: 5, expert: 127 };
  assert.equal(
    tensorName("qwen3_moe", "ffn_gate_exps", "hf", position),
    "model.layers.5.mlp.experts.127.gate_proj.weight",
  );
  assert.equal(
    tensorName("mixtral", "ffn_down_exps", "hf", position),
    "model.layers.5.block_sparse_moe.experts.127.w2.weight",
  );
});

Deno.test("tensorName() says which number it lacks, and for which name", () => {
  assert.throws(() => tensorName("llama", "attn_q", "gguf"), {
    name: "RangeError",
    message: "'layer' must be an integer from 0 to fill in 'blk.{n}.attn_q.weight'",
  });
  assert.throws(
    () => tensorName("qwen3_moe", "ffn_up_exps", "hf", { layer: 0 }),
    { name: "RangeError", message: /^'expert' must be/ },
  );
});

Deno.test("resolveNames() refuses a number of layers that no model has", () => {
  for (const layers of [-1, 1.5, NaN, 4097, 2 ** 32]) {
    assert.throws(() => resolveNames("llama", [], layers), RangeError);
  }
});

Deno.test("resolveNames() reads 100,000 names of 4,000 layers", () => {
  const { global, layer } = requiredRoles("qwen3_moe");
  const names = global.map((role) => tensorName("qwen3_moe", role, "gguf")!);
  for (let n = 0; n < 4000; n++) {
    names.push(...layer.map((role) => tensorName("qwen3_moe", role, "gguf", { layer: n })!));
  }
  const strangers = Array.from({ length: 52_000 }, (_, index) => `blk.0.stranger.${index}`);
  const { found, missing, unmapped } = resolveNames("qwen3_moe", [...names, ...strangers], 4000);
  assert.equal(found.size, 2 + 12 * 4000);
  assert.deepEqual(missing, []);
  assert.deepEqual(unmapped, strangers);
});
