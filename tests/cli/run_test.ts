import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CHATML_TEMPLATE } from "../../chat/mod.ts";
import { inDirectory, runHere, runThere, spawnCli, writeModel } from "./helpers.ts";

Deno.test("run answers with the model that ships", async () => {
  const { code, stdout, stderr } = await runThere(["run", "What is 2+2?"]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "2 + 2 = 4\n");
  assert.match(stderr, /tok\/s; first token after .* s; decode \d+ tokens/);
  assert.doesNotMatch(stderr, /random/);
});

Deno.test("run says where weights are random", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("random.gguf"));
    const { stderr } = await runHere(["run", "a", "--raw", "-n", "1", "-m", path("random.gguf")]);
    assert.match(stderr, /weights are random/);
  });
});

Deno.test("run --json prints one object, the same for the same seed", async () => {
  const prompt = "Name the days of the week.";
  const args = ["run", prompt, "-n", "12", "--temp", "1", "--seed", "7", "--json"];
  const [first, second] = [await runHere(args), await runHere([...args, "--threads", "1"])];
  const result = JSON.parse(first.stdout);
  assert.deepEqual(Object.keys(result), [
    "text",
    "tokens",
    "finishReason",
    "timeToFirstTokenSeconds",
    "prefill",
    "decode",
  ]);
  assert.equal(result.tokens.length, 12);
  assert.equal(result.finishReason, "length");
  assert.equal(result.decode.tokens, 11);
  assert.ok(result.prefill.tokens > 12 && result.prefill.tokensPerSecond > 0);
  assert.deepEqual(JSON.parse(second.stdout).tokens, result.tokens);
});

Deno.test("run takes the prompt from a pipe", async () => {
  const options = ["-n", "8", "--json"];
  const piped = await runHere(["run", ...options], "What is 2+2?\n");
  const given = await runHere(["run", "What is 2+2?", ...options]);
  assert.deepEqual(JSON.parse(piped.stdout).tokens, JSON.parse(given.stdout).tokens);
});

Deno.test("run --raw leaves the chat template out", async () => {
  const { stdout } = await runHere(["run", "ab", "--raw", "-n", "1", "--json"]);
  assert.ok(JSON.parse(stdout).prefill.tokens <= 2);
});

Deno.test("run refuses wrong usage with exit code 2 and names the flag", async () => {
  for (
    const [args, message] of [
      [["run"], /PROMPT is missing/],
      [["run", "a", "b"], /one operand too many/],
      [["run", "a", "--temp", "warm"], /--temp must be a number/],
      [["run", "a", "--top-p", "0"], /--top-p/],
      [["run", "a", "-n", "0"], /--tokens/],
      [["run", "a", "--top"], /unknown flag --top/],
    ] as const
  ) {
    const { code, stdout, stderr } = await runHere(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, message);
  }
});

Deno.test("run fails with exit code 1 and one line when the model can't be used", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("plain.gguf"));
    for (
      const [args, message] of [
        [["run", "a", "-m", path("absent.gguf")], /absent\.gguf/],
        [["run", "a", "-m", path("plain.gguf")], /no chat template.*--raw/],
        [["run", "a", "--ctx", "1000000"], /'context' must be/],
        [["run", "a ".repeat(3000)], /do not fit into a context of 2048/],
      ] as const
    ) {
      const { code, stdout, stderr } = await runHere(args);
      assert.equal(code, 1, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
      assert.equal(errors.length, 1, stderr);
    }
  });
});

Deno.test("run stops at Ctrl+C, keeps what came, and says how far it got", async () => {
  await inDirectory(async (path) => {
    // Without an end-of-turn token among the likely ones it would go on for thousands of tokens.
    await writeModel(path("long.gguf"), { hidden: 512, layers: 4, chatTemplate: CHATML_TEMPLATE });
    const child = spawnCli(["run", "Hi", "-m", path("long.gguf"), "--raw", "--temp", "2"]);
    child.stdin.close();
    const reader = child.stdout.getReader();
    const first = await reader.read();
    assert.ok(first.value!.length > 0);
    child.kill("SIGINT");
    while (!(await reader.read()).done);
    const stderr = await new Response(child.stderr).text();
    assert.equal((await child.status).code, 1, stderr);
    assert.match(stderr, /interrupted/);
  });
});

