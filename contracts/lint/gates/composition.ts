import type { Assumption, Contract, Equation } from "../../validation/contract.ts";
import type { ContractsHere } from "../contracts_here.ts";
import { findCycles } from "../cycles.ts";
import type { Finding } from "../../validation/finding.ts";
import { findingIn } from "./gate.ts";

/** Whether what equations assume is said, word for word, by the equations that they assume it of. */
export function composition(contracts: ContractsHere): Finding[] {
  const assumptions = contracts.judged.flatMap((contract) =>
    contract.equations.flatMap(({ assumes }) =>
      assumes.flatMap((assumption) => assumptionFindings(assumption, contract, contracts))
    )
  );
  return [...assumptions, ...cycleFindings(contracts)];
}

function assumptionFindings(
  { place, from, that }: Assumption,
  contract: Contract,
  contracts: ContractsHere,
): Finding[] {
  const source = from === undefined ? undefined : contracts.findEquation(from, contract);
  if (source === undefined) {
    const message = from === undefined
      ? "an assumption needs 'from: CONTRACT.EQUATION'"
      : `there is no equation '${from}'`;
    return [findingIn(contract, [...place, "from"], "COMPOSE-001", message)];
  }
  const findings: Finding[] = [];
  if (that === undefined || ![...source.postconditions, ...source.invariants].includes(that)) {
    const message = that === undefined
      ? "an assumption needs 'that'"
      : `no postcondition or invariant of ${from} is '${that}', word for word`;
    findings.push(findingIn(contract, [...place, "that"], "COMPOSE-002", message));
  }
  const owner = contracts.ownerOf(source);
  const depends = contract.dependsOn.some(({ name }) => contracts.find(name, contract) === owner);
  if (owner !== contract && !depends) {
    const message = `metadata.depends_on does not name ${owner.name}`;
    findings.push(findingIn(contract, [...place, "from"], "COMPOSE-003", message));
  }
  return findings;
}

function cycleFindings(contracts: ContractsHere): Finding[] {
  const sourceOf = ({ from }: Assumption, equation: Equation) =>
    from === undefined ? undefined : contracts.findEquation(from, contracts.ownerOf(equation));
  const next = (equation: Equation) =>
    equation.assumes.flatMap((assumption) => sourceOf(assumption, equation) ?? []);
  const nameOf = (equation: Equation) => `${contracts.ownerOf(equation).name}.${equation.name}`;
  const starts = contracts.judged.flatMap(({ equations }) => equations);
  return findCycles(starts, next).map((cycle) => {
    const [equation, after = equation] = cycle;
    const { place } = equation!.assumes.find((own) => sourceOf(own, equation!) === after)!;
    const message = `a circle: ${[...cycle, equation!].map(nameOf).join(" → ")}`;
    return findingIn(contracts.ownerOf(equation!), place, "COMPOSE-004", message);
  });
}
