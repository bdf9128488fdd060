import assert from "node:assert/strict";
import { bytesOf, changed, MEAN, namedTest, SUM, TESTS } from "../../tests/contracts/helpers.ts";
import { type GateName, GATES, lint, type LintInput } from "./lint.ts";
import { LINT_RULES } from "./rules.ts";
import { updatePins } from "../pin.ts";

/** The two contracts with all that they need, pinned as they are. */
function input(texts: { sum?: string; mean?: string } = {}): LintInput {
  const contracts = { "sum-v1": texts.sum ?? SUM, "mean-v1": texts.mean ?? MEAN };
  const files = Object.entries(contracts).map(([name, text]) => ({ name, text, version: "1.0.0" }));
  return {
    files: files.map(({ name, text }) => ({
      name,
      path: `contracts/${name}.yaml`,
      bytes: bytesOf(text),
    })),
    beside: [],
    tests: TESTS,
    tables: [{
      contract: "contracts/sum-v1.yaml",
      yaml: "",
      path: "contracts/sums.ts",
      text: "table",
      generate: () => "table",
    }],
    locks: [{ path: "contracts/pin.lock", text: updatePins(files, undefined).lock }],
  };
}

function statuses(given: LintInput): string[] {
  return lint(given).gates.map(({ status }) => status);
}

Deno.test("lint passes contracts through every gate, and scores them", () => {
  const { gates, scores } = lint(input());
  assert.deepEqual(gates, GATES.map((gate) => ({ gate, status: "passed", findings: [] })));
  assert.deepEqual(scores.map(({ contract, score }) => [contract, score]), [
    ["sum-v1", 100],
    ["mean-v1", 100],
  ]);
});

const RED: Record<GateName, LintInput> = {
  validate: input({ sum: changed(SUM, "formula:", "formla:") }),
  audit: input({ sum: changed(SUM, "id: sum-v1", "id: sum") }),
  bind: { ...input(), tests: [...TESTS, namedTest("F-SUM-009 is a stray")] },
  shapes: { ...input(), tables: [{ ...input().tables[0]!, text: "another" }] },
  pin: { ...input(), locks: [{ path: "contracts/pin.lock", text: undefined }] },
  composition: input({ mean: changed(MEAN, "that: y is the sum", "that: y is so") }),
  score: input({ mean: MEAN.replace(/ {4}domain[^]*?(?= {4}assumes)/, "") }),
};

GATES.forEach((gate, index) => {
  Deno.test(`the gates after ${gate} are skipped if it fails`, () => {
    assert.deepEqual(statuses(RED[gate]), [
      ...Array(index).fill("passed"),
      "failed",
      ...Array(GATES.length - index - 1).fill("skipped"),
    ]);
    const { gates, scores } = lint(RED[gate]);
    assert.ok(gates[index]!.findings.length > 0);
    assert.equal(scores.length, gate === "score" ? 2 : 0);
  });
});

Deno.test("a gate passes with warnings, and shows them", () => {
  const { gates } = lint(input({ mean: MEAN.replace(/qa_gate:[^]*/, "") }));
  assert.deepEqual([gates[0]!.status, gates.at(-1)!.status], ["passed", "passed"]);
  assert.deepEqual(gates[0]!.findings.map(({ rule }) => rule), ["SCHEMA-013"]);
});

Deno.test("contracts beside the given ones are referred to, and not judged", () => {
  const { files, ...rest } = input({ sum: changed(SUM, "id: sum-v1", "id: sum") });
  const given = { ...rest, files: [files[1]!], beside: [files[0]!] };
  assert.deepEqual(statuses(given), GATES.map(() => "passed"));
  assert.deepEqual(lint(given).scores.map(({ contract }) => contract), ["mean-v1"]);
});

Deno.test("contracts beside that can't be read are no reason to fail", () => {
  const { files, ...rest } = input();
  const broken = { name: "broken", path: "elsewhere/broken.yaml", bytes: Uint8Array.of(0xff) };
  assert.deepEqual(statuses({ ...rest, files, beside: [broken] }), GATES.map(() => "passed"));
});

Deno.test("contracts of one name in two folders are told apart", () => {
  const { files, locks, ...rest } = input();
  const elsewhere = files.map((file) => ({ ...file, path: file.path.replace("contracts", "b") }));
  const other = changed(SUM, "- y is the sum", "- y is more");
  const changedFiles = [{ ...elsewhere[0]!, bytes: bytesOf(other) }, elsewhere[1]!];
  const { gates } = lint({
    ...rest,
    files: [...files, elsewhere[1]!],
    beside: [changedFiles[0]!],
    locks,
  });
  assert.deepEqual(gates[5]!.findings.map(({ path, rule }) => [path, rule]), [
    ["b/mean-v1.yaml", "COMPOSE-002"],
  ]);
});

Deno.test("every rule of lint is of one gate, and an error", () => {
  const prefixes = new Set(LINT_RULES.map(({ id }) => id.split("-")[0]));
  assert.deepEqual([...prefixes], ["AUDIT", "BIND", "SHAPES", "PIN", "COMPOSE", "SCORE"]);
  assert.ok(LINT_RULES.every(({ level }) => level === "error"));
});
