import assert from "node:assert/strict";
import { resolveSynthOptions, type SynthOptions } from "./options.ts";
import { planTensors } from "./plan.ts";

function deviations(options: SynthOptions): Map<string, number> {
  const tensors = planTensors({ ...resolveSynthOptions(options), tokens: 512 });
  return new Map(tensors.map(({ name, deviation }) => [name, deviation]));
}

Deno.test("planTensors() scales what experts add by their share, and nothing else", () => {
  const full = deviations({ expertShare: 1 });
  for (const [name, deviation] of deviations({ expertShare: 0.25 })) {
    const factor = name.endsWith("ffn_down_exps.weight") ? 0.25 : 1;
    assert.equal(deviation, factor * full.get(name)!, name);
  }
});

Deno.test("planTensors() has deeper models add less with each layer", () => {
  // Independent branches add up by their squares, so four times the layers add half as much each.
  const [shallow, deep] = [deviations({ layers: 2 }), deviations({ layers: 8 })];
  for (const branch of ["blk.1.attn_output.weight", "blk.1.ffn_down_exps.weight"]) {
    assert.ok(Math.abs(deep.get(branch)! / shallow.get(branch)! - 0.5) < 1e-12, branch);
  }
});
