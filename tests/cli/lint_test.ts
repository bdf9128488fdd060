import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { checkoutOf } from "../../cli/lint.ts";
import { readLintInput } from "../../cli/lint_input.ts";
import { CommandError } from "../../cli/verb.ts";
import { GATES, type LintReport } from "../../contracts/lint/lint.ts";
import { LINT_RULES } from "../../contracts/lint/rules.ts";
import { LOCK_NAME } from "../../contracts/pin.ts";
import { FALSIFICATION_TESTS } from "../../falsification/mod.ts";
import { inDirectory, type Outcome, runHere } from "./helpers.ts";

const CONTRACTS = fileURLToPath(new URL("../../contracts/", import.meta.url));

/** Lints a copy of this repository's contracts after something was done to it. */
async function lintChanged(
  change: (path: (name: string) => string) => void,
  ...args: string[]
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await inDirectory(async (path) => {
    for (const name of readdirSync(CONTRACTS)) {
      if (name.endsWith(".yaml") || name === LOCK_NAME) cpSync(CONTRACTS + name, path(name));
    }
    change(path);
    outcome = await runHere(["lint", path("."), ...args]);
  });
  return outcome!;
}

/** The gate that failed, and the rules that it found broken; what follows it was skipped. */
function failure({ code, stdout, stderr }: Outcome): [string | undefined, string[]] {
  assert.deepEqual([code, stderr], [1, ""]);
  const { gates, scores }: LintReport = JSON.parse(stdout);
  const failed = gates.findIndex(({ status }) => status !== "passed");
  assert.deepEqual(gates.slice(failed).map(({ status }) => status), [
    "failed",
    ...GATES.slice(failed + 1).map(() => "skipped"),
  ]);
  if (gates[failed]!.gate !== "score") assert.deepEqual(scores, []);
  const rules = new Set(gates[failed]!.findings.map(({ rule }) => rule));
  return [gates[failed]!.gate, [...rules]];
}

function edit(path: string, from: string | RegExp, to: string): void {
  const text = readFileSync(path, "utf8");
  const changed = text.replace(from, () => to);
  assert.notEqual(changed, text, `${path} has no ${from}`);
  writeFileSync(path, changed);
}

