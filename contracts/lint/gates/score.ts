import type { Contract, Equation } from "../../validation/contract.ts";
import type { ContractsHere } from "../contracts_here.ts";
import type { Finding } from "../../validation/finding.ts";
import { findingIn } from "./gate.ts";

/**
 * The least that a contract may score. Each part of the score weighs more than what is missing to
 * 100, so that no contract passes that leaves one of them out, and one that lacks details does.
 */
export const SCORE_FLOOR = 90;

/** What a contract is scored for, each as a share of its weight; the weights add up to 100. */
export const SCORE_PARTS = [
  {
    name: "references",
    weight: 12,
    description: "references that can be followed: a URL, a DOI or an arXiv number",
    share: ({ references }: Contract) => share(references, isFollowable),
  },
  {
    name: "equations",
    weight: 20,
    description: "equations with formula, domain, codomain, invariants and postconditions",
    share: ({ equations }: Contract) => mean(equations.map(completenessOf)),
  },
  {
    name: "obligations",
    weight: 20,
    description: "obligations with formal, tolerance, and applies_to an equation of the contract",
    share: obligationsShare,
  },
  {
    name: "coverage",
    weight: 20,
    description: "obligations that a test tries to refute, and that are not waived",
    share: coverageOf,
  },
  {
    name: "tests",
    weight: 16,
    description: "tests with rule, prediction, test and if_fails",
    share: ({ tests }: Contract) =>
      mean(
        tests.map(({ rule, prediction, test, ifFails }) =>
          share([rule, prediction, test, ifFails], isThere)
        ),
      ),
  },
  {
    name: "composition",
    weight: 12,
    description: "contracts in depends_on of which an equation assumes something",
    share: compositionOf,
  },
] as const;

/** A contract's score. */
export interface Score {
  /** the contract's name */
  readonly contract: string;
  /** from 0 to 100, to one decimal */
  readonly score: number;
  /** the least that it may be */
  readonly floor: number;
  /** the points of each part, to one decimal */
  readonly parts: Readonly<Record<string, number>>;
}

/** How complete a contract is. */
export function scoreOf(contract: Contract): Score {
  const points = SCORE_PARTS.map((part) =>
    [part.name, part.weight * part.share(contract)] as const
  );
  return {
    contract: contract.name,
    score: toTenths(points.reduce((sum, [, value]) => sum + value, 0)),
    floor: SCORE_FLOOR,
    parts: Object.fromEntries(points.map(([name, value]) => [name, toTenths(value)])),
  };
}

/** The contracts that score below the floor. */
export function score({ judged }: ContractsHere): Finding[] {
  return judged.flatMap((contract) => {
    const { score, parts } = scoreOf(contract);
    if (score >= SCORE_FLOOR) return [];
    const lost = SCORE_PARTS
      .filter(({ name, weight }) => parts[name]! < weight)
      .map(({ name, weight }) => `${name} ${parts[name]} of ${weight}`);
    const message = `the score is ${score}, the floor ${SCORE_FLOOR}: ${lost.join(", ")}`;
    return [findingIn(contract, ["metadata"], "SCORE-001", message)];
  });
}

/** Whether a reader can get from a reference to what it names. */
function isFollowable(reference: string): boolean {
  return /https?:\/\/[^\s/]+\.[^\s/]|\b10\.\d{4,9}\/\S|\barxiv:\s?\d{4}\.\d{4,5}\b/i.test(
    reference,
  );
}

function completenessOf(equation: Equation): number {
  const { formula, domain, codomain, invariants, postconditions } = equation;
  return share([formula, domain, codomain, invariants[0], postconditions[0]], isThere);
}

function obligationsShare({ obligations, equations }: Contract): number {
  const names = equations.map(({ name }) => name);
  return mean(obligations.map(({ formal, tolerance, appliesTo }) => {
    // A contract without equations has nothing but words to apply an obligation to.
    const target = names.length === 0 ? appliesTo : names.find((name) => name === appliesTo);
    return share([formal, tolerance, target], isThere);
  }));
}

function coverageOf({ obligations, tests }: Contract): number {
  const rules = new Set(tests.map(({ rule }) => rule));
  return share(
    obligations,
    ({ id, property, waived }) =>
      !waived &&
      (property !== undefined && rules.has(property) || id !== undefined && rules.has(id)),
  );
}

function compositionOf({ dependsOn, equations }: Contract): number {
  const sources = equations.flatMap(({ assumes }) => assumes.flatMap(({ from }) => from ?? []));
  return share(dependsOn, ({ name }) => sources.some((from) => from.startsWith(`${name}.`)));
}

function isThere(value: unknown): boolean {
  return value !== undefined;
}

/** How many of a list are as they should be, from 0 to 1; all of an empty one. */
function share<Item>(items: readonly Item[], isRight: (item: Item) => boolean): number {
  return mean(items.map((item) => isRight(item) ? 1 : 0));
}

function mean(shares: readonly number[]): number {
  if (shares.length === 0) return 1;
  return shares.reduce((sum, value) => sum + value, 0) / shares.length;
}

function toTenths(points: number): number {
  return Math.round(points * 10) / 10;
}
