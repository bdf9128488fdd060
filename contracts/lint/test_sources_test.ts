import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { scanTests, testsIn } from "./test_sources.ts";

/** Id, line and how it is skipped, of each test of a source. */
function found(source: string): [id: string, line: number, skipped: string | undefined][] {
  return testsIn(source, "some_test.ts").map(({ id, line, skipped }) => [id, line, skipped]);
}

/** How the only test of a source is skipped. */
function skipOf(source: string): string | undefined {
  const tests = found(source);
  assert.equal(tests.length, 1, source);
  return tests[0]![2];
}

Deno.test("testsIn() finds a test in every form that says its title", () => {
  for (
    const call of [
      `Deno.test("F-A-001 holds", () => {})`,
      "Deno.test(`F-A-001 holds`, function () {})",
      `Deno.test("F-A-001 " +\n "holds", async () => {})`,
      `Deno.test("F-A-001 holds", { permissions: {} }, () => {})`,
      `Deno.test({ name: "F-A-001 holds", fn() {} })`,
      `Deno.test({ fn: () => {}, "name": "F-A-001 holds" as const })`,
      `Deno.test({ name: "F-A-001 holds", ignore: false, only: false }, () => {})`,
      `Deno.test({ ...base, name: "F-A-001 holds", ignore: false, fn })`,
      `globalThis.Deno["test"]("F-A-001 holds", (t) => t.step("F-B-001 step", () => {}))`,
      `for (const x of [1]) { Deno?.test("F-A-001 holds", () => {}); }`,
    ]
  ) {
    const [test, ...more] = testsIn(`\n${call};`, "a/b_test.ts");
    assert.deepEqual(more, [], call);
    assert.deepEqual({ ...test, skipped: undefined }, {
      id: "F-A-001",
      title: "F-A-001 holds",
      contract: undefined,
      path: "a/b_test.ts",
      line: 2,
      skipped: undefined,
    }, call);
  }
});

Deno.test("testsIn() reads ids of both forms, and takes nothing else for one", () => {
  const id = (title: string) => found(`Deno.test(${JSON.stringify(title)}, () => {})`)[0]?.[0];
  assert.equal(id("FALSIFY-MOE-2-017 holds"), "FALSIFY-MOE-2-017");
  assert.equal(id("F-TNV-008"), "F-TNV-008");
  for (
    const other of ["F-A-01 holds", "F-A-0011 holds", "F-a-001 holds", "F-001 holds", "see F-A-001"]
  ) {
    assert.equal(id(other), undefined, other);
  }
});

Deno.test("testsIn() takes no comment, string, step, hook or other function for a test", () => {
  assert.deepEqual(
    found(`
      // Deno.test("F-A-001 holds", () => {});
      const source = 'Deno.test("F-A-002 holds", () => {})';
      Deno.bench("F-A-003 holds", () => {});
      Deno.test.beforeAll(() => {});
      test("F-A-004 holds", () => {});
      Deno.test(function named() {});
      Deno.test("steps", async (t) => {
        await t.step("F-A-005 holds", () => {});
        await t.step({ name: "F-A-006 holds", ignore: true, fn() {} });
      });
    `),
    [],
  );
});

Deno.test("testsIn() says how a test is left out", () => {
  for (
    const [call, how] of [
      [`Deno.test.ignore("F-A-001 holds", () => {})`, "Deno.test.ignore"],
      [`Deno.test.ignore({ name: "F-A-001 holds", fn })`, "Deno.test.ignore"],
      [`Deno.test({ name: "F-A-001 holds", ignore: true, fn })`, "ignore: true"],
      [`Deno.test("F-A-001 holds", { ignore: 1 > 2 }, fn)`, "ignore: 1 > 2"],
      [`Deno.test({ name: "F-A-001 holds", ignore, fn })`, "ignore"],
      [`Deno.test({ name: "F-A-001 holds", ["ignore"]: !there, fn })`, `["ignore"]: !there`],
      [`Deno.test("F-A-001 holds", options, fn)`, "its options can't be read off the source"],
      [`Deno.test("F-A-001 holds", ...rest)`, "its options can't be read off the source"],
      [
        `Deno.test({ name: "F-A-001 holds", ...options })`,
        // The title may be another too, so this is the registration of an unknown one.
        "its options can't be read off the source",
      ],
      [`if (there)\nDeno.test("F-A-001 holds", fn)`, "registered under a condition (line 1)"],
      [`there && Deno.test("F-A-001 holds", fn)`, "registered under a condition (line 1)"],
      [`try {} catch { Deno.test("F-A-001 x", fn) }`, "registered under a condition (line 1)"],
    ] as const
  ) {
    assert.equal(skipOf(call), how, call);
  }
});

