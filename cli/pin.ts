import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  checkPins,
  compareContracts,
  contractVersion,
  LOCK_NAME,
  type Pin,
  type PinnedContract,
  type PinProblem,
  updateCommand,
  updatePins,
} from "../contracts/pin.ts";
import { parseArguments } from "./arguments.ts";
import { JSON_FLAG } from "./flags.ts";
import { counted, printable } from "./format.ts";
import { CommandError, type Io, UsageError } from "./verb.ts";
import { writeWholeFile } from "./whole_file.ts";

export const help = `Whether contracts are the texts that were pinned, and pins them.

usage: COMMAND pin check [PATH] [--against DIR] [--json]
       COMMAND pin update [PATH] [--json]

PATH is a folder of contracts (*.yaml); by default the one that the program came with. Its
${LOCK_NAME} has the version and the SHA-256 of each of them.

check finds the contracts that changed without a higher metadata.version, and those that are not in
the lock as they are. update writes the lock, but not if a contract changed and its version did not
rise.

  --against DIR  compare with the contracts of another folder too, or of the checkout DIR, byte for
                 byte
  --json         an array of { contract, kind, message }, empty where there is nothing wrong

Exit codes: 0 nothing wrong, 1 problems, 2 no such folder, or no contracts in it.

example: COMMAND pin check --against ../other-checkout
`;

const FLAGS = { against: { type: "string" }, ...JSON_FLAG } as const;

/** Checks or writes the pins of contracts. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["check|update", "[PATH]"]);
  const [action, given] = operands;
  const path = given ?? ownContracts();
  const advice = updateCommand(given);
  if (action !== "check" && action !== "update") {
    throw new UsageError(`${JSON.stringify(action)} is neither check nor update`);
  }
  if (action === "update") {
    if (values.against !== undefined) throw new UsageError("--against goes with pin check only");
    return await update(path, advice, values.json === true, io);
  }
  return await check(path, advice, values.against, values.json === true, io);
}

/** The contracts beside the program. */
function ownContracts(): string {
  const folder = new URL("../contracts/", import.meta.url);
  if (folder.protocol === "file:") return fileURLToPath(folder);
  throw new UsageError("PATH is missing; the program does not lie in a folder here");
}

async function check(
  path: string,
  advice: string,
  against: string | undefined,
  asJson: boolean,
  io: Io,
): Promise<number> {
  const contracts = await readContracts(path);
  const problems = checkPins(contracts, await readLock(path), advice);
  if (against !== undefined) {
    const inCheckout = join(against, "contracts");
    const other = await isFolder(inCheckout) ? inCheckout : against;
    problems.push(...compareContracts(contracts, await readContracts(other), other));
  }
  const counts = [counted(contracts.length, "contract"), counted(problems.length, "problem")];
  const summary = `${counts.join(", ")}\n`;
  await io.write(asJson ? json(problems) : lines(problems) + summary);
  return problems.length === 0 ? 0 : 1;
}

async function update(
  path: string,
  advice: string,
  asJson: boolean,
  io: Io,
): Promise<number> {
  const contracts = await readContracts(path);
  const before = await readLock(path);
  const result = updatePins(contracts, before, advice);
  const { lock } = result;
  if (lock === undefined) {
    await io.write(asJson ? json(result.refused) : lines(result.refused));
    io.tell(`error: ${LOCK_NAME} was not written\n`);
    return 1;
  }
  const target = join(path, LOCK_NAME);
  if (lock !== before) {
    await writeWholeFile(target, io, (sink) => sink.write(new TextEncoder().encode(lock)));
  }
  const changes = changesOf(result.before, result.after);
  const summary = `${printable(target)}: ${counted(contracts.length, "contract")}\n`;
  await io.write(asJson ? json([]) : changes + summary);
  return 0;
}

function changesOf(before: ReadonlyMap<string, Pin>, after: ReadonlyMap<string, Pin>): string {
  const changes = [...after].flatMap(([name, { version, sha256 }]) => {
    const pin = before.get(name);
    if (pin === undefined) return [`pinned   ${printable(name)} ${version}`];
    if (pin.sha256 === sha256 && pin.version === version) return [];
    return [`raised   ${printable(name)} from ${pin.version} to ${version}`];
  });
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return [...changes, ...removed.map((name) => `removed  ${printable(name)}`)]
    .map((line) => `${line}\n`).join("");
}

/** The contracts of a folder; those of folders in it are not contracts of this repository. */
async function readContracts(folder: string): Promise<PinnedContract[]> {
  if (!await isFolder(folder)) throw new UsageError(`there is no folder ${folder}`);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml"));
  if (files.length === 0) throw new UsageError(`${folder} has no contracts (*.yaml)`);
  return await Promise.all(files.map(async (file) => {
    const text = await readText(join(folder, file));
    return { name: file.slice(0, -".yaml".length), version: contractVersion(text), text };
  }));
}

/** A text whose bytes are those of the file: what does not encode back is refused. */
async function readText(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CommandError(`${path} is not UTF-8 text`);
  }
}

async function readLock(folder: string): Promise<string | undefined> {
  try {
    return await readText(join(folder, LOCK_NAME));
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then((found) => found.isDirectory(), () => false);
}

function lines(problems: readonly PinProblem[]): string {
  return problems
    .map(({ contract, message }) => `${contract === "" ? "" : `${contract} `}${message}`)
    .map((line) => `${printable(line)}\n`).join("");
}

function json(problems: readonly PinProblem[]): string {
  return `${JSON.stringify(problems, null, 1)}\n`;
}
