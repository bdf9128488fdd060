/** What the gates of `lint` share. */
import type { Contract } from "../../validation/contract.ts";
import type { Place } from "../../validation/document.ts";
import { type Finding, findingOf } from "../../validation/finding.ts";
import { LINT_RULES, type LintRule } from "../rules.ts";

/** A finding that points at a part of a contract. */
export function findingIn(
  contract: Contract,
  place: Place,
  rule: LintRule,
  message: string,
): Finding {
  return findingOf(LINT_RULES, rule, contract.path, contract.position(place), message);
}

/** A finding that points at a line of another file. */
export function findingAt(path: string, line: number, rule: LintRule, message: string): Finding {
  return findingOf(LINT_RULES, rule, path, { line, column: 1 }, message);
}
