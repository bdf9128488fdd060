import type { Contract } from "../../validation/contract.ts";
import type { ContractsHere } from "../contracts_here.ts";
import { findCycles } from "../cycles.ts";
import type { Finding } from "../../validation/finding.ts";
import { describe } from "../../validation/schema.ts";
import { findingIn } from "./gate.ts";

/** Whether each contract's obligations, tests, gate and dependencies refer to what is there. */
export function audit(contracts: ContractsHere): Finding[] {
  return [
    ...contracts.judged.flatMap((contract) => [
      ...obligationFindings(contract),
      ...dependencyFindings(contract, contracts),
      ...nameFindings(contract),
      ...checkFindings(contract),
    ]),
    ...cycleFindings(contracts),
  ];
}

function obligationFindings(contract: Contract): Finding[] {
  const { obligations, tests } = contract;
  const named = new Set(tests.flatMap(({ rule }) => rule ?? []));
  const known = new Set(
    obligations.flatMap(({ id, property }) => [id ?? [], property ?? []].flat()),
  );
  const untested = obligations.filter(({ id, property, waived }) =>
    !waived && !named.has(property ?? "") && !named.has(id ?? "")
  );
  const astray = tests.filter(({ rule }) => rule === undefined || !known.has(rule));
  return [
    ...untested.map(({ place, property }) => {
      const message = `no falsification test has the rule '${property}'`;
      return findingIn(contract, [...place, "property"], "AUDIT-001", message);
    }),
    ...astray.map(({ place, rule }) => {
      const message = rule === undefined
        ? `${describe(place)} has no rule, which is the property or the id of an obligation`
        : `no obligation has the property or the id '${rule}'`;
      return findingIn(contract, [...place, "rule"], "AUDIT-002", message);
    }),
  ];
}

function dependencyFindings(contract: Contract, contracts: ContractsHere): Finding[] {
  return contract.dependsOn
    .filter(({ name }) => contracts.find(name, contract) === undefined)
    .map(({ place, name }) =>
      findingIn(contract, place, "AUDIT-003", `there is no contract '${name}'`)
    );
}

function nameFindings(contract: Contract): Finding[] {
  const { id, name } = contract;
  if (id === undefined || id === name) return [];
  const message = `the id is '${id}', and the file's name says '${name}'`;
  return [findingIn(contract, ["metadata", "id"], "AUDIT-005", message)];
}

function checkFindings(contract: Contract): Finding[] {
  const { checks, tests } = contract;
  if (checks === undefined) return [];
  const ids = tests.flatMap(({ id }) => id ?? []);
  const checked = new Set(checks.map(({ name }) => name));
  const missing = ids.filter((id) => !checked.has(id));
  const unknown = checks.filter(({ name }) => !ids.includes(name));
  return [
    ...unknown.map(({ place, name }) =>
      findingIn(contract, place, "AUDIT-006", `no falsification test has the id '${name}'`)
    ),
    ...(missing.length === 0 ? [] : [
      findingIn(
        contract,
        ["qa_gate", "checks"],
        "AUDIT-006",
        `the gate does not check ${missing.join(", ")}`,
      ),
    ]),
  ];
}

function cycleFindings(contracts: ContractsHere): Finding[] {
  const next = (contract: Contract) =>
    contract.dependsOn.flatMap(({ name }) => contracts.find(name, contract) ?? []);
  return findCycles(contracts.judged, next).map((cycle) => {
    const [contract, after = contract] = cycle;
    const { place } = contract!.dependsOn.find(({ name }) =>
      contracts.find(name, contract!) === after
    )!;
    const names = [...cycle, contract!].map(({ name }) => name);
    return findingIn(contract!, place, "AUDIT-004", `a circle: ${names.join(" → ")}`);
  });
}
