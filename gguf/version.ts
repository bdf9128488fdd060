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
    found: "another file than the one that was opened, or one that was written to",
    expected: "the same as before",
    wayOut: "It has changed: open it again",
  });
}
