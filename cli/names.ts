import {
  CONTRACT,
  CONTRACT_VERSION,
  type MissingRole,
  type NameResolution,
  resolveNames,
} from "../contracts/mod.ts";
import { type GgufFile, metadataNumber, openGguf } from "../gguf/mod.ts";
import { ModelError } from "../model/errors.ts";
import { architectureOf } from "../model/hyperparameters.ts";
import { parseArguments } from "./arguments.ts";
import { ARCHITECTURE_FLAG, ARCHITECTURE_HELP, JSON_FLAG, MODEL_HELP } from "./flags.ts";
import { formatCount, formatTable, printable } from "./format.ts";
import type { Io } from "./verb.ts";

export const help = `Whether a model's tensors are those that the contract ${CONTRACT} requires.

usage: COMMAND names MODEL [--assume-architecture NAME] [--json]

${MODEL_HELP}

  ${ARCHITECTURE_HELP}
  --json                      { contract, version, architecture, normalized, known, layers, tensors,
                              missing: [{ role, layer, name }], unmapped: [name] }

Lists the roles that no tensor has, in any layer, and the tensors that have no role.
Exit code 1 if there are such.
`;

const FLAGS = { ...ARCHITECTURE_FLAG, ...JSON_FLAG } as const;

/** Holds a model's tensor names against the contract. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["MODEL"]);
  await using file = await openGguf(operands[0]!);
  const report = check(file, values["assume-architecture"]);
  if (!report.known) {
    io.tell(
      `'${printable(report.architecture)}' is not in the contract; ` +
        `held against ${report.normalized} instead.\n`,
    );
  }
  await io.write(values.json ? `${JSON.stringify(report, null, 1)}\n` : asText(report));
  return report.missing.length + report.unmapped.length === 0 ? 0 : 1;
}

interface Report extends Pick<NameResolution, "missing" | "unmapped"> {
  readonly contract: string;
  readonly version: string;
  readonly architecture: string;
  readonly normalized: string;
  readonly known: boolean;
  readonly layers: number;
  readonly tensors: number;
}

function check(file: GgufFile, assumeArchitecture: string | undefined): Report {
  const { declared, architecture, known } = architectureOf(file, { assumeArchitecture });
  const layers = metadataNumber(file.metadata, `${declared}.block_count`);
  if (layers === undefined) {
    throw new ModelError(
      file.name,
      `the key '${declared}.block_count', the number of layers, is missing`,
    );
  }
  const { missing, unmapped } = resolveNames(architecture, file.tensors.keys(), layers);
  return {
    contract: CONTRACT,
    version: CONTRACT_VERSION,
    architecture: assumeArchitecture ?? declared,
    normalized: architecture,
    known,
    layers,
    tensors: file.tensors.size,
    missing,
    unmapped,
  };
}

function asText(report: Report): string {
  const { contract, version, architecture, normalized, layers, tensors, missing, unmapped } =
    report;
  const place = ({ layer }: MissingRole) => layer === undefined ? "" : `layer ${layer}`;
  const lists = formatTable([
    ...missing.map((gap) => ["missing", gap.name, gap.role, place(gap)]),
    ...unmapped.map((name) => ["unmapped", printable(name)]),
  ]);
  const summary = [
    `contract      ${contract} ${version}`,
    `architecture  ${printable(architecture)} (${normalized}), ${formatCount(layers)} layers`,
    `tensors       ${formatCount(tensors)}`,
    `missing       ${formatCount(missing.length)}`,
    `unmapped      ${formatCount(unmapped.length)}`,
  ];
  return `${lists}${lists === "" ? "" : "\n"}${summary.join("\n")}\n`;
}