/** The lines of a trace. */
function linesOf(path: string): Record<string, unknown>[] {
  const text = readFileSync(path, "utf8");
  assert.ok(text === "" || text.endsWith("\n"), "the last line is whole");
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

Deno.test("run --trace-routing writes a line for each token and layer, and replaces what was there", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("trace.jsonl"), "what was there\n");
    const args = ["run", "Hi", "-n", "4", "--json", "--trace-routing", path("trace.jsonl")];
    const { code, stdout, stderr } = await runHere(args);
    assert.equal(code, 0, stderr);
    const { prefill, tokens } = JSON.parse(stdout);
    const lines = linesOf(path("trace.jsonl"));
    // The model that ships has five layers; the last token drawn goes through none.
    const positions = prefill.tokens + tokens.length - 1;
    assert.deepEqual(
      lines.map(({ position, layer }) => [position, layer]),
      Array.from({ length: 5 * positions }, (_, i) => [Math.floor(i / 5), i % 5]),
    );
    for (const line of lines) {
      assert.deepEqual(Object.keys(line), ["position", "token", "layer", "experts", "weights"]);
      const [experts, weights] = [line.experts as number[], line.weights as number[]];
      assert.equal(new Set(experts).size, 2);
      assert.ok(experts.every((expert) => expert >= 0 && expert < 8));
      assert.ok(Math.abs(weights[0]! + weights[1]! - 1) < 1e-6 && weights[0]! >= weights[1]!);
    }
    const drawn = lines.filter(({ layer }) => layer === 0).map(({ token }) => token);
    assert.deepEqual(drawn.slice(prefill.tokens), tokens.slice(0, -1));
  });
});

Deno.test("run --trace-routing tells the weight of a shared expert", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { architecture: "qwen2moe", types: "q8_0" });
    const args = ["run", "a", "--raw", "-n", "1", "-m", path("m.gguf")];
    await runHere([...args, "--trace-routing", path("trace.jsonl")]);
    for (const { shared } of linesOf(path("trace.jsonl"))) {
      assert.ok(typeof shared === "number" && shared > 0 && shared < 1);
    }
  });
});

Deno.test("run --trace-routing fails where there is nothing to trace, or nowhere to write", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("dense.gguf"), { architecture: "qwen3", types: "q8_0" });
    writeFileSync(path("kept.jsonl"), "kept\n");
    const dense = ["run", "a", "--raw", "-m", path("dense.gguf"), "--trace-routing"];
    for (
      const [args, message] of [
        [[...dense, path("new.jsonl")], /dense\.gguf has no experts/],
        [[...dense, path("kept.jsonl")], /dense\.gguf has no experts/],
        [["run", "a", "--trace-routing", path("no/such.jsonl")], /such\.jsonl: can't be written/],
        [["run", "a", "--trace-routing", path(".")], /can't be written/],
      ] as const
    ) {
      const { code, stdout, stderr } = await runHere(args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, message);
    }
    assert.ok(!existsSync(path("new.jsonl")));
    assert.equal(readFileSync(path("kept.jsonl"), "utf8"), "kept\n");
  });
});

Deno.test("run --trace-routing keeps whole lines when Ctrl+C ends the answer", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("long.gguf"), { hidden: 512, layers: 4 });
    const trace = ["--trace-routing", path("trace.jsonl")];
    const child = spawnCli([
      "run",
      "Hi",
      "-m",
      path("long.gguf"),
      "--raw",
      "--temp",
      "2",
      ...trace,
    ]);
    child.stdin.close();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGINT");
    while (!(await reader.read()).done);
    assert.match(await new Response(child.stderr).text(), /interrupted/);
    assert.equal((await child.status).code, 1);
    const lines = linesOf(path("trace.jsonl"));
    assert.ok(lines.length >= 8 && lines.length % 4 === 0, `${lines.length} lines`);
  });
});
