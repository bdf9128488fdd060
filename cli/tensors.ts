import { roleOf } from "../contracts/mod.ts";
import { type GgufFile, openGguf } from "../gguf/mod.ts";
import { knownArchitectureOf } from "../model/hyperparameters.ts";
import { parseArguments } from "./arguments.ts";
import { ARCHITECTURE_FLAG, ARCHITECTURE_HELP, JSON_FLAG, MODEL_HELP } from "./flags.ts";
import { formatTable, printable } from "./format.ts";
import { type Io, UsageError } from "./verb.ts";

export const help = `The tensors of a model, in the order of the file.

usage: COMMAND tensors MODEL [--filter REGEX] [--assume-architecture NAME] [--json]

${MODEL_HELP}

  --filter REGEX              only tensors whose name matches the regular expression (JavaScript)
  ${ARCHITECTURE_HELP}
  --json                      an array of { name, role, layer, shape, type, bytes, offset, shard }

Columns: name; role in the architecture, "-" for none; shape, innermost dimension first; type; bytes;
offset from the beginning of the file; for a model in several files, the number of the file, from 0.

example: COMMAND tensors model.gguf --filter 'blk\\.0\\.'
`;

const FLAGS = { filter: { type: "string" }, ...ARCHITECTURE_FLAG, ...JSON_FLAG } as const;

/** Lists the tensors. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["MODEL"]);
  const filter = filterOf(values.filter);
  await using file = await openGguf(operands[0]!);
  const rows = describeTensors(file, values["assume-architecture"])
    .filter(({ name }) => filter.test(name));
  await io.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : asText(rows, file));
  return 0;
}

function filterOf(source = ""): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new UsageError(`--filter must be a regular expression: ${(error as Error).message}`);
  }
}

interface Row {
  readonly name: string;
  readonly role: string | null;
  readonly layer: number | null;
  readonly shape: readonly number[];
  readonly type: string;
  readonly bytes: number;
  readonly offset: number;
  readonly shard: number;
}

function describeTensors(file: GgufFile, assumeArchitecture: string | undefined): Row[] {
  const architecture = knownArchitectureOf(file, { assumeArchitecture });
  return [...file.tensors.values()].map(({ name, shape, type, bytes, offset, source }) => {
    const place = architecture && roleOf(architecture, name);
    const [role, layer] = [place?.role ?? null, place?.layer ?? null];
    return { name, role, layer, shape, type, bytes, offset, shard: source };
  });
}

function asText(rows: readonly Row[], file: GgufFile): string {
  const header = ["name", "role", "shape", "type", "bytes", "offset"];
  const cells = rows.map(({ name, role, shape, type, bytes, offset }) => [
    printable(name),
    role ?? "-",
    shape.length === 0 ? "scalar" : shape.join("×"),
    type,
    String(bytes),
    String(offset),
  ]);
  const table = [header, ...cells];
  if (file.sources.length > 1) {
    table.forEach((row, index) => row.push(index === 0 ? "file" : String(rows[index - 1]!.shard)));
  }
  return formatTable(table, [4, 5, 6]);
}