Deno.test("testsIn() has `only` skip all other tests of the file", () => {
  const alone = (call: string) =>
    found(`Deno.test("F-A-001 holds", fn);\n${call};\nDeno.test("F-A-003 holds", fn);`);
  const skipped = "another test of the file has only (line 2)";
  for (
    const call of [
      `Deno.test.only("F-A-002 holds", fn)`,
      `Deno.test("F-A-002 holds", { only: true }, fn)`,
      `Deno.test({ name: "F-A-002 holds", only: process.env.X === "1", fn })`,
    ]
  ) {
    assert.deepEqual(alone(call), [
      ["F-A-001", 1, skipped],
      ["F-A-002", 2, undefined],
      ["F-A-003", 3, skipped],
    ]);
  }
  assert.deepEqual(alone(`Deno.test.only("unrelated", fn)`), [
    ["F-A-001", 1, skipped],
    ["F-A-003", 3, skipped],
  ]);
});

Deno.test("testsIn() reports what is skipped and might be a falsification test", () => {
  const loop = (call: string) =>
    `import { FALSIFICATION_TESTS } from "../mod.ts";
    for (const test of FALSIFICATION_TESTS) ${call}`;
  const skipped = (call: string) =>
    testsIn(loop(call), "x_test.ts").map(({ id, title, line, skipped }) => {
      assert.deepEqual([id, title, line], ["", "(computed)", 2]);
      return skipped;
    });
  const title = "`${test.id} ${test.title}`";
  assert.deepEqual(skipped(`Deno.test(${title}, () => {})`), []);
  for (
    const [call, how] of [
      [`Deno.test.ignore(${title}, () => {})`, "Deno.test.ignore"],
      [`Deno.test({ name: ${title}, ignore: true, fn })`, "ignore: true"],
      [`Deno.test({ name: test.title, ignore: !test.of, fn })`, "ignore: !test.of"],
      [`Deno.test("F-A-" + test.number, { ignore: true }, fn)`, "ignore: true"],
      [`Deno.test(definitionOf(test))`, "its options can't be read off the source"],
      [`if (test.of) Deno.test(${title}, fn)`, "registered under a condition (line 2)"],
      [`(run ? register : Deno.test.ignore)(${title}, fn)`, "Deno.test.ignore is not called"],
      [`Deno.test.ignore.each(cases)("%s", fn)`, "Deno.test.ignore.each"],
    ] as const
  ) {
    const [only, ...more] = skipped(call);
    assert.deepEqual(more, []);
    assert.ok(only?.startsWith(how), `${call}: ${only}`);
  }
  assert.deepEqual(skipped("Deno.test.ignore(`a vocabulary ${test}`, fn)"), []);
  assert.deepEqual(skipped("Deno.test(`${test.id}`, fn); Deno.test.only('alone', fn)"), [
    "another test of the file has only (line 2)",
  ]);
});

Deno.test("testsIn() lets files that speak of no falsification skip computed titles", () => {
  assert.deepEqual(found("for (const x of list) Deno.test({ name: x, ignore: !x, fn })"), []);
});

Deno.test("testsIn() reads the TypeScript of today", () => {
  const source = `
    import data from "./data.json" with { type: "json" };
    await using file = await open();
    class Box<const T> { @logged accessor value = <T>1; #x?: T; }
    const pattern = /(?<year>\\d{4})/v satisfies RegExp;
    enum Color { Red }
    Deno.test("F-A-001 holds", () => {});
  `;
  assert.deepEqual(found(source), [["F-A-001", 7, undefined]]);
});

Deno.test("testsIn() names the file that does not parse, and the place", () => {
  assert.throws(() => testsIn("let a = 1;\nlet b = ;", "some/where_test.ts"), {
    name: "SourceError",
    message: /^some\/where_test\.ts does not parse: .*\(2:8\)/,
  });
});

Deno.test("scanTests() reads every *_test.ts but what is hidden, foreign or a fixture", async () => {
  const root = mkdtempSync(join(tmpdir(), "scan-"));
  try {
    const write = (path: string, source: string) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), source);
    };
    const test = (id: string) => `Deno.test("${id} holds", () => {});`;
    write("b/deep/er_test.ts", test("F-B-001"));
    write("a name with # and %_test.ts", test("F-A-001"));
    write("b_test.ts", test("F-C-001"));
    write("b/source.ts", test("F-X-001"));
    for (const folder of [".git", "node_modules/x", "b/fixtures", "b/.cache"]) {
      write(`${folder}/x_test.ts`, "does not parse");
    }
    const url = pathToFileURL(root);
    assert.deepEqual((await scanTests(url)).map(({ path, id }) => [path, id]), [
      ["a name with # and %_test.ts", "F-A-001"],
      ["b/deep/er_test.ts", "F-B-001"],
      ["b_test.ts", "F-C-001"],
    ]);
    write("b/broken_test.ts", "does not parse");
    await assert.rejects(scanTests(url), { message: /^b\/broken_test\.ts does not parse: / });
  } finally {
    rmSync(root, { recursive: true });
  }
});

Deno.test("testsIn() sees when the tests of all contracts are skipped", async () => {
  const path = "falsification/falsification_test.ts";
  const source = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  assert.deepEqual(testsIn(source, path), []);
  assert.ok(source.includes("Deno.test("));
  const skipped = source.replace("Deno.test(", "Deno.test.ignore(");
  assert.deepEqual(testsIn(skipped, path).map(({ id, skipped }) => [id, skipped]), [
    ["", "Deno.test.ignore"],
  ]);
});
