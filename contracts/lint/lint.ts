/**
 * Whether contracts fit each other, their tests, their tables and their pins.
 *
 * @module
 */
import { dirname } from "node:path";
import { type Contract, contractOf } from "../validation/contract.ts";
import { ContractsHere } from "./contracts_here.ts";
import { readDocument } from "../validation/document.ts";
import { type Finding, hasErrors, sortFindings } from "../validation/finding.ts";
import { audit } from "./gates/audit.ts";
import { bind } from "./gates/bind.ts";
import { composition } from "./gates/composition.ts";
import { pin, type PinnedFolder } from "./gates/pin.ts";
import { type Score, score, scoreOf } from "./gates/score.ts";
import { type GeneratedTable, shapes } from "./gates/shapes.ts";
import type { NamedTest } from "./named_tests.ts";
import { validateDocument } from "../validation/validate.ts";

/** A contract's file. */
export interface LintedFile {
  /** the contract's name */
  readonly name: string;
  /** where it is, as the user named it */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The lock of a folder with contracts to judge. */
export interface FolderLock {
  readonly path: string;
  /** its text; undefined where there is none */
  readonly text: string | undefined;
}

/** All that the gates look at. */
export interface LintInput {
  /** the contracts to judge */
  readonly files: readonly LintedFile[];
  /** the others in their folders, which they may refer to */
  readonly beside: readonly LintedFile[];
  /** every falsification test of the repository */
  readonly tests: readonly NamedTest[];
  /** the tables of the contracts to judge */
  readonly tables: readonly GeneratedTable[];
  /** one for each folder that has a contract to judge */
  readonly locks: readonly FolderLock[];
}

/** The gates, in the order in which a contract passes through them. */
export const GATES = [
  "validate",
  "audit",
  "bind",
  "shapes",
  "pin",
  "composition",
  "score",
] as const;

/** The name of a gate. */
export type GateName = typeof GATES[number];

/** What came of a gate. One after a gate that failed was not tried. */
export interface GateReport {
  readonly gate: GateName;
  readonly status: "passed" | "failed" | "skipped";
  readonly findings: readonly Finding[];
}

/** What came of all of them. */
export interface LintReport {
  readonly gates: readonly GateReport[];
  /** of each contract; none if the gate `score` was not tried */
  readonly scores: readonly Score[];
}

/** Sends contracts through the gates, up to the first that they fail. */
export function lint(input: LintInput): LintReport {
  const documents = input.files.map(({ path, bytes }) => readDocument(path, bytes));
  const judged = input.files.map(({ name }, index) => contractOf(name, documents[index]!));
  const beside = input.beside.map(({ name, path, bytes }) =>
    contractOf(name, readDocument(path, bytes))
  );
  const contracts = new ContractsHere(judged, beside);
  const checks: Record<GateName, () => Finding[]> = {
    validate: () => documents.flatMap(validateDocument),
    audit: () => audit(contracts),
    bind: () => bind(contracts, input.tests),
    shapes: () => shapes(input.tables),
    pin: () => pin(pinnedFolders(input, judged, beside)),
    composition: () => composition(contracts),
    score: () => score(contracts),
  };
  const gates: GateReport[] = [];
  for (const gate of GATES) {
    if (gates.some(({ status }) => status !== "passed")) {
      gates.push({ gate, status: "skipped", findings: [] });
      continue;
    }
    const findings = sortFindings(checks[gate]());
    gates.push({ gate, status: hasErrors(findings) ? "failed" : "passed", findings });
  }
  const scored = gates.at(-1)!.status !== "skipped";
  return { gates, scores: scored ? judged.map(scoreOf) : [] };
}

function pinnedFolders(
  { files, beside, locks }: LintInput,
  judged: readonly Contract[],
  others: readonly Contract[],
): PinnedFolder[] {
  const text = new TextDecoder("utf-8", { ignoreBOM: true });
  const pinned = (of: readonly LintedFile[], contracts: readonly Contract[], judged: boolean) =>
    contracts.map((contract, i) => ({ contract, text: text.decode(of[i]!.bytes), judged }));
  const all = [...pinned(files, judged, true), ...pinned(beside, others, false)];
  return locks.map((lock) => ({
    path: lock.path,
    lock: lock.text,
    contracts: all.filter(({ contract }) => dirname(contract.path) === dirname(lock.path)),
  }));
}
