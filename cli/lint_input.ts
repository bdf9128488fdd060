/**
 * Gathering what the gates of `lint` look at.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { GeneratedTable } from "../contracts/lint/gates/shapes.ts";
import type { FolderLock, LintedFile, LintInput } from "../contracts/lint/lint.ts";
import type { NamedTest } from "../contracts/lint/named_tests.ts";
import { LOCK_NAME } from "../contracts/pin.ts";
import { TABLES } from "../contracts/tables/tables.ts";
import { scanTests } from "../contracts/lint/test_sources.ts";
import { FALSIFICATION_TESTS } from "../falsification/mod.ts";
import { contractName, readContractFiles, readContractsBeside } from "./contract_files.ts";

/**
 * The contracts that paths name, with all that they are held against.
 *
 * @param checkout the root of the repository whose tests and tables they are held against
 * @throws {UsageError} If a path is not there, or names no YAML file.
 */
export async function readLintInput(
  paths: readonly string[],
  checkout: URL,
): Promise<LintInput> {
  const files = (await readContractFiles(paths)).map(named);
  const folders = [...new Set(files.map(({ path }) => dirname(path)))];
  const judged = new Set(files.map(({ path }) => path));
  const beside: LintedFile[] = [];
  for (const folder of folders) {
    const others = (await readContractsBeside(folder)).filter(({ path }) => !judged.has(path));
    beside.push(...others.map(named));
  }
  return {
    files,
    beside,
    tests: [...await falsificationTests(checkout), ...await scanTests(checkout)],
    tables: await tablesOf(files, checkout),
    locks: await Promise.all(folders.map(lockOf)),
  };
}

function named({ path, bytes }: { path: string; bytes: Uint8Array }): LintedFile {
  return { name: contractName(path), path, bytes };
}

async function lockOf(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK_NAME);
  return { path, text: await readText(path) };
}

/** The tables of contracts: beside each if it is there, else in the checkout. */
async function tablesOf(
  contracts: readonly LintedFile[],
  checkout: URL,
): Promise<GeneratedTable[]> {
  const text = new TextDecoder();
  const tables = contracts.flatMap(({ name, path, bytes }) =>
    TABLES.filter(({ contract }) => contract === name).map((table) => ({ table, path, bytes }))
  );
  return await Promise.all(tables.map(async ({ table, path: contract, bytes }) => {
    const own = join(dirname(contract), basename(table.path));
    const ownText = await readText(own);
    return {
      contract,
      yaml: text.decode(bytes),
      path: ownText === undefined ? table.path : own,
      text: ownText ?? await readText(new URL(table.path, checkout)),
      generate: table.generate,
    };
  }));
}

/** The tests of `falsification/`, each where its id stands in the code. */
async function falsificationTests(checkout: URL): Promise<NamedTest[]> {
  const folder = new URL("falsification/", checkout);
  const names = (await readdir(folder, { recursive: true }))
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && !name.startsWith("mutants/"))
    .sort();
  const sources = await Promise.all(names.map(async (name) => ({
    path: `falsification/${name}`,
    lines: (await readFile(new URL(name, folder), "utf8")).split("\n"),
  })));
  return FALSIFICATION_TESTS.map(({ id, title, contract }) => {
    const places = sources.flatMap(({ path, lines }) => {
      const index = lines.findIndex((line) => line.includes(`"${id}"`));
      return index < 0 ? [] : [{ path, line: index + 1 }];
    });
    const place = places[0] ?? { path: "falsification/mod.ts", line: 1 };
    return { id, title: `${id} ${title}`, contract, ...place, skipped: undefined };
  });
}

async function readText(path: string | URL): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}
