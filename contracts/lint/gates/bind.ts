import type { Contract, TestEntry } from "../../validation/contract.ts";
import type { ContractsHere } from "../contracts_here.ts";
import type { Finding } from "../../validation/finding.ts";
import type { NamedTest } from "../named_tests.ts";
import { describe } from "../../validation/schema.ts";
import { findingAt, findingIn } from "./gate.ts";

/**
 * Whether each falsification test of the contracts is a test that runs, and each test one of a
 * contract's.
 *
 * @param tests every falsification test of the repository
 */
export function bind(contracts: ContractsHere, tests: readonly NamedTest[]): Finding[] {
  const byTitle = Map.groupBy(tests.filter(({ id }) => id !== ""), ({ title }) => title);
  return [
    ...contracts.judged.flatMap((contract) =>
      contract.tests.flatMap((entry) => entryFindings(contract, entry, byTitle))
    ),
    ...testFindings(tests, byTitle, contracts),
  ];
}

function entryFindings(
  contract: Contract,
  { place, id, test: title }: TestEntry,
  byTitle: ReadonlyMap<string, readonly NamedTest[]>,
): Finding[] {
  const finding = (rule: "BIND-001" | "BIND-002" | "BIND-003" | "BIND-005", message: string) =>
    findingIn(contract, [...place, "test"], rule, message);
  if (title === undefined) {
    return [finding("BIND-001", `${describe(place)} names no test`)];
  }
  const [test] = byTitle.get(title) ?? [];
  if (test === undefined) return [finding("BIND-001", `there is no test '${title}'`)];
  const findings: Finding[] = [];
  if (title !== id && !title.startsWith(`${id} `)) {
    findings.push(finding("BIND-002", `the title does not begin with ${id}`));
  }
  if (test.skipped !== undefined) {
    const message = `'${title}' does not run (${test.path}:${test.line}): ${test.skipped}`;
    findings.push(finding("BIND-003", message));
  }
  if (test.contract !== undefined && test.contract !== contract.name) {
    findings.push(finding("BIND-005", `'${title}' belongs to ${test.contract}`));
  }
  return findings;
}

function testFindings(
  tests: readonly NamedTest[],
  byTitle: ReadonlyMap<string, readonly NamedTest[]>,
  contracts: ContractsHere,
): Finding[] {
  const ids = new Set(contracts.all.flatMap((contract) => contract.tests.map(({ id }) => id)));
  const computed = tests.filter(({ id }) => id === "");
  const unknown = tests.filter(({ id }) => id !== "" && !ids.has(id));
  const repeated = [...byTitle.values()].flatMap(([first, ...others]) =>
    others.map((other) => ({ ...other, first: first! }))
  );
  return [
    ...computed.map(({ path, line, skipped }) =>
      findingAt(path, line, "BIND-003", `tests with computed titles do not run here: ${skipped}`)
    ),
    ...unknown.map(({ path, line, title }) =>
      findingAt(path, line, "BIND-004", `no contract has the id of the test '${title}'`)
    ),
    ...repeated.map(({ path, line, title, first }) =>
      findingAt(
        path,
        line,
        "BIND-006",
        `'${title}' is the title of ${first.path}:${first.line} too`,
      )
    ),
  ];
}