Deno.test("lint passes the contracts of this repository through every gate", async () => {
  const { code, stdout, stderr } = await runHere(["lint", CONTRACTS]);
  for (const gate of GATES) assert.match(stdout, new RegExp(`^${gate} +passed +0 errors$`, "m"));
  assert.match(stdout, /^moe-router-v1 +\d+\.\d /m);
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("lint --json has every gate, and the score of each contract with its parts", async () => {
  const { code, stdout } = await runHere(["lint", CONTRACTS, "--json"]);
  assert.equal(code, 0);
  const { gates, scores }: LintReport = JSON.parse(stdout);
  assert.deepEqual(gates, GATES.map((gate) => ({ gate, status: "passed", findings: [] })));
  assert.equal(
    scores.length,
    readdirSync(CONTRACTS).filter((name) => name.endsWith(".yaml")).length,
  );
  for (const { contract, score, floor, parts } of scores) {
    assert.ok(score >= floor && score <= 100, contract);
    const sum = Object.values(parts).reduce((sum, points) => sum + points, 0);
    // Each of six parts is rounded to a tenth, and so is the score.
    assert.ok(Math.abs(sum - score) <= 0.35, `${contract}: ${sum} is not ${score}`);
  }
});

Deno.test("lint judges one contract, and lets it refer to its siblings", async () => {
  const { code, stdout } = await runHere(["lint", `${CONTRACTS}moe-router-v1.yaml`, "--json"]);
  assert.equal(code, 0, stdout);
  const { scores }: LintReport = JSON.parse(stdout);
  assert.deepEqual(scores.map(({ contract }) => contract), ["moe-router-v1"]);
});

Deno.test("lint fails at validate for a contract that is not well-formed", async () => {
  const outcome = await lintChanged((path) => {
    edit(path("moe-router-v1.yaml"), "proof_obligations:", "proof_obligation:");
  }, "--json");
  assert.deepEqual(failure(outcome), ["validate", ["SCHEMA-019"]]);
});

Deno.test("lint fails at audit for a rule that is reworded", async () => {
  const outcome = await lintChanged((path) => {
    edit(path("moe-router-v1.yaml"), "property: Ties go to", "property: Ties are for");
  }, "--json");
  assert.deepEqual(failure(outcome), ["audit", ["AUDIT-001", "AUDIT-002"]]);
});

Deno.test("lint fails at bind for a test that is renamed, or is of no contract", async () => {
  const renamed = await lintChanged((path) => {
    edit(path("moe-router-v1.yaml"), "test: F-ROUTER-001 softmax", "test: F-ROUTER-001 Softmax");
  }, "--json");
  assert.deepEqual(failure(renamed), ["bind", ["BIND-001"]]);
  // No other contract depends on this one.
  const removed = await lintChanged((path) => rmSync(path("mixtral-forward-v1.yaml")), "--json");
  assert.deepEqual(failure(removed), ["bind", ["BIND-004"]]);
});

Deno.test("lint fails at shapes for a contract whose table was not written", async () => {
  const outcome = await lintChanged((path) => {
    edit(path("tensor-names-v1.yaml"), "blk.{n}.ffn_gate_inp.weight", "blk.{n}.router.weight");
  }, "--json");
  assert.deepEqual(failure(outcome), ["shapes", ["SHAPES-001"]]);
});

Deno.test("lint compares with the table beside the contract, if it is there", async () => {
  const outcome = await lintChanged((path) => {
    writeFileSync(path("tensor_names.ts"), "// an old table\n");
  }, "--json");
  assert.deepEqual(failure(outcome), ["shapes", ["SHAPES-001"]]);
});

Deno.test("lint fails at pin for a contract that changed under its version", async () => {
  const edited = await lintChanged((path) => {
    edit(path("moe-router-v1.yaml"), "name: Router", "name: The router");
  }, "--json");
  assert.deepEqual(failure(edited), ["pin", ["PIN-001"]]);
  const unlocked = await lintChanged((path) => rmSync(path(LOCK_NAME)), "--json");
  assert.deepEqual(failure(unlocked), ["pin", ["PIN-001"]]);
});

Deno.test("lint prints its gates, and findings as validate does", async () => {
  let router = "";
  const { code, stdout } = await lintChanged((path) => {
    router = path("moe-router-v1.yaml");
    edit(router, "id: moe-router-v1", "id: moe-router-v2");
  });
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^validate +passed +0 errors\naudit +failed +1 error\nbind +skipped\n/,
  );
  assert.ok(
    stdout.endsWith(
      `\n\n${router}:3:3: error AUDIT-005 ` +
        "the id is 'moe-router-v2', and the file's name says 'moe-router-v1'\n",
    ),
    stdout,
  );
});

Deno.test("lint knows where each falsification test stands, and which are left out", async () => {
  await inDirectory(async (path) => {
    mkdirSync(path("falsification"));
    const [first] = FALSIFICATION_TESTS;
    writeFileSync(path("falsification/own.ts"), `\n\n{ id: "${first!.id}" }\n`);
    writeFileSync(path("b_test.ts"), '\nDeno.test.ignore("F-OWN-001 is left out", () => {});\n');
    const checkout = pathToFileURL(path("."));
    const { tests } = await readLintInput([CONTRACTS], new URL(`${checkout.href}/`));
    assert.equal(tests.length, FALSIFICATION_TESTS.length + 1);
    const { id, title, contract } = first!;
    assert.deepEqual(tests[0], {
      id,
      title: `${id} ${title}`,
      contract,
      path: "falsification/own.ts",
      line: 3,
      skipped: undefined,
    });
    const { skipped, ...ignored } = tests.at(-1)!;
    assert.deepEqual(ignored, {
      id: "F-OWN-001",
      title: "F-OWN-001 is left out",
      contract: undefined,
      path: "b_test.ts",
      line: 2,
    });
    assert.ok(skipped);
  });
});

Deno.test("lint says which path is not there, or has no contract", async () => {
  await inDirectory(async (path) => {
    writeFileSync(path("notes.txt"), "");
    for (const name of ["absent", "notes.txt", "."]) {
      const { code, stdout, stderr } = await runHere(["lint", path(name)]);
      assert.deepEqual([code, stdout], [2, ""], name);
      assert.ok(stderr.includes(path(name)), stderr);
    }
  });
});

Deno.test("lint needs a checkout", () => {
  assert.equal(checkoutOf("file:///a/cli/lint.ts").href, "file:///a/");
  assert.throws(() => checkoutOf("https://example.org/cli/lint.ts"), CommandError);
});

Deno.test("lint --help lists the gates, the rules and the parts of the score", async () => {
  const { stdout } = await runHere(["lint", "--help"]);
  for (const gate of GATES) assert.match(stdout, new RegExp(`^  ${gate} `, "m"));
  for (const { id } of LINT_RULES) assert.match(stdout, new RegExp(`^  ${id} `, "m"));
});
