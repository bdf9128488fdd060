import { assertSameBits } from "../../kernels/comparing.ts";
import { ATTENTION_SPAN } from "../../kernels/constants.ts";
import type { LoadOptions } from "../../mod.ts";
import { synthesizeBlob, type SynthOptions } from "../../synth/mod.ts";
import { randomTokens, withModel } from "./helpers.ts";

const MODELS: Record<string, SynthOptions> = {
  "qwen3moe in Q4_K_M": { types: "q4_k_m", layers: 3, expertsUsed: 3, seed: 1 },
  "qwen3moe in Q8_0, tied": { types: "q8_0", hidden: 224, expertWidth: 96, tied: true, seed: 2 },
  "qwen3moe in F32": { types: "f32", hidden: 72, headSize: 40, expertWidth: 40, seed: 3 },
  "qwen2moe in Q4_K_M": {
    architecture: "qwen2moe",
    types: "q4_k_m",
    sharedWidth: 768,
    expertsUsed: 3,
    seed: 10,
  },
  "qwen2moe in F32": {
    architecture: "qwen2moe",
    types: "f32",
    hidden: 72,
    headSize: 40,
    expertWidth: 40,
    sharedWidth: 88,
    seed: 11,
  },
  "mixtral in Q4_K_M": { architecture: "mixtral", types: "q4_k_m", experts: 4, seed: 12 },
  "qwen3": { architecture: "qwen3", types: "q4_k_m", seed: 4 },
  "qwen2": { architecture: "qwen2", types: "q8_0", seed: 5 },
  "llama": { architecture: "llama", types: "f16", seed: 6 },
};

/** Longer than a batch, an attention tile, and the positions of one call for logits. */
const PROMPT = randomTokens(150);
const SHORT = 20;

/** The small window holds the workspace of a small batch, and few weights beside it. */
const SETTINGS: Record<string, LoadOptions> = {
  "token by token, 1 thread": { batchSize: 1, threads: 1 },
  "batches of 7, 2 threads": { batchSize: 7, threads: 2 },
  "batches of 64, 3 threads": { batchSize: 64, threads: 3 },
  "several windows, 2 threads": { batchSize: 7, threads: 2, maxWindowBytes: 7_500_000 },
};

for (const [name, options] of Object.entries(MODELS)) {
  Deno.test(`sync() gives the same bits whatever the batch, threads and windows: ${name}`, async () => {
    const blob = await synthesizeBlob(options);
    let short: Float32Array = new Float32Array();
    let long: Float32Array = new Float32Array();
    await withModel(blob, { batchSize: 512, threads: 1 }, async (model) => {
      long = await model.session().sync(PROMPT);
      short = await model.session().sync(PROMPT.slice(0, SHORT));
    });
    for (const load of Object.values(SETTINGS)) {
      await withModel(blob, { ...load, context: 256 }, async (model) => {
        const session = model.session();
        assertSameBits(await session.sync(PROMPT.slice(0, SHORT)), short);
        assertSameBits(await session.sync(PROMPT), long);
      });
    }
  });
}

for (const kv of ["f16", "q8_0"] as const) {
  Deno.test(`sync() gives the same bits past a span of attention with a KV cache in ${kv}`, async () => {
    const blob = await synthesizeBlob({ types: "q4_k_m", layers: 1, context: 1024, seed: 9 });
    const tokens = randomTokens(2 * ATTENTION_SPAN);
    let expected: Float32Array = new Float32Array();
    await withModel(blob, { kv, threads: 1 }, async (model) => {
      expected = await model.session().sync(tokens.slice(0, 1020));
    });
    await withModel(blob, { kv, threads: 2, batchSize: 100 }, async (model) => {
      const session = model.session();
      await session.sync(tokens.slice(0, 505));
      // One by one from before the second span on, then a batch, then one by one into the end.
      for (let end = 506; end <= 520; end++) await session.sync(tokens.slice(0, end));
      await session.sync(tokens.slice(0, 1015));
      let logits: Float32Array = new Float32Array();
      for (let end = 1016; end <= 1020; end++) logits = await session.sync(tokens.slice(0, end));
      assertSameBits(logits, expected);
    });
  });
}

Deno.test("sync() of n tokens, then one, gives the bits of n + 1 at once", async () => {
  await withModel({ types: "q4_k_m", seed: 7 }, { threads: 2 }, async (model) => {
    const grown = model.session();
    for (const length of [1, 2, 3, 31, 32, 33, 100, 150]) {
      const logits = await grown.sync(PROMPT.slice(0, length));
      await using fresh = model.session();
      assertSameBits(logits, await fresh.sync(PROMPT.slice(0, length)));
    }
  });
});

Deno.test("sync() gives the bits of a fresh session after going back", async () => {
  await withModel({ types: "q8_0", seed: 8 }, { threads: 2, batchSize: 16 }, async (model) => {
    const session = model.session();
    await session.sync(PROMPT);
    const branch = [...PROMPT.slice(0, 61), ...randomTokens(40, 2)];
    await using fresh = model.session();
    assertSameBits(await session.sync(branch), await fresh.sync(branch));
    // A prefix of what is cached: its last token alone is computed again.
    const prefix = PROMPT.slice(0, 61);
    await using another = model.session();
    assertSameBits(await session.sync(prefix), await another.sync(prefix));
  });
});

Deno.test("a session gives the bits of a fresh cache in that of one disposed of", async () => {
  await withModel({ types: "q8_0", seed: 9 }, { threads: 2 }, async (model) => {
    const first = model.session();
    const expected = await first.sync(PROMPT.slice(0, 30));
    await first.sync(randomTokens(100, 3));
    await first[Symbol.asyncDispose]();
    assertSameBits(await model.session().sync(PROMPT.slice(0, 30)), expected);
  });
});
