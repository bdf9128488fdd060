import assert from "node:assert/strict";
import { linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { inDirectory, runHere, spawnCli, writeModel } from "./helpers.ts";

Deno.test("run --trace-routing refuses a file of the model, by whatever name", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("m.gguf"), { types: "q8_0", vocabulary: 300 });
    symlinkSync(path("m.gguf"), path("symbolic"));
    linkSync(path("m.gguf"), path("hard"));
    const before = readFileSync(path("m.gguf"));
    for (const trace of ["m.gguf", "./m.gguf", "symbolic", "hard"]) {
      const args = ["run", "a", "--raw", "-n", "1", "-m", path("m.gguf")];
      const { code, stdout, stderr } = await runHere([...args, "--trace-routing", path(trace)]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /is the file that is read: give --trace-routing another name\n$/);
    }
    assert.deepEqual(readFileSync(path("m.gguf")), before);
  });
});

Deno.test("run --trace-routing leaves an older trace alone where the prompt is refused", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("kept.jsonl"), "kept\n");
    // The model that ships holds 2,048 tokens.
    for (const trace of ["kept.jsonl", "new.jsonl"]) {
      const args = ["run", "a ".repeat(3000), "--trace-routing", path(trace)];
      const { code, stderr } = await runHere(args);
      assert.equal(code, 1);
      assert.match(stderr, /do not fit into a context of 2048/);
    }
    assert.equal(readFileSync(path("kept.jsonl"), "utf8"), "kept\n");
    assert.deepEqual(readdirSync(path(".")), ["kept.jsonl"]);
  });
});

Deno.test("run tells the seed that it picked, and that seed gives the same answer again", async () => {
  const args = ["run", "Hi", "-n", "12"];
  const first = await runHere([...args, "--temp", "1.5"]);
  const [, seed] = /; seed (\d+)\n$/.exec(first.stderr) ?? [];
  assert.ok(seed, first.stderr);
  const second = await runHere([...args, "--temp", "1.5", "--seed", seed]);
  assert.equal(second.stdout, first.stdout);
  assert.ok(!second.stderr.includes("seed"), second.stderr);
  const greedy = await runHere([...args, "--json"]);
  assert.ok(!greedy.stderr.includes("seed") && !("seed" in JSON.parse(greedy.stdout)));
  const drawn = await runHere([...args, "--temp", "1.5", "--json"]);
  assert.ok(drawn.stderr.endsWith(`; seed ${JSON.parse(drawn.stdout).seed}\n`), drawn.stderr);
});

Deno.test("run --raw takes what is piped in as it is, but for one newline at the end", async () => {
  const promptTokens = async (prompt: string, piped: boolean) => {
    const args = ["run", ...(piped ? [] : [prompt]), "--raw", "-n", "1", "--json"];
    const { code, stdout, stderr } = await runHere(args, piped ? `${prompt}\n` : undefined);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).prefill.tokens;
  };
  // Each of these has a token more than the one before.
  const sizes: number[] = [];
  for (const prompt of ["a", "a ", "a \n", "a \n\t"]) {
    sizes.push(await promptTokens(prompt, true));
    assert.equal(sizes.at(-1), await promptTokens(prompt, false), JSON.stringify(prompt));
  }
  assert.deepEqual(sizes, sizes.toSorted((a, b) => a - b));
  assert.ok(sizes[0]! < sizes[3]!);
  assert.equal((await runHere(["run", "--raw"], "\n")).code, 2);
});

Deno.test("run --ctx holds prompt and answer but for the last token, as its help says", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("random.gguf"), { types: "q8_0" });
    const args = ["run", "ab", "-m", path("random.gguf"), "--raw", "--ctx", "12", "--json"];
    const { prefill, tokens, finishReason } = JSON.parse((await runHere(args)).stdout);
    assert.deepEqual([prefill.tokens + tokens.length, finishReason], [12 + 1, "length"]);
  });
  const { stdout } = await runHere(["run", "--help"]);
  assert.match(stdout, /--ctx N +tokens that prompt and answer .* not counting the last/);
});

Deno.test("run stops at Ctrl+C while it waits for a server", async () => {
  const [requested, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    requested.resolve();
    await answered.promise;
    return new Response();
  });
  const child = spawnCli(["run", "a", "-m", `http://127.0.0.1:${server.addr.port}/m.gguf`]);
  child.stdin.close();
  await requested.promise;
  child.kill("SIGINT");
  const { code, stdout, stderr } = await child.output();
  assert.deepEqual([code, stdout.length], [1, 0]);
  assert.equal(new TextDecoder().decode(stderr), "error: interrupted\n");
  answered.resolve();
  await server.shutdown();
});
