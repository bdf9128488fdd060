/**
 * Pins: which text each version of a contract has. A contract that changes takes a new version, or
 * whoever relies on `moe-router-v1 1.0.0` relies on two things under one name.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { parse } from "yaml";

/** A contract's file. */
export interface PinnedContract {
  /** the file's name without `.yaml` */
  readonly name: string;
  /** what `metadata.version` says; undefined where it says nothing */
  readonly version: string | undefined;
  /** the file's text as it stands, line ends included */
  readonly text: string;
}

/** The version and the text that a contract was pinned with. */
export interface Pin {
  /** such as "1.0.0" */
  readonly version: string;
  /** of the file's bytes, 64 hexadecimal digits */
  readonly sha256: string;
}

/**
 * How a contract and its pin disagree, or two copies of it:
 *
 * - `changed`: the text is another, the version is not a higher one
 * - `stale`: the version is another, and the lock still has the one before
 * - `unpinned`: the lock does not have the contract
 * - `gone`: the lock has a contract that is not there
 * - `no-lock`: there is no lock, or one that can't be read; the contract is then ""
 * - `version`: the contract has no version of the form x.y.z
 * - `differs`, `only-here`, `only-there`: of two folders, see {@linkcode compareContracts}
 */
export type PinProblemKind =
  | "changed"
  | "stale"
  | "unpinned"
  | "gone"
  | "no-lock"
  | "version"
  | "differs"
  | "only-here"
  | "only-there";

/** One disagreement. */
export interface PinProblem {
  /** the contract's name */
  readonly contract: string;
  readonly kind: PinProblemKind;
  /** what is wrong and what to do, without the contract's name */
  readonly message: string;
}

/** A lock that can't be read. The message says in which line. */
export class PinError extends Error {
  override readonly name = "PinError";
}

/** The file with the pins, beside the contracts. */
export const LOCK_NAME = "pin.lock";

/** The command that pins the contracts that the program came with. */
const UPDATE_COMMAND = "deno run -A cli.ts pin update";

/** The command that pins the contracts of a folder; of the program's own where none is named. */
export function updateCommand(folder: string | undefined): string {
  return folder === undefined ? UPDATE_COMMAND : `${UPDATE_COMMAND} ${folder}`;
}

const LOCK_HEAD =
  `# The version and the SHA-256 of every contract here. A contract that changes takes a higher
# metadata.version; then write this file anew: ${UPDATE_COMMAND}
`;

/**
 * The pins of a lock, by the contracts' names.
 *
 * @throws {PinError} If a line is not a name, a version and a SHA-256, or a name comes twice.
 */
export function parsePins(text: string): Map<string, Pin> {
  const pins = new Map<string, Pin>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line === "" || line.startsWith("#")) return;
    const refuse = (problem: string) => {
      throw new PinError(`${LOCK_NAME}, line ${index + 1}: ${problem}`);
    };
    const [name, version, sha256, ...more] = line.split(" ");
    if (!name || !isVersion(version) || !/^[0-9a-f]{64}$/.test(sha256 ?? "") || more.length > 0) {
      return refuse("is not a contract's name, its version x.y.z and a SHA-256");
    }
    if (pins.has(name)) refuse(`'${name}' is pinned twice`);
    pins.set(name, { version, sha256: sha256! });
  });
  return pins;
}

/**
 * The text of a lock, a line for each contract, sorted by name.
 *
 * @throws {PinError} If a name would not be read back: it has white space, or begins like a comment.
 */
