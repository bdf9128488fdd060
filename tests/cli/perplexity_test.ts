import assert from "node:assert/strict";
import { loadModel } from "../../mod.ts";
import { logSoftmax } from "../../falsification/qwen3_moe_forward/rows.ts";
import { changedModel, tensorOf } from "../engine/helpers.ts";
import { inDirectory, runHere, writeModel } from "./helpers.ts";

/** A text of some hundred tokens, which a random model foretells badly. */
const WORDS = Array.from({ length: 200 }, (_, i) => `word ${i * i % 97}`).join(", ");

Deno.test("perplexity scores the second half of each window, as the definition says", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { types: "q8_0", seed: 4 });
    await Deno.writeTextFile(path("t"), WORDS);
    const args = ["perplexity", path("m.gguf"), "--file", path("t"), "--context", "100"];
    const { code, stdout, stderr } = await runHere([...args, "--json"]);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);

    await using model = await loadModel(path("m.gguf"), { threads: 1 });
    const tokens = model.tokenizer.encode(WORDS);
    const windows = Math.floor(tokens.length / 100);
    assert.ok(windows >= 3);
    const scored: number[] = [];
    for (let at = 0; at < 100 * windows; at += 100) {
      const own = tokens.slice(at, at + 100);
      await using session = model.session();
      const rows = await Array.fromAsync(session.logits(own), logSoftmax);
      // Position 50 foretells token 51, and position 98 the last one.
      for (let i = 50; i < 99; i++) scored.push(-rows[i]![own[i + 1]!]!);
    }
    const mean = scored.reduce((a, b) => a + b) / scored.length;
    const square = scored.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
    const error = Math.exp(mean) * Math.sqrt(square / (scored.length - 1) / scored.length);
    assert.deepEqual([result.tokens, result.windows, result.context], [49 * windows, windows, 100]);
    assert.ok(Math.abs(result.perplexity / Math.exp(mean) - 1) < 1e-5, `${result.perplexity}`);
    assert.ok(Math.abs(result.error / error - 1) < 1e-3, `${result.error}, not ${error}`);

    const text = await runHere(args);
    const expected =
      `perplexity ${result.perplexity.toFixed(4)} ± ${result.error.toFixed(4)} over ` +
      `${49 * windows} tokens\n`;
    assert.equal(text.stdout, expected);
    assert.ok(text.stderr.startsWith("window 1 of "), text.stderr);
    assert.ok(text.stderr.endsWith(`window ${windows} of ${windows}: ${expected}`), text.stderr);
  });
});

Deno.test("perplexity takes a short text as one window, and the context that the model has", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { types: "q8_0", context: 64 });
    const measure = async (text: string, ...more: string[]) => {
      await Deno.writeTextFile(path("t"), text);
      const args = ["perplexity", path("m.gguf"), "--file", path("t"), "--json", ...more];
      const { code, stdout, stderr } = await runHere(args);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    // Each of these is a byte of the made-up vocabulary, alone or merged.
    const short = await measure("@#@#@#@#@");
    assert.deepEqual([short.windows, short.context], [1, 64]);
    const long = await measure(WORDS);
    assert.ok(long.windows > 1 && long.context === 64);
    // Half of 64 is 32: positions 32 to 62 are scored.
    assert.equal(long.tokens, 31 * long.windows);
    const narrow = await measure(WORDS, "--context", "9", "--kv", "q8_0", "--threads", "1");
    // Half of 9 is 4: positions 4 to 7.
    assert.equal(narrow.tokens, 4 * narrow.windows);
  });
});

Deno.test("perplexity refuses texts that are missing or too short, and contexts too long", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { types: "q8_0", context: 64 });
    await Deno.writeTextFile(path("empty"), "");
    await Deno.writeTextFile(path("short"), "a");
    await Deno.writeTextFile(path("long"), WORDS);
    const cases: [string, string[], RegExp][] = [
      ["absent", [], /^error: ENOENT[^\n]+absent[^\n]+\n$/],
      ["empty", [], /^error: [^\n]+empty is empty: there is nothing to foretell\n$/],
      ["short", [], /^error: [^\n]+short has 1 token: at least 5 are needed\n$/],
      ["long", ["--context", "65"], /^error: 'context' must be a whole number from 1 to 64/],
    ];
    for (const [text, more, message] of cases) {
      const args = ["perplexity", path("m.gguf"), "--file", path(text), ...more];
      const { code, stdout, stderr } = await runHere(args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, message);
    }
    const absent = await runHere(["perplexity", path("no.gguf"), "--file", path("long")]);
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /no\.gguf/);
  });
});

Deno.test("perplexity fails at the first logits that are no numbers", async () => {
  await inDirectory(async (path) => {
    const broken = await changedModel({ types: "q8_0", context: 64 }, (file) => {
      new Float32Array(tensorOf(file, "output_norm.weight").data.buffer)[0] = NaN;
    });
    await Deno.writeFile(path("m.gguf"), broken.stream());
    await Deno.writeTextFile(path("t"), WORDS);
    const { code, stdout, stderr } = await runHere([
      ...["perplexity", path("m.gguf"), "--file", path("t"), "--json"],
    ]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: The logit of token 0 is NaN[^\n]*\n$/);
  });
});

Deno.test("perplexity refuses wrong usage with exit code 2", async () => {
  for (
    const [args, message] of [
      [["perplexity"], /MODEL is missing/],
      [["perplexity", "m"], /--file is missing/],
      [["perplexity", "m", "--file", "t", "--context", "7"], /--context must be an integer from 8/],
    ] as const
  ) {
    const { code, stderr } = await runHere(args);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
