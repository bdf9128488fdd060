import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { bytesOf, changed, MEAN, SUM } from "../../tests/contracts/helpers.ts";
import { validateContract } from "./validate.ts";
import { VALIDATE_RULES } from "./rules.ts";

const FIXTURES = new URL("../../tests/fixtures/contracts/", import.meta.url);
const CLEAN = readFileSync(new URL("clean.yaml", FIXTURES), "utf8");
const HERE = /# here (\d+)$/;

/** The rules that a contract breaks, from its top. */
function rulesOf(text: string): string[] {
  return validateContract("a.yaml", bytesOf(text)).map(({ rule }) => rule);
}

/** Each rule that the clean contract breaks with one passage changed. */
function broken(from: string, to: string): string[] {
  return rulesOf(changed(CLEAN, from, to));
}

Deno.test("a contract with no more than it needs breaks no rule", () => {
  assert.deepEqual(rulesOf(CLEAN), []);
  assert.deepEqual(rulesOf(SUM), []);
  assert.deepEqual(rulesOf(MEAN), []);
});

for (const { id, level } of VALIDATE_RULES) {
  Deno.test(`${id} is found in its example, alone, and where it is`, () => {
    const text = readFileSync(new URL(`bad/${id}.yaml`, FIXTURES), "utf8");
    const marks = text.split("\n").flatMap((content, index) => {
      const column = HERE.exec(content)?.[1];
      return column === undefined ? [] : [{ line: index + 1, column: Number(column) }];
    });
    assert.equal(marks.length, 1);
    const findings = validateContract("bad.yaml", bytesOf(text))
      .map(({ message: _, ...finding }) => finding);
    assert.deepEqual(findings, [{ path: "bad.yaml", ...marks[0], rule: id, level }]);
  });
}

Deno.test("every example is of a rule", () => {
  const files = readdirSync(new URL("bad/", FIXTURES)).sort();
  assert.deepEqual(files, VALIDATE_RULES.map(({ id }) => `${id}.yaml`).sort());
});

Deno.test("what is missing, empty or blank breaks one rule, however it is written", () => {
  const formula = "    formula: y = sum_i a_i b_i";
  const references =
    '  references:\n    - "IEEE 754-2019: https://doi.org/10.1109/IEEESTD.2019.8766229"';
  const cases: [string, string, string][] = [
    [references, "", "SCHEMA-001"],
    [references, "  references:", "SCHEMA-001"],
    [references, "  references: ''", "SCHEMA-001"],
    [references, "  references: ['', a]", "SCHEMA-001"],
    [references, "  references: [a, ~]", "SCHEMA-001"],
    ["version: 1.0.0", "version:", "SCHEMA-002"],
    ["version: 1.0.0", "version: ' '", "SCHEMA-002"],
    [`equations:\n  dot:\n${formula}`, "equations:", "SCHEMA-003"],
    [`equations:\n  dot:\n${formula}`, "equations: {}", "SCHEMA-003"],
    [formula, "", "SCHEMA-004"],
    [formula, "    formula:", "SCHEMA-004"],
    [formula, "    formula: >-\n", "SCHEMA-004"],
    [formula, "    domain: x", "SCHEMA-004"],
    ["property: The sum is that of real numbers", "property:", "SCHEMA-005"],
    ["property: The sum is that of real numbers", "property: '\t'", "SCHEMA-005"],
    ["    prediction: Swapped vectors give the same bits\n", "", "SCHEMA-008"],
    ["prediction: Swapped vectors give the same bits", "prediction:", "SCHEMA-008"],
    ["if_fails: Part of a vector is left out", "if_fails: ''", "SCHEMA-009"],
    ["if_fails: Part of a vector is left out", "if_fails:", "SCHEMA-009"],
    ["qa_gate:\n  id: QG-DOT", "qa_gate:", "SCHEMA-013"],
    ["qa_gate:\n  id: QG-DOT", "qa_gate: {}", "SCHEMA-013"],
  ];
  for (const [from, to, rule] of cases) assert.deepEqual(broken(from, to), [rule], to);
});

Deno.test("without metadata there are no references and no version", () => {
  const text = CLEAN.replace(/metadata:[^]*?\n\n/, "");
  assert.deepEqual(rulesOf(text), ["SCHEMA-001", "SCHEMA-002"]);
  assert.deepEqual(rulesOf(`metadata:\n${text}`), ["SCHEMA-001", "SCHEMA-002"]);
});

