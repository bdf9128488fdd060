/**
 * Finding falsification tests in sources: which there are, and which of them are left out of the
 * test run. The sources are parsed and not run, so that a test that registers only on some machines
 * is seen on all of them.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import type { NamedTest } from "./named_tests.ts";
import type { Text } from "./syntax_tree.ts";
import { findRegistrations, type Registration } from "./test_registrations.ts";

/** The id that the title of a falsification test begins with. */
const FALSIFICATION_ID = /^(?:F|FALSIFY)(?:-[A-Z0-9]+)+-\d{3}\b/;

/** What could be the beginning of such an id, or has one. */
const BEGINS_LIKE_AN_ID = /^(?:$|F[A-Z0-9-]*(?:$|\b))/;

/**
 * The falsification tests that a source registers with `Deno.test`. A test is left out of the run
 * if it is ignored, or may be (`ignore` is anything but `false`), if it is registered only under a
 * condition, or if another test of its file has `only`.
 *
 * @param source TypeScript
 * @param path where it stands, for the result and for errors
 * @throws {SourceError} If the source does not parse.
 */
export function testsIn(source: string, path: string): NamedTest[] {
  const registrations = findRegistrations(source, path);
  const alone = registrations.find(({ only }) => only);
  const speaksOfContracts = /falsification|\bF(?:ALSIFY)?-[A-Z0-9-]*\d{3}\b/i.test(path + source);
  return registrations.flatMap((registration): NamedTest[] => {
    const { title, line } = registration;
    const skipped = registration.skipped ?? leftOutBy(alone, registration);
    const id = title.whole ? FALSIFICATION_ID.exec(title.text)?.[0] : undefined;
    if (id !== undefined) {
      return [{ id, title: title.text, contract: undefined, path, line, skipped }];
    }
    if (skipped === undefined || !speaksOfContracts || !mayBeginWithId(title)) return [];
    return [{ id: "", title: "(computed)", contract: undefined, path, line, skipped }];
  });
}

/**
 * The falsification tests in the files `*_test.ts` of a folder and its folders. Hidden folders,
 * `node_modules` and `fixtures` hold no tests of this repository.
 *
 * @throws {SourceError} If a file does not parse.
 */
export async function scanTests(root: URL): Promise<NamedTest[]> {
  const folder = root.href.endsWith("/") ? root : new URL(`${root.href}/`);
  const tests: NamedTest[] = [];
  for (const path of await testFiles(folder, "")) {
    tests.push(...testsIn(await readFile(new URL(escaped(path), folder), "utf8"), path));
  }
  return tests;
}

/** Paths below `root`, in the order of the alphabet. */
async function testFiles(root: URL, folder: string): Promise<string[]> {
  const entries = await readdir(new URL(escaped(folder), root), { withFileTypes: true });
  const paths: string[] = [];
  for (const entry of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const { name } = entry;
    if (entry.isFile() && name.endsWith("_test.ts")) paths.push(folder + name);
    if (entry.isDirectory() && !isForeign(name)) {
      paths.push(...await testFiles(root, `${folder}${name}/`));
    }
  }
  return paths;
}

function isForeign(folder: string): boolean {
  return folder.startsWith(".") || folder === "node_modules" || folder === "fixtures";
}

/** A path as a part of a URL: names may have any character. */
function escaped(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function mayBeginWithId({ text, whole }: Text): boolean {
  return !whole && BEGINS_LIKE_AN_ID.test(text);
}

function leftOutBy(alone: Registration | undefined, test: Registration): string | undefined {
  if (alone === undefined || test.only) return undefined;
  return `another test of the file has only (line ${alone.line})`;
}
