import assert from "node:assert/strict";
import { runTests } from "../../cli/falsify.ts";
import type { Io } from "../../cli/verb.ts";
import type { Model } from "../../engine/model.ts";
import type { BoundTest, ModelKind, ModelUnderTest } from "../../falsification/mod.ts";
import { capture, inDirectory, type Outcome, runHere, runThere, writeModel } from "./helpers.ts";

/** A test that does what it is given. */
function bound(
  contract: string,
  id: string,
  run: (model: ModelUnderTest) => void | Promise<void> = () => {},
  of?: ModelKind,
): BoundTest {
  return { contract, id, title: `title of ${id}`, of, run: async (model) => await run(model) };
}

function falsifyHere(
  tests: readonly BoundTest[],
  args: readonly string[] = [],
  change: Partial<Io> = {},
): Promise<Outcome> {
  return capture((io) => runTests(tests, args, { ...io, ...change }));
}

Deno.test("falsify prints each verdict under its contract, and their sum", async () => {
  const tests = [
    bound("first-v1", "F-FIRST-001"),
    bound("second-v1", "F-SECOND-001"),
    bound(
      "first-v1",
      "F-FIRST-002",
      () => assert.fail("1 is not 2\n\u001b[31m+ 1\u001b[39m\u0000"),
    ),
  ];
  const { code, stdout, stderr } = await falsifyHere(tests);
  assert.deepEqual([code, stderr], [1, ""]);
  assert.equal(
    stdout,
    `first-v1
  passed   F-FIRST-001  title of F-FIRST-001
  failed   F-FIRST-002  title of F-FIRST-002
           1 is not 2
             + 1\\u0000
second-v1
  passed   F-SECOND-001  title of F-SECOND-001
2 passed, 1 failed, 0 skipped
`,
  );
});

Deno.test("falsify --json prints an array of four keys and nothing else", async () => {
  const tests = [
    bound("a-v1", "F-A-001"),
    bound("a-v1", "F-A-002", () => assert.fail("two\nlines")),
  ];
  const { code, stdout, stderr } = await falsifyHere(tests, ["--json"]);
  assert.deepEqual([code, stderr], [1, ""]);
  assert.deepEqual(JSON.parse(stdout), [
    { contract: "a-v1", id: "F-A-001", status: "passed", reason: "" },
    { contract: "a-v1", id: "F-A-002", status: "failed", reason: "two\nlines" },
  ]);
});

Deno.test("falsify cuts a long reason in text, and not in JSON", async () => {
  const reason = Array.from({ length: 100 }, (_, line) => `line ${line}`).join("\n");
  const tests = [bound("a-v1", "F-A-001", () => assert.fail(reason))];
  const text = await falsifyHere(tests);
  assert.match(text.stdout, /line 23\n +… 76 more lines\n0 passed, 1 failed/);
  assert.equal(JSON.parse((await falsifyHere(tests, ["--json"])).stdout)[0].reason, reason);
});

Deno.test("falsify takes contracts by name or path, in the order that they have", async () => {
  const tests = ["a-v1", "b-v1", "c-v1"].map((contract) => bound(contract, `F-OF-${contract}`));
  const run = async (...args: string[]) =>
    JSON.parse((await falsifyHere(tests, [...args, "--json"])).stdout)
      .map(({ contract }: { contract: string }) => contract);
  assert.deepEqual(await run("b-v1"), ["b-v1"]);
  assert.deepEqual(await run("contracts/c-v1.yaml", "a-v1", "./c-v1.yaml"), ["a-v1", "c-v1"]);
  assert.deepEqual(await run(), ["a-v1", "b-v1", "c-v1"]);
});

Deno.test("falsify refuses an unknown contract and names those with tests", async () => {
  const { code, stdout, stderr } = await runHere(["falsify", "moe-router-v1", "moe-ruter-v1"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(
    stderr,
    /^error: "moe-ruter-v1" is no contract with tests; there are .*moe-router-v1/,
  );
});

Deno.test("falsify skips what a dense model has nothing to say about, with the reason", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("dense.gguf"), { architecture: "qwen3" });
    const tests = [
      bound("a-v1", "F-A-001"),
      bound("a-v1", "F-A-002", ({ file }) => {
        assert.equal(file.metadata.get("general.architecture"), "qwen3");
      }, "model"),
      bound("a-v1", "F-A-003", () => assert.fail("must not run"), "mixture"),
    ];
    const { code, stdout, stderr } = await falsifyHere(tests, ["-m", path("dense.gguf")]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^ {2}skipped {2}F-A-003 .*\n {11}qwen3 has no experts$/m);
    assert.match(stdout, /\n2 passed, 0 failed, 1 skipped\n$/);
  });
});