export function formatPins(pins: ReadonlyMap<string, Pin>): string {
  const lines = sorted(pins.keys()).map((name) => {
    if (/^#|\s/.test(name)) throw new PinError(`'${name}' can't be pinned: not with that name`);
    const { version, sha256 } = pins.get(name)!;
    return `${name} ${version} ${sha256}\n`;
  });
  return LOCK_HEAD + lines.join("");
}

/**
 * What keeps contracts from being those that were pinned.
 *
 * @param lock the text of the lock; undefined where there is none
 * @param update the command that pins these contracts, for messages
 */
export function checkPins(
  contracts: readonly PinnedContract[],
  lock: string | undefined,
  update: string = UPDATE_COMMAND,
): PinProblem[] {
  const pins = readLock(lock, update);
  if (!(pins instanceof Map)) return [pins];
  const problems = byName(contracts).flatMap((contract) => {
    const problem = versionProblem(contract) ??
      pinProblem(contract, pins.get(contract.name), update);
    return problem === undefined ? [] : [{ contract: contract.name, ...problem }];
  });
  const there = new Set(contracts.map(({ name }) => name));
  const gone = sorted(pins.keys()).filter((name) => !there.has(name));
  return [
    ...problems,
    ...gone.map((contract) => ({
      contract,
      kind: "gone" as const,
      message: `is pinned and is not there; if that is meant, run: ${update}`,
    })),
  ];
}

/** What pinning contracts came to. */
export interface PinUpdate {
  /** the lock's new text; undefined if a contract was refused */
  readonly lock: string | undefined;
  /** why contracts were refused: `changed` or `version` */
  readonly refused: readonly PinProblem[];
  /** the pins of before */
  readonly before: ReadonlyMap<string, Pin>;
  /** the pins of now; of a refused contract none */
  readonly after: ReadonlyMap<string, Pin>;
}

/**
 * Pins contracts as they are, unless one changed under the version that it is pinned with.
 *
 * @param lock the text of the lock so far; undefined where there is none
 * @param update as for {@linkcode checkPins}
 * @throws {PinError} If the lock so far can't be read: whether a contract changed is in there.
 */
export function updatePins(
  contracts: readonly PinnedContract[],
  lock: string | undefined,
  update: string = UPDATE_COMMAND,
): PinUpdate {
  const before = lock === undefined ? new Map<string, Pin>() : parsePins(lock);
  const after = new Map<string, Pin>();
  const refused: PinProblem[] = [];
  for (const contract of byName(contracts)) {
    const { name, version, text } = contract;
    const problem = versionProblem(contract) ?? pinProblem(contract, before.get(name), update);
    if (problem?.kind === "version" || problem?.kind === "changed") {
      refused.push({ contract: name, ...problem });
    } else {
      after.set(name, { version: version!, sha256: sha256(text) });
    }
  }
  return { lock: refused.length > 0 ? undefined : formatPins(after), refused, before, after };
}

/**
 * Where two folders do not have the same contracts, byte for byte.
 *
 * @param elsewhere what the folder of `there` is called, for messages
 */
export function compareContracts(
  here: readonly PinnedContract[],
  there: readonly PinnedContract[],
  elsewhere: string,
): PinProblem[] {
  const others = new Map(there.map((contract) => [contract.name, contract]));
  const own = new Set(here.map(({ name }) => name));
  const versionOf = ({ version }: PinnedContract) => version ?? "without a version";
  const problems = byName(here).flatMap((contract): PinProblem[] => {
    const other = others.get(contract.name);
    if (other?.text === contract.text) return [];
    const kind = other === undefined ? "only-here" : "differs";
    const message = other === undefined
      ? `is not in ${elsewhere}`
      : `is another text in ${elsewhere}: here ${versionOf(contract)}, there ${versionOf(other)}`;
    return [{ contract: contract.name, kind, message }];
  });
  const missing = byName(there).filter(({ name }) => !own.has(name));
  return [
    ...problems,
    ...missing.map(({ name }) => ({
      contract: name,
      kind: "only-there" as const,
      message: `is in ${elsewhere} and not here`,
    })),
  ];
}

/** What `metadata.version` of a contract says; undefined where it or the YAML can't be read. */
export function contractVersion(text: string): string | undefined {
  try {
    const contract = parse(text, { logLevel: "error" }) as
      | { metadata?: { version?: unknown } | null }
      | null
      | undefined;
    const version = contract?.metadata?.version;
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}

function readLock(lock: string | undefined, update: string): Map<string, Pin> | PinProblem {
  const problem = (message: string) => ({ contract: "", kind: "no-lock" as const, message });
  if (lock === undefined) return problem(`there is no ${LOCK_NAME}; run: ${update}`);
  try {
    return parsePins(lock);
  } catch (error) {
    if (error instanceof PinError) return problem(error.message);
    throw error;
  }
}

type Problem = Omit<PinProblem, "contract">;

function versionProblem({ version }: PinnedContract): Problem | undefined {
  if (isVersion(version)) return undefined;
  const found = version === undefined ? "is missing" : `is ${JSON.stringify(version)}`;
  return { kind: "version", message: `metadata.version ${found}; it has the form 1.0.0` };
}

function pinProblem(
  { version, text }: PinnedContract,
  pin: Pin | undefined,
  update: string,
): Problem | undefined {
  if (pin === undefined) return { kind: "unpinned", message: `is not pinned; run: ${update}` };
  const order = compareVersions(version!, pin.version);
  const same = sha256(text) === pin.sha256;
  if (same && order === 0) return undefined;
  if (same || order > 0) {
    return { kind: "stale", message: `is ${version}, pinned is ${pin.version}; run: ${update}` };
  }
  const fault = order === 0
    ? `changed, and is still ${version}`
    : `changed, and went from ${pin.version} back to ${version}`;
  return { kind: "changed", message: `${fault}; raise metadata.version, then run: ${update}` };
}

function isVersion(version: string | undefined): version is string {
  return version !== undefined && /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(version);
}

/** Negative if version `a` comes before `b`, 0 if they are the same, positive otherwise. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  const place = left!.findIndex((part, index) => part !== right![index]);
  return place < 0 ? 0 : left![place]! - right![place]!;
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** By code units, so that the lock is the same everywhere. */
function sorted(names: Iterable<string>): string[] {
  return [...names].sort();
}

function byName(contracts: readonly PinnedContract[]): PinnedContract[] {
  const places = new Map(contracts.map((contract) => [contract.name, contract]));
  return sorted(places.keys()).map((name) => places.get(name)!);
}