Deno.test("a value of the wrong type breaks SCHEMA-000 only", () => {
  const cases: [string, string][] = [
    ["version: 1.0.0", "version: 1.0"],
    ["version: 1.0.0", "version: 1.0.0.0"],
    ["version: 1.0.0", "version: '1.0'"],
    ["version: 1.0.0", "version: 1.0.0\n  kind: librarian"],
    ["version: 1.0.0", "version: 1.0.0\n  depends_on: softmax-kernel-v1"],
    ["version: 1.0.0", "version: 1.0.0\n  five_whys: because"],
    ['- "IEEE', '- 754\n    - "IEEE'],
    ["formula: y = sum_i a_i b_i", "formula: [y]"],
    ["  dot:\n    formula: y = sum_i a_i b_i", "  dot: y = sum_i a_i b_i"],
    ["  dot:\n    formula: y = sum_i a_i b_i", "  - y = sum_i a_i b_i"],
    ["    applies_to: dot\n\n", "    applies_to: dot\n  - 7\n\n"],
    ["    applies_to: dot\n\n", "    applies_to: dot\n    tolerance: true\n\n"],
    ["    if_fails: One", "    rule: 5\n    if_fails: One"],
    ["  - id: F-DOT-002\n    prediction", "  - prediction"],
    ["  - id: F-DOT-002", "  - id:"],
    ["  - id: F-DOT-002", "  - id: ''"],
    ["  - id: F-DOT-002", "  - id: 2"],
    ["qa_gate:\n  id: QG-DOT", "qa_gate: QG-DOT"],
    ["qa_gate:\n  id: QG-DOT", "qa_gate: { id: QG-DOT, checks: F-DOT-001 }"],
  ];
  for (const [from, to] of cases) assert.deepEqual(broken(from, to), ["SCHEMA-000"], to);
});

Deno.test("a list or a mapping of the wrong type breaks SCHEMA-000 only", () => {
  for (const key of ["metadata", "equations", "proof_obligations", "falsification_tests"]) {
    const text = CLEAN.replace(new RegExp(`^${key}:\n(  .*\n)+`, "m"), `${key}: nonsense\n`);
    assert.deepEqual(rulesOf(text), ["SCHEMA-000"], key);
  }
});

Deno.test("kernels and models need equations, formats and registries do not", () => {
  const text = CLEAN.replace(/equations:[^]*?\n\n/, "");
  for (const kind of ["kernel", "model"]) {
    assert.deepEqual(rulesOf(changed(text, "metadata:", `metadata:\n  kind: ${kind}`)), [
      "SCHEMA-003",
    ]);
  }
  for (const kind of ["format", "registry"]) {
    assert.deepEqual(rulesOf(changed(text, "metadata:", `metadata:\n  kind: ${kind}`)), []);
  }
});

Deno.test("no kind of contract is excused from obligations and tests", () => {
  const lists = /proof_obligations:[^]*?(?=qa_gate)/;
  for (const kind of ["kernel", "model", "format", "registry"]) {
    const text = changed(CLEAN, "metadata:", `metadata:\n  kind: ${kind}`);
    assert.deepEqual(rulesOf(text.replace(lists, "")), ["PROVABILITY-001"], kind);
    assert.deepEqual(
      rulesOf(text.replace(lists, "proof_obligations: []\nfalsification_tests: []\n")),
      ["PROVABILITY-001"],
    );
    assert.deepEqual(
      rulesOf(text.replace(/falsification_tests:[^]*?(?=qa_gate)/, "falsification_tests:\n")),
      ["PROVABILITY-001"],
    );
    assert.deepEqual(
      rulesOf(text.replace(/proof_obligations:[^]*?(?=falsification_tests)/, "")),
      ["PROVABILITY-001"],
    );
  }
});

