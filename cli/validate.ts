import {
  type Finding,
  hasErrors,
  type Level,
  sortFindings,
} from "../contracts/validation/finding.ts";
import { asGithub, asJson, asLine, asSarif } from "../contracts/validation/finding_formats.ts";
import { validateContract } from "../contracts/validation/validate.ts";
import { VALIDATE_RULES } from "../contracts/validation/rules.ts";
import { choiceValue, parseArguments } from "./arguments.ts";
import { readContractFiles } from "./contract_files.ts";
import { counted, formatTable, printable } from "./format.ts";
import type { Io } from "./verb.ts";

const FORMATS = ["text", "json", "sarif", "github"] as const;

/** The rules for a help text. */
const RULES = formatTable(
  VALIDATE_RULES.map(({ id, level, description }) => [`  ${id}`, level, description]),
);

export const help = `Whether contracts are complete and well-formed.

usage: COMMAND validate PATH… [--format text|json|sarif|github]

PATH is a contract (a YAML file), or a folder with contracts in it and in its folders.

  --format text    path:line:column: level RULE message, and a summary (the default)
  --format json    an array of { path, line, column, rule, level, message }
  --format sarif   SARIF 2.1.0, for code scanners
  --format github  annotations, for GitHub's workflows

${RULES}
A key with nothing after it, and a blank text, count as missing. Keys that resemble no known one are
tables of the contract. The keys and their types are in contracts/contract.schema.json.

Exit codes: 0 no errors (there may be warnings), 1 errors, 2 a path is not there or has no contract.

example: COMMAND validate contracts/ --format github
`;

const FLAGS = { format: { type: "string" } } as const;

/** Validates contracts. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["PATH…"]);
  const format = choiceValue("format", values.format, FORMATS) ?? "text";
  const files = await readContractFiles(operands);
  const findings = sortFindings(files.flatMap(({ path, bytes }) => validateContract(path, bytes)));
  await io.write(await FORMATTERS[format](findings, files.length));
  return hasErrors(findings) ? 1 : 0;
}

type Formatter = (findings: readonly Finding[], contracts: number) => string | Promise<string>;

const FORMATTERS: Readonly<Record<typeof FORMATS[number], Formatter>> = {
  text: asText,
  json: (findings) => `${asJson(findings)}\n`,
  sarif: async (findings) => {
    const { default: { name, version } } = await import("../deno.json", { with: { type: "json" } });
    return `${asSarif(findings, { name, version, rules: VALIDATE_RULES })}\n`;
  },
  github: (findings) => asGithub(findings),
};

function asText(findings: readonly Finding[], contracts: number): string {
  const count = (level: Level) =>
    counted(findings.filter((finding) => finding.level === level).length, level);
  const lines = findings.map((finding) => `${printable(asLine(finding))}\n`).join("");
  return `${lines}${counted(contracts, "contract")}, ${count("error")}, ${count("warning")}\n`;
}
