import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CHATML_TEMPLATE } from "../../chat/mod.ts";
import { DEFAULT_MODEL } from "../../cli/default_model.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { inDirectory, runHere, runThere, spawnCli, writeModel } from "./helpers.ts";

Deno.test("run answers with the model that ships, and says that it is random", async () => {
  const { code, stdout, stderr } = await runThere(["run", "What is 2+2?"]);
  assert.equal(code, 0, stderr);
  assert.notEqual(stdout.trim(), "");
  assert.match(stderr, /weights are random/);
  assert.match(stderr, /tok\/s; first token after .* s; decode \d+ tokens/);
});

Deno.test("the model that ships is what synth makes", async () => {
  const blob = await synthesizeBlob({
    layers: 2,
    hidden: 128,
    heads: 4,
    kvHeads: 2,
    headSize: 32,
    experts: 8,
    expertsUsed: 2,
    expertWidth: 64,
    vocabulary: 512,
    context: 160,
    types: "q8_0",
    seed: 20,
    chatTemplate: CHATML_TEMPLATE,
  });
  const shipped = readFileSync(DEFAULT_MODEL);
  assert.ok(shipped.equals(new Uint8Array(await blob.arrayBuffer())), "deno task model makes it");
});

Deno.test("run --json prints one object, the same for the same seed", async () => {
  const args = ["run", "Hello", "-n", "12", "--temp", "1", "--seed", "7", "--json"];
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
        [["run", "a".repeat(2000)], /do not fit into a context of 160/],
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