Deno.test("a waived obligation needs a reason and an owner, and then no test", () => {
  const waiver = "    applies_to: dot\n    waived: true\n    reason: proven on paper\n";
  const untested = (to: string) =>
    rulesOf(changed(
      CLEAN.replace(/ {2}- id: F-DOT-002[^]*?(?=\nqa_gate)/, ""),
      "    applies_to: dot\n\n",
      `${to}\n`,
    ));
  assert.deepEqual(untested("    applies_to: dot\n"), ["PROVABILITY-001"]);
  assert.deepEqual(untested(`${waiver}    owner: kernels\n`), []);
  assert.deepEqual(untested(waiver), ["SCHEMA-022"]);
  assert.deepEqual(untested("    waived: true\n"), ["SCHEMA-021", "SCHEMA-022"]);
  assert.deepEqual(untested("    waived: true\n    reason: ''\n    owner: ' '\n").sort(), [
    "SCHEMA-021",
    "SCHEMA-022",
  ]);
  const notWaived = "    waived: false\n    reason: r\n    owner: o\n";
  assert.deepEqual(untested(notWaived).sort(), ["PROVABILITY-001", "SCHEMA-023"]);
});

Deno.test("what says waived with another value than true or false is wrong, and waived", () => {
  const all = CLEAN.replace(/ {2}- id: F-DOT-002[^]*?(?=\nqa_gate)/, "");
  for (const value of ["yes", "1", "'true'", "[]"]) {
    const waiver = `    applies_to: dot\n    waived: ${value}\n    reason: r\n    owner: o\n\n`;
    assert.deepEqual(rulesOf(changed(all, "    applies_to: dot\n\n", waiver)), ["SCHEMA-000"]);
  }
});

Deno.test("a misspelt key is one finding: what it stands for is not missing", () => {
  const cases: [string, string][] = [
    ["metadata:", "meta_data:"],
    ["references:", "refrences:"],
    ["version:", "Version:"],
    ["equations:", "Equations:"],
    ["formula:", "formulas:"],
    ["proof_obligations:", "proof_obligation:"],
    ["property: The sum", "propery: The sum"],
    ["falsification_tests:", "falsification-tests:"],
    ["  - id: F-DOT-002", "  - ID: F-DOT-002"],
    ["prediction: Swapped", "predictions: Swapped"],
    ["if_fails: One", "if_fail: One"],
    ["qa_gate:", "qa_gates:"],
  ];
  for (const [from, to] of cases) assert.deepEqual(broken(from, to), ["SCHEMA-019"], to);
  const waiver = "    applies_to: dot\n    wavied: true\n    reason: r\n    owner: o\n\n";
  assert.ok(broken("    applies_to: dot\n\n", waiver).includes("SCHEMA-019"));
});

Deno.test("tables of a contract may have any keys, in any mapping of theirs", () => {
  const tables = `
shapes: { formulas: x, id: 5, Property: [] }
instances:
  - { version: 1, refrences: 2 }
architecture_map: { constructor: x, toString: y }
`;
  assert.deepEqual(rulesOf(CLEAN + tables), []);
});

Deno.test("findings come from the top of the file to its end", () => {
  const text = CLEAN.replace("version: 1.0.0", "version:").replace("formula: y", "formla: y")
    .replace("if_fails: Part", "if_fails: ''\n    if_fails: Part").replace("qa_gate:", "gate:");
  const lines = validateContract("a.yaml", bytesOf(text)).map(({ line, rule }) => [line, rule]);
  assert.deepEqual(lines, [
    [1, "SCHEMA-013"],
    [3, "SCHEMA-002"],
    [10, "SCHEMA-019"],
    [26, "SCHEMA-020"],
  ]);
});

Deno.test("hostile contracts give findings, and nothing is thrown", () => {
  const hostile = [
    "__proto__: { metadata: 1 }\nconstructor: 1\nequations: { __proto__: 1, constructor: 2 }\n",
    "metadata: { __proto__: { version: 1.0.0 } }\n",
    "metadata: &m { references: [*m] }\nproof_obligations: [*m]\nequations: { a: *m }\n",
    "equations: &e { a: *e }\nfalsification_tests: &f [*f]\n",
    `equations: {${Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join(", ")}}\n`,
    `falsification_tests: [${"{}, ".repeat(5000)}]\n`,
    "? { a: 1 }\n: 2\n? [metadata]\n: 3\n",
    "\0\x01\x02",
    "metadata: !!binary aGVsbG8=\nequations: !!set { a, b }\n",
  ];
  for (const text of hostile) assert.ok(rulesOf(text).length > 0, text.slice(0, 60));
});
