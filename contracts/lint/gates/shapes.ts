import type { Finding } from "../../validation/finding.ts";
import { findingAt } from "./gate.ts";

/** A generated table, and the contract that it is generated from. */
export interface GeneratedTable {
  /** where the contract is */
  readonly contract: string;
  /** the contract's text */
  readonly yaml: string;
  /** where the table is */
  readonly path: string;
  /** the table's text; undefined where it is not there */
  readonly text: string | undefined;
  /** @throws if no table can be made of the contract */
  generate(yaml: string): string;
}

/** Whether the tables are what the contracts say. */
export function shapes(tables: readonly GeneratedTable[]): Finding[] {
  return tables.flatMap((table) => {
    const { contract, path, text } = table;
    let expected: string;
    try {
      expected = table.generate(table.yaml);
    } catch (error) {
      const message = `no ${path} can be generated: ${(error as Error).message}`;
      return [findingAt(contract, 1, "SHAPES-002", message)];
    }
    if (text === expected) return [];
    const fault = text === undefined ? "is not there" : "is not what the contract says";
    const message = `the table ${fault}; run: deno run -A contracts/generate.ts`;
    return [findingAt(path, firstDifference(text ?? "", expected), "SHAPES-001", message)];
  });
}

/** The number of the first line in which two texts differ. */
function firstDifference(text: string, expected: string): number {
  const [lines, others] = [text.split("\n"), expected.split("\n")];
  const index = lines.findIndex((line, index) => line !== others[index]);
  return index < 0 ? lines.length : index + 1;
}
