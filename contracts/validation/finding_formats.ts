/**
 * Findings, written for people and for other programs.
 *
 * @module
 */
import type { Finding, Rule } from "./finding.ts";

/** What SARIF says of the program that found. */
export interface Tool {
  readonly name: string;
  readonly version: string;
  /** every rule that it has, broken or not */
  readonly rules: readonly Rule[];
}

/** A line for people; without its end, and with whatever the file has in it. */
export function asLine({ path, line, column, level, rule, message }: Finding): string {
  return `${path}:${line}:${column}: ${level} ${rule} ${message}`;
}

/** A JSON array; `[]` where nothing was found. */
export function asJson(findings: readonly Finding[]): string {
  return JSON.stringify(findings, null, 1);
}

/**
 * A log in SARIF 2.1.0, the format of code scanners:
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function asSarif(findings: readonly Finding[], { name, version, rules }: Tool): string {
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name,
          version,
          rules: rules.map(({ id, level, description }) => ({
            id,
            shortDescription: { text: description },
            defaultConfiguration: { level },
          })),
        },
      },
      columnKind: "utf16CodeUnits",
      results: findings.map(({ path, line, column, rule, level, message }) => ({
        ruleId: rule,
        ruleIndex: rules.findIndex(({ id }) => id === rule),
        level,
        message: { text: message },
        locations: [{
          physicalLocation: {
            artifactLocation: { uri: uriOf(path) },
            region: { startLine: line, startColumn: column },
          },
        }],
      })),
    }],
  };
  return JSON.stringify(log, null, 1);
}

/**
 * Lines that GitHub shows beside the code:
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function asGithub(findings: readonly Finding[]): string {
  return findings.map(({ path, line, column, rule, level, message }) => {
    const place = `file=${escapedProperty(path)},line=${line},col=${column}`;
    return `::${level} ${place},title=${escapedProperty(rule)}::${escapedData(message)}\n`;
  }).join("");
}

/** A path as a reference that is relative to wherever the program ran. */
function uriOf(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function escapedData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escapedData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
