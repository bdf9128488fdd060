import { dirname } from "node:path";
import type { Contract } from "../../validation/contract.ts";
import type { Finding } from "../../validation/finding.ts";
import { checkPins, updateCommand } from "../../pin.ts";
import { findingAt, findingIn } from "./gate.ts";

/** A folder of contracts with its lock. */
export interface PinnedFolder {
  /** where the lock is, or would be */
  readonly path: string;
  /** its text; undefined where there is none */
  readonly lock: string | undefined;
  /** every contract of the folder */
  readonly contracts: readonly PinnedFile[];
}

/** A contract and the text that it is pinned with. */
export interface PinnedFile {
  readonly contract: Contract;
  readonly text: string;
  /** whether what is wrong with it counts */
  readonly judged: boolean;
}

/** Whether the contracts are those that were pinned. */
export function pin(folders: readonly PinnedFolder[]): Finding[] {
  return folders.flatMap(({ path, lock, contracts }) => {
    const files = new Map(contracts.map((file) => [file.contract.name, file]));
    const pinned = contracts.map(({ contract, text }) => ({
      name: contract.name,
      version: contract.version,
      text,
    }));
    const update = updateCommand(dirname(path));
    return checkPins(pinned, lock, update).flatMap(({ contract: name, message }) => {
      const file = files.get(name);
      // Of the lock as a whole, or of a contract that it has and the folder has not.
      if (file === undefined) return [findingAt(path, 1, "PIN-001", `${name} ${message}`.trim())];
      if (!file.judged) return [];
      return [findingIn(file.contract, ["metadata", "version"], "PIN-001", message)];
    });
  });
}