Deno.test("falsify fails where every test was skipped, for that shows nothing", async () => {
  await inDirectory(async (path) => {
    await writeModel(path("dense.gguf"), { architecture: "qwen3" });
    const tests = [bound("a-v1", "F-A-001", () => {}, "mixture")];
    const { code, stdout, stderr } = await falsifyHere(tests, ["-m", path("dense.gguf"), "--json"]);
    assert.deepEqual(JSON.parse(stdout), [
      { contract: "a-v1", id: "F-A-001", status: "skipped", reason: "qwen3 has no experts" },
    ]);
    assert.deepEqual([code, stderr], [1, "error: no test passed, so nothing is shown\n"]);
  });
});

Deno.test("falsify refuses a model that can't be read, before any test", async () => {
  await inDirectory(async (path) => {
    await Deno.writeTextFile(path("broken.gguf"), "this is no model");
    await writeModel(path("cut.gguf"));
    await Deno.truncate(path("cut.gguf"), (await Deno.stat(path("cut.gguf"))).size - 1);
    for (const model of [path("broken.gguf"), path("cut.gguf"), path("absent.gguf")]) {
      const { code, stdout, stderr } = await runHere(["falsify", "moe-router-v1", "-m", model]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^error: [^\n]+\n$/);
      assert.ok(stderr.includes(model));
    }
  });
});

Deno.test("falsify frees the model that tests have loaded", async () => {
  let model: Model | undefined;
  const load = async (under: ModelUnderTest) => {
    model = await under.loaded();
    assert.equal(await under.loaded(), model);
    await using session = model.session();
    assert.ok((await session.sync([1])).length > 0);
  };
  const { code, stdout } = await falsifyHere([bound("a-v1", "F-A-001", load, "model")]);
  assert.equal(code, 0, stdout);
  await assert.rejects(async () => await model!.session().sync([1]));
});

Deno.test("falsify stops at Ctrl+C within a test, and keeps the verdicts so far", async () => {
  for (const more of [[], ["--json"]]) {
    const controller = new AbortController();
    let under: ModelUnderTest | undefined;
    const tests = [
      bound("a-v1", "F-A-001"),
      bound("a-v1", "F-A-002", (model) => {
        under = model;
        controller.abort();
        return new Promise(() => {});
      }),
      bound("a-v1", "F-A-003", () => assert.fail("must not run")),
    ];
    const { code, stdout, stderr } = await falsifyHere(tests, more, {
      interruption: () => controller.signal,
    });
    assert.deepEqual([code, stderr], [1, "interrupted after 1 of 3 tests\n"]);
    const passed = { contract: "a-v1", id: "F-A-001", status: "passed", reason: "" };
    if (more.length > 0) assert.deepEqual(JSON.parse(stdout), [passed]);
    else assert.match(stdout, /F-A-001.*\n1 passed, 0 failed, 0 skipped\n$/);
    await assert.rejects(under!.loaded(), /was closed/);
  }
});

Deno.test("falsify lets Ctrl+C come between tests that never wait", async () => {
  const controller = new AbortController();
  const tests = [
    bound("a-v1", "F-A-001", () => void setTimeout(() => controller.abort())),
    ...Array.from({ length: 50 }, (_, i) => bound("a-v1", `F-A-${i + 100}`)),
  ];
  const { code, stdout } = await falsifyHere(tests, ["--json"], {
    interruption: () => controller.signal,
  });
  assert.equal(code, 1);
  assert.ok(JSON.parse(stdout).length < 10);
});

Deno.test("falsify runs the contracts' tests, and its process ends by itself", async () => {
  const { code, stdout, stderr } = await runThere(["falsify", "moe-router-v1"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^moe-router-v1\n {2}passed {3}F-ROUTER-001 /);
  assert.match(stdout, /\n\d+ passed, 0 failed, 0 skipped\n$/);
});
