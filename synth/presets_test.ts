import assert from "node:assert/strict";
import { SYNTH_PRESETS } from "./presets.ts";
import { layoutSynth } from "./synthesize.ts";

/** The header of a preset with a small vocabulary: its metadata alone would be 5 MB. */
function layoutOf(preset: string) {
  return layoutSynth({ ...SYNTH_PRESETS.get(preset)!, vocabulary: 512 });
}

Deno.test("SYNTH_PRESETS have the sizes of the published models", () => {
  const common = { architecture: "qwen3moe", kvHeads: 4, headSize: 128, experts: 128 };
  const rest = { expertsUsed: 8, vocabulary: 151_936, context: 262_144 };
  const constants = { ropeBase: 1e7, rmsEpsilon: 1e-6 };
  assert.deepEqual(Object.fromEntries(SYNTH_PRESETS), {
    "tiny": {},
    "qwen3-30b-a3b": {
      ...{ ...common, ...rest, ...constants },
      ...{ layers: 48, hidden: 2048, heads: 32, expertWidth: 768 },
    },
    "qwen3-235b-a22b": {
      ...{ ...common, ...rest, ...constants },
      ...{ layers: 94, hidden: 4096, heads: 64, expertWidth: 1536, ropeBase: 5e6 },
    },
  });
});

Deno.test("SYNTH_PRESETS give every layer its tensors, as large as the published ones", () => {
  const shapes = (preset: string) =>
    new Map(layoutOf(preset).tensors.map(({ name, shape }) => [name, shape]));
  const small = shapes("qwen3-30b-a3b");
  assert.equal(small.size, 48 * 12 + 3);
  assert.deepEqual(small.get("blk.47.attn_q.weight"), [2048, 4096]);
  assert.deepEqual(small.get("blk.47.attn_v.weight"), [2048, 512]);
  assert.deepEqual(small.get("blk.47.ffn_gate_exps.weight"), [2048, 768, 128]);
  const large = shapes("qwen3-235b-a22b");
  assert.equal(large.size, 94 * 12 + 3);
  assert.deepEqual(large.get("blk.93.attn_q.weight"), [4096, 8192]);
  assert.deepEqual(large.get("blk.93.attn_k.weight"), [4096, 512]);
  assert.deepEqual(large.get("blk.93.ffn_down_exps.weight"), [1536, 4096, 128]);
});
