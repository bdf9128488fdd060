/** Small contracts for the tests of the tools that judge contracts; it holds no test itself. */
import assert from "node:assert/strict";
import { type Contract, contractOf } from "../../contracts/validation/contract.ts";
import { ContractsHere } from "../../contracts/lint/contracts_here.ts";
import { readDocument } from "../../contracts/validation/document.ts";
import type { Finding } from "../../contracts/validation/finding.ts";
import type { NamedTest } from "../../contracts/lint/named_tests.ts";

/** A contract that passes every gate. */
export const SUM = `metadata:
  id: sum-v1
  version: 1.0.0
  description: The sum of a vector
  references: ["IEEE 754-2019: https://doi.org/10.1109/IEEESTD.2019.8766229"]
  depends_on: []

equations:
  sum:
    formula: y = sum_i x_i
    domain: x in R^n
    codomain: y in R
    invariants:
      - y does not depend on the order of x
    postconditions:
      - y is the sum

proof_obligations:
  - id: SUM_EQUALS
    type: equivalence
    property: The sum is that of real numbers
    formal: abs(y - sum_i x_i) <= n eps sum_i abs(x_i)
    tolerance: n eps
    applies_to: sum
  - type: invariant
    property: The order does not matter
    formal: sum(reverse(x)) = sum(x)
    tolerance: 1e-6
    applies_to: sum

falsification_tests:
  - id: F-SUM-001
    rule: SUM_EQUALS
    prediction: The sum of 1, 2 and 4 is 7
    test: F-SUM-001 sums small integers
    if_fails: A part is left out
  - id: F-SUM-002
    rule: The order does not matter
    prediction: The sum of 4, 2 and 1 is 7
    test: F-SUM-002 sums them backwards
    if_fails: The first part is taken for the whole

qa_gate:
  id: QG-SUM
  checks: [F-SUM-001, F-SUM-002]
`;

/** Another, which depends on the first. */
export const MEAN = `metadata:
  id: mean-v1
  version: 1.0.0
  description: The mean of a vector
  references: ["IEEE 754-2019: https://doi.org/10.1109/IEEESTD.2019.8766229"]
  depends_on: [sum-v1]

equations:
  mean:
    formula: y = sum(x) / n
    domain: x in R^n, n > 0
    codomain: y in R
    invariants:
      - mean(c x) = c mean(x)
    postconditions:
      - min(x) <= y <= max(x)
    assumes:
      - from: sum-v1.sum
        that: y is the sum

proof_obligations:
  - type: bound
    property: The mean lies between the extremes
    formal: min(x) <= mean(x) <= max(x)
    tolerance: exact
    applies_to: mean

falsification_tests:
  - id: F-MEAN-001
    rule: The mean lies between the extremes
    prediction: The mean of 1 and 3 is 2
    test: F-MEAN-001 takes the mean
    if_fails: The sum is not divided

qa_gate:
  id: QG-MEAN
  checks: [F-MEAN-001]
`;

/** The tests that the two contracts name. */
export const TESTS: readonly NamedTest[] = [
  namedTest("F-SUM-001 sums small integers", { contract: "sum-v1" }),
  namedTest("F-SUM-002 sums them backwards"),
  namedTest("F-MEAN-001 takes the mean"),
];

/** A test by its title. */
export function namedTest(title: string, other: Partial<NamedTest> = {}): NamedTest {
  const id = title.split(" ")[0]!;
  return {
    id,
    title,
    contract: undefined,
    path: "a_test.ts",
    line: 3,
    skipped: undefined,
    ...other,
  };
}

/** A text with one passage changed. */
export function changed(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `'${from}' is not in the text`);
  return text.replace(from, () => to);
}

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The contract that a text is, in the folder `contracts`. */
export function contractFrom(name: string, yaml: string): Contract {
  return contractOf(name, readDocument(`contracts/${name}.yaml`, bytesOf(yaml)));
}

/** Contracts to be judged, by their names, and others beside them. */
export function contractsHere(
  judged: Readonly<Record<string, string>>,
  beside: Readonly<Record<string, string>> = {},
): ContractsHere {
  const contracts = [judged, beside].map((texts) =>
    Object.entries(texts).map(([name, yaml]) => contractFrom(name, yaml))
  );
  return new ContractsHere(contracts[0]!, contracts[1]!);
}

/** Findings in a line each: `file:line:column RULE`, the folder left out. */
export function summary(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line, column, rule }) =>
    `${path.replace("contracts/", "")}:${line}:${column} ${rule}`
  );
}
