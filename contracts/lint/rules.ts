import type { Rule } from "../validation/finding.ts";

/** What the gates of `lint` can find, beyond the rules of `validate`. All of it is an error. */
export const LINT_RULES = [
  rule("AUDIT-001", "an obligation that is not waived is the rule of no falsification test"),
  rule("AUDIT-002", "the rule of a falsification test is no obligation"),
  rule("AUDIT-003", "depends_on names a contract that is not there"),
  rule("AUDIT-004", "contracts depend on each other in a circle"),
  rule("AUDIT-005", "metadata.id is not the file's name"),
  rule("AUDIT-006", "qa_gate.checks are not the ids of the falsification tests"),
  rule("BIND-001", "a falsification test names no test, or one that is not there"),
  rule("BIND-002", "the title of the test does not begin with the id"),
  rule("BIND-003", "the test is left out of the test run"),
  rule("BIND-004", "no contract knows the id of a test"),
  rule("BIND-005", "the test belongs to another contract"),
  rule("BIND-006", "two tests have the same title"),
  rule("SHAPES-001", "a generated table is not what its contract says"),
  rule("SHAPES-002", "no table can be generated from a contract"),
  rule("PIN-001", "a contract is not as it is pinned"),
  rule("COMPOSE-001", "an assumption is from no equation"),
  rule("COMPOSE-002", "an assumption is no postcondition or invariant of the equation it is from"),
  rule("COMPOSE-003", "an assumption is from a contract that depends_on does not name"),
  rule("COMPOSE-004", "equations assume each other in a circle"),
  rule("SCORE-001", "a contract scores below the floor"),
] as const satisfies readonly Rule[];

/** The id of one of them. */
export type LintRule = typeof LINT_RULES[number]["id"];

function rule<const Id extends string>(id: Id, description: string) {
  return { id, level: "error" as const, description };
}
