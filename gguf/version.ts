import { GgufError } from "./errors.ts";

/**
 * Refuses a source that is not what it was.
 *
 * @param before undefined where nothing was opened before
 * @throws {GgufError} If it is another version.
 */
export function checkVersion(name: string, now: string, before: string | undefined): void {
  if (before === undefined || before === now) return;
  throw new GgufError({
    file: name,
    found: "another file than the one that was opened before",
    expected: "the same, until all of it has been opened",
    wayOut: "It was replaced or written to meanwhile: open it again",
  });
}
