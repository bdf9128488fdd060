import assert from "node:assert/strict";
import { inDirectory, runHere, writeModel } from "./helpers.ts";

const SHORT = ["-p", "8", "-n", "3", "-r", "2"];

Deno.test("bench --json tells of each test, thread count and depth", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { layers: 1, types: "q8_0", context: 600 });
    const { code, stdout } = await runHere(
      ["bench", "-m", path("m.gguf"), ...SHORT, "--threads", "1,2", "--depth", "0,16", "--json"],
    );
    assert.equal(code, 0);
    const rows = JSON.parse(stdout);
    assert.deepEqual(
      rows.map(({ threads, depth, test }: Record<string, unknown>) => [threads, depth, test]),
      [1, 2].flatMap((threads) =>
        [0, 16].flatMap((depth) => [[threads, depth, "pp8"], [threads, depth, "tg3"]])
      ),
    );
    for (const row of rows) {
      assert.deepEqual(Object.keys(row), [
        "test",
        "threads",
        "depth",
        "tokensPerSecond",
        "activeBytesPerToken",
        "streamBytesPerSecond",
        "bandwidthFraction",
        "expertHitRate",
      ]);
      const { tokensPerSecond: { mean, deviation }, streamBytesPerSecond } = row;
      assert.ok(mean > 0 && deviation >= 0 && streamBytesPerSecond > 0, JSON.stringify(row));
      const isPrompt = row.test === "pp8";
      const fraction = row.activeBytesPerToken * mean / streamBytesPerSecond;
      assert.equal(row.bandwidthFraction, isPrompt ? null : fraction);
      assert.ok(row.expertHitRate > 0 && row.expertHitRate <= 1, JSON.stringify(row));
    }
  });
});

Deno.test("bench counts the bytes that a decoded token reads", async () => {
  await inDirectory(async (path) => {
    const shape = { layers: 2, hidden: 64, heads: 2, kvHeads: 1, headSize: 32, vocabulary: 260 };
    await writeModel(path("m.gguf"), {
      ...shape,
      experts: 8,
      expertsUsed: 2,
      expertWidth: 32,
      types: "f32",
    });
    const { stdout } = await runHere(["bench", "-m", path("m.gguf"), ...SHORT, "--json"]);
    // Of each layer q, k, v and output; q and k norms, two norms; the router; 2 experts of 3 matrices.
    const layer = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 2 * 32 + 2 * 64 + 64 * 8 + 2 * 3 * 64 * 32;
    // Besides one row of embeddings, the last norm, the head.
    const floats = 2 * layer + 64 + 64 + 64 * 260;
    assert.equal(JSON.parse(stdout)[0].activeBytesPerToken, 4 * floats);
  });
});

Deno.test("bench prints a table, without a hit rate where there are no experts", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { architecture: "qwen3", layers: 1, types: "q8_0" });
    const { code, stdout } = await runHere(["bench", "-m", path("m.gguf"), ...SHORT]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^.*m\.gguf: .* of weights for each token\n\ntest +threads +depth +tok\/s/,
    );
    assert.match(stdout, /\npp8 +\d+ +0 +[\d.]+ +± [\d.]+ +[\d.]+\n/);
    assert.match(stdout, /\ntg3 +\d+ +0 +[\d.]+ +± [\d.]+ +[\d.]+ +[\d.]+%\n$/);
  });
});

Deno.test("bench refuses what it can't measure", async () => {
  for (
    const [args, message] of [
      [["-p", "0", "-n", "0"], "-p 0 and -n 0 leave nothing to measure"],
      [["--threads", "1,x"], "--threads must be an integer from 1"],
      [["--depth", ""], "--depth must be an integer from 0"],
      [["--memory", "lots"], "--memory must be a number of bytes such as 6GiB or 800MB"],
      [["extra"], 'error: "extra" is one operand too many; none is allowed\n'],
      [["-r", "0"], "--repetitions must be an integer from 1"],
    ] as const
  ) {
    const { code, stderr } = await runHere(["bench", ...args]);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(message), stderr);
  }
});

Deno.test("a memory budget that is too small is told with the one that works", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { layers: 2 });
    const args = ["run", "hello", "-m", path("m.gguf"), "--raw", "-n", "2", "--ctx", "64"];
    const refused = await runHere([...args, "--memory", "1MB"]);
    assert.equal(refused.code, 1);
    const [, enough] = /--memory (\d+MiB)/.exec(refused.stderr) ?? [];
    assert.ok(enough, refused.stderr);
    assert.ok(!refused.stderr.includes("MOE_DEBUG"), refused.stderr);
    assert.equal((await runHere([...args, "--memory", enough])).code, 0);
  });
});
