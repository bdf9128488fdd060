/**
 * Pieces of the TypeScript that tables are generated as, formatted as `deno fmt` would.
 *
 * @module
 */

/** What writes the tables. */
export const COMMAND = "deno run -A contracts/generate.ts";

/** The width at which `deno fmt` breaks a line in this repository. */
export const LINE_WIDTH = 100;

/** The first lines of a table: where it comes from. */
export function origin(contract: string): string {
  return `// Generated from contracts/${contract}.yaml. To change it, change that and run:
// ${COMMAND}
`;
}

/** A union of strings. */
export function union(name: string, description: string, members: readonly string[]): string {
  const lines = members.map((member) => `\n  | ${JSON.stringify(member)}`);
  return `/** ${description} */\nexport type ${name} =${lines.join("")};\n`;
}

/** A list of strings that are of a type. */
export function list(
  name: string,
  description: string,
  type: string,
  members: readonly string[],
): string {
  const lines = members.map((member) => `  ${JSON.stringify(member)},\n`);
  return `/** ${description} */\nexport const ${name}: readonly ${type}[] = [\n${
    lines.join("")
  }];\n`;
}
