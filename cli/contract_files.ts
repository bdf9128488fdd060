/**
 * Finding the contracts that a user names.
 *
 * @module
 */
import { createReadStream, type Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { MAX_CONTRACT_BYTES } from "../contracts/validation/document.ts";
import { UsageError } from "./verb.ts";

/** A file that should be a contract. */
export interface ContractFile {
  /** as the user named it, or the folder it is in */
  readonly path: string;
  /** its beginning, if it is larger than a contract may be */
  readonly bytes: Uint8Array;
}

const ENDINGS: readonly string[] = [".yaml", ".yml"];

/** A contract's name: its file's, without the ending. */
export function contractName(path: string): string {
  return basename(path, extname(path));
}

/**
 * Reads the contracts that paths name: YAML files, and all YAML files of folders and of the folders
 * in those. Each is read once.
 *
 * @throws {UsageError} If a path is not there, or names no YAML file.
 */
export async function readContractFiles(paths: readonly string[]): Promise<ContractFile[]> {
  const found = new Set<string>();
  for (const path of paths) {
    const files = await contractPaths(path);
    if (files.length === 0) throw new UsageError(`${path}: no contract, which is a YAML file`);
    for (const file of files) found.add(file);
  }
  const files: ContractFile[] = [];
  for (const path of [...found].sort()) files.push({ path, bytes: await readBytes(path) });
  return files;
}

/** Reads the contracts of a folder that are not in those within it. */
export async function readContractsBeside(folder: string): Promise<ContractFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && isYaml(entry.name));
  return await readContractFiles(files.map(({ name }) => join(folder, name)));
}

async function contractPaths(path: string): Promise<string[]> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) throw new UsageError(`${path}: there is no such file or folder`);
  if (!there.isDirectory()) return there.isFile() && isYaml(path) ? [join(path)] : [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (isYaml(entry.name) && (entry.isFile() || await isLinkToFile(file, entry))) files.push(file);
  }
  return files;
}

/** Whether an entry is a link, but not one to a folder; one that leads nowhere fails when read. */
async function isLinkToFile(path: string, entry: Dirent): Promise<boolean> {
  return entry.isSymbolicLink() && await stat(path).then((there) => there.isFile(), () => true);
}

function isYaml(path: string): boolean {
  return ENDINGS.includes(extname(path).toLowerCase());
}

/** A file, or as much of it as shows that it is too large. */
async function readBytes(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_CONTRACT_BYTES })) {
    chunks.push(chunk as Uint8Array);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
