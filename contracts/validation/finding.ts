/** Whether a finding makes a contract unfit, or only deserves a look. */
export type Level = "error" | "warning";

/** What a tool can find, and how bad that is. */
export interface Rule {
  /** such as "SCHEMA-001"; it never changes its meaning */
  readonly id: string;
  readonly level: Level;
  /** one line: what is wrong where the rule is broken */
  readonly description: string;
}

/** Where something stands in a text. */
export interface Position {
  /** from 1 */
  readonly line: number;
  /** from 1, in UTF-16 code units */
  readonly column: number;
}

/** One thing that is wrong, and where. */
export interface Finding extends Position {
  /** the file, as the user named it */
  readonly path: string;
  /** the rule's id */
  readonly rule: string;
  readonly level: Level;
  readonly message: string;
}

/** The beginning of a file: where nothing closer can be pointed at. */
export const BEGINNING: Position = { line: 1, column: 1 };

/** A finding under one of a table of rules. */
export function findingOf<Rules extends readonly Rule[]>(
  rules: Rules,
  rule: Rules[number]["id"],
  path: string,
  { line, column }: Position,
  message: string,
): Finding {
  const { level } = rules.find(({ id }) => id === rule)!;
  return { path, line, column, rule, level, message };
}

/** Findings by file, and within one from the top. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) =>
    compareTexts(a.path, b.path) || a.line - b.line || a.column - b.column ||
    compareTexts(a.rule, b.rule)
  );
}

/** Whether a finding is among them that makes a contract unfit. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === "error");
}

/** By code unit, so that the order does not depend on the machine's language. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
