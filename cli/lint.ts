import type { Finding, Level } from "../contracts/validation/finding.ts";
import { asLine } from "../contracts/validation/finding_formats.ts";
import { SCORE_FLOOR, SCORE_PARTS } from "../contracts/lint/gates/score.ts";
import { lint, type LintReport } from "../contracts/lint/lint.ts";
import { LINT_RULES } from "../contracts/lint/rules.ts";
import { parseArguments } from "./arguments.ts";
import { JSON_FLAG } from "./flags.ts";
import { counted, formatTable, printable } from "./format.ts";
import { readLintInput } from "./lint_input.ts";
import { CommandError, type Io } from "./verb.ts";

const RULES = formatTable(LINT_RULES.map(({ id, description }) => [`  ${id}`, description]));

const PARTS = formatTable(
  SCORE_PARTS.map(({ name, weight, description }) => [`  ${name}`, String(weight), description]),
  [1],
);

export const help = `Whether contracts fit their tests, their tables, their pins and each other.

usage: COMMAND lint PATH… [--json]

PATH is a contract (a YAML file), or a folder with contracts in it and in its folders. A contract may
refer to all those in its folder; only the given ones are judged.

  --json  { gates: [{ gate, status, findings: [{ path, line, column, rule, level, message }] }],
          scores: [{ contract, score, floor, parts: { NAME: points } }] }

They pass through seven gates. After the first that fails, the others are skipped.

  validate     each by itself: see validate --help
  audit        obligations, tests, dependencies and checks refer to what is there
  bind         each falsification test is a test of this repository that runs, and the other way
  shapes       the tables that the engine reads are what the contracts say
  pin          no contract changed without a new version: see pin --help
  composition  what an equation assumes of another one, that one says
  score        each contract scores at least ${SCORE_FLOOR} of 100 points

${RULES}
Points, each given for the share of what is right:

${PARTS}
Exit codes: 0 all gates passed, 1 one failed, 2 a path is not there or has no contract.

example: COMMAND lint contracts/
`;

/** Sends contracts through the gates. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, JSON_FLAG, ["PATH…"]);
  const report = lint(await readLintInput(operands, checkoutOf(import.meta.url)));
  await io.write(values.json ? `${JSON.stringify(report, null, 1)}\n` : asText(report));
  return report.gates.every(({ status }) => status === "passed") ? 0 : 1;
}

/**
 * The root of the checkout that a module of this folder lies in.
 *
 * @throws {CommandError} If it does not come from a file.
 */
export function checkoutOf(module: string): URL {
  if (module.startsWith("file:")) return new URL("../", module);
  throw new CommandError(
    "lint holds contracts against the tests of the repository: run it in a checkout of it",
  );
}

function asText({ gates, scores }: LintReport): string {
  const lines = formatTable(gates.map(({ gate, status, findings }) => [
    gate,
    status,
    status === "skipped" ? "" : countsOf(findings),
  ]));
  const findings = gates.flatMap(({ findings }) => findings)
    .map((finding) => `${printable(asLine(finding))}\n`);
  const names = SCORE_PARTS.map(({ name }) => name);
  const table = [
    ["contract", "score", ...names],
    ...scores.map(({ contract, score, parts }) => [
      printable(contract),
      score.toFixed(1),
      ...names.map((name) => parts[name]!.toFixed(1)),
    ]),
  ];
  const parts = [lines, findings.join("")];
  if (scores.length > 0) parts.push(formatTable(table, table[0]!.keys().drop(1).toArray()));
  return parts.filter((part) => part !== "").join("\n");
}

function countsOf(findings: readonly Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const warnings = count("warning");
  const errors = counted(count("error"), "error");
  return warnings === 0 ? errors : `${errors}, ${counted(warnings, "warning")}`;
}
