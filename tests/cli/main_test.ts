import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { VERBS } from "../../cli/verbs.ts";
import { inDirectory, runHere, runThere, spawnCli, writeModel } from "./helpers.ts";

const VERB_NAMES = Object.keys(VERBS);

Deno.test("--help lists every verb on stdout", async () => {
  const { code, stdout, stderr } = await runHere(["--help"]);
  assert.deepEqual([code, stderr], [0, ""]);
  for (const verb of VERB_NAMES) assert.match(stdout, new RegExp(`^  ${verb} `, "m"));
});

for (const verb of VERB_NAMES) {
  Deno.test(`${verb} --help says how it is used, on stdout`, async () => {
    const { code, stdout, stderr } = await runHere([verb, "--help"]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, new RegExp(`^usage: deno run -A cli.ts ${verb} `, "m"));
    assert.doesNotMatch(stdout, /COMMAND/);
    assert.equal((await runHere([verb, "x", "-h"])).stdout, stdout);
  });

  Deno.test(`${verb} refuses an unknown flag and names those it knows`, async () => {
    const { code, stdout, stderr } = await runHere([verb, "x", "--no-such-flag"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^error: unknown flag --no-such-flag; allowed are --/);
    assert.ok(stderr.endsWith(`see \`deno run -A cli.ts ${verb} --help\`\n`), stderr);
  });
}

Deno.test("--version prints the version of the package", async () => {
  assert.deepEqual(await runHere(["--version"]), {
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: "",
  });
});

Deno.test("a missing or unknown verb is wrong usage, and the message names the verbs", async () => {
  for (const args of [[], ["frobnicate"], ["--frobnicate"], ["constructor"]]) {
    const { code, stdout, stderr } = await runHere(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /inspect, tensors, names/);
    assert.match(stderr, /see `deno run -A cli\.ts --help`\n$/);
  }
});

Deno.test("operands that are missing or too many, and flags without value, are wrong usage", async () => {
  const cases: [string[], RegExp][] = [
    [["inspect"], /^error: MODEL is missing\n/],
    [["inspect", "a", "b"], /^error: "b" is one operand too many; allowed are MODEL\n/],
    [["tensors", "a", "--filter"], /^error: --filter needs a value\n/],
    [["tensors", "a", "--filter", "--json"], /^error: --filter needs a value\n/],
    [["tensors", "a", "--filter=("], /^error: --filter must be a regular expression: /],
    [["names", "a", "--json=yes"], /^error: --json takes no value\n/],
    [["tokenize", "a"], /^error: TEXT is missing; it may also come from --file or a pipe\n/],
    [["tokenize", "a", "x", "--file", "y"], /^error: TEXT and --file exclude each other\n/],
    [
      ["tokenize", "a", "x", "--bos", "--no-bos"],
      /^error: --bos and --no-bos exclude each other\n/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runHere(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, message);
  }
});

Deno.test("a model that can not be read is one line on stderr and exit code 1", async () => {
  await inDirectory(async (path) => {
    await Deno.writeTextFile(path("text"), "this is no model");
    for (const verb of ["inspect", "tensors", "names"]) {
      for (const model of [path("absent.gguf"), path("text"), path(".")]) {
        const { code, stdout, stderr } = await runHere([verb, model]);
        assert.deepEqual([code, stdout], [1, ""]);
        assert.match(stderr, /^error: [^\n]+ GGUF [^\n]+\n$/);
        assert.ok(stderr.includes(model));
      }
    }
  });
});

Deno.test("the process exits with the code, and keeps stdout for the result", async () => {
  const [help, usage, failure] = await Promise.all([
    runThere(["--help"]),
    runThere(["inspect"]),
    runThere(["inspect", "absent.gguf"]),
  ]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.deepEqual([usage.code, usage.stdout], [2, ""]);
  assert.deepEqual([failure.code, failure.stdout], [1, ""]);
  assert.match(failure.stderr, /^error: absent\.gguf: [^\n]+\n$/);
});

Deno.test("a reader that stops reading, as head does, ends the process quietly", async () => {
  await inDirectory(async (path) => {
    // The list is far longer than a pipe's buffer.
    await writeModel(path("deep.gguf"), {
      layers: 500,
      hidden: 32,
      types: "q8_0",
      expertWidth: 32,
    });
    const child = spawnCli(["tensors", path("deep.gguf"), "--json"]);
    await child.stdin.close();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const stderr = await new Response(child.stderr).text();
    assert.deepEqual([(await child.status).code, stderr], [0, ""]);
  });
});
