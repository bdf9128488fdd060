import assert from "node:assert/strict";
import { openGguf } from "../../gguf/mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { likeTheFirst, patched, scaledBy } from "./patched_model.ts";

const OPTIONS = { types: "f32", layers: 2, hidden: 16, expertWidth: 4, experts: 3 } as const;

/** All tensors' weights by name. */
async function weightsOf(blob: Blob): Promise<Map<string, Float32Array>> {
  await using file = await openGguf(blob);
  const all = new Map<string, Float32Array>();
  for (const tensor of file.tensors.values()) {
    const bytes = new Uint8Array(tensor.bytes);
    await file.readTensor(tensor, bytes);
    all.set(tensor.name, new Float32Array(bytes.buffer));
  }
  return all;
}

Deno.test("patched() changes the tensors of a role in every layer, and nothing else", async () => {
  const blob = await synthesizeBlob(OPTIONS);
  const before = await weightsOf(blob);
  const after = await weightsOf(
    await patched(blob, {
      output_norm: scaledBy(4),
      attn_q: scaledBy(2),
      ffn_up_exps: likeTheFirst,
    }),
  );
  assert.deepEqual([...after.keys()], [...before.keys()]);
  const changed: string[] = [];
  for (const [name, weights] of before) {
    if (weights.some((weight, i) => weight !== after.get(name)![i])) changed.push(name);
    if (name.endsWith("attn_q.weight")) {
      assert.deepEqual(after.get(name), weights.map((weight) => 2 * weight));
    }
    if (name.endsWith("ffn_up_exps.weight")) {
      // Matrices of 16 columns and 4 rows.
      const expected = weights.map((_, i) => weights[i % 64]!);
      assert.deepEqual(after.get(name), expected);
    }
  }
  assert.deepEqual(changed, [
    "blk.0.attn_q.weight",
    "blk.0.ffn_up_exps.weight",
    "blk.1.attn_q.weight",
    "blk.1.ffn_up_exps.weight",
    "output_norm.weight",
  ]);
});

Deno.test("patched() fails where a change would change nothing", async () => {
  const blob = await synthesizeBlob(OPTIONS);
  await assert.rejects(patched(blob, { ffn_up: scaledBy(2) }), /fits no tensor/);
});
