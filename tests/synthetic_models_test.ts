import assert from "node:assert/strict";
import { loadModel } from "../mod.ts";
import { SYNTH_ARCHITECTURES, synthesizeBlob } from "../synth/mod.ts";
import { randomPrompt } from "./parity/models.ts";

const PROMPT_LENGTH = 64;

for (const architecture of SYNTH_ARCHITECTURES) {
  // A Qwen2-MoE always has an output head of its own.
  for (const tied of architecture === "qwen2moe" ? [false] : [false, true]) {
    const head = tied ? "tied" : "separate";
    Deno.test(`random ${architecture} with a ${head} head spreads its logits and does not repeat its input`, async () => {
      const blob = await synthesizeBlob({ architecture, tied, layers: 4, seed: 3 });
      const tokens = randomPrompt(PROMPT_LENGTH, 512, 3);
      await using model = await loadModel(blob, { threads: 1 });
      await using session = model.session({ context: PROMPT_LENGTH });
      let [squares, repeated, position] = [0, 0, 0];
      for await (const logits of session.logits(tokens)) {
        squares += logits.reduce((sum, logit) => sum + logit * logit, 0) / logits.length;
        const best = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
        if (best === tokens[position++]) repeated++;
      }
      const deviation = Math.sqrt(squares / PROMPT_LENGTH);
      assert.ok(deviation > 1.5 && deviation < 3, `deviation ${deviation}`);
      assert.ok(repeated < PROMPT_LENGTH / 8, `${repeated} of ${PROMPT_LENGTH} repeated`);
    });
  }
}
