/** What is wrong with a file, for {@link GgufError}. */
export interface GgufProblem {
  /** Path or URL of the file, or "blob". */
  readonly file: string;
  /** Byte offset in the file where the problem shows, if it has a place. */
  readonly offset?: number | undefined;
  /** What was found there. */
  readonly found: string;
  /** What a good file would have there. */
  readonly expected: string;
  /** What the user can do. */
  readonly wayOut?: string;
  /** The error underneath, such as the operating system's. */
  readonly cause?: unknown;
}

/** A GGUF file that can not be read: missing, truncated, corrupt, hostile or of another format. */
export class GgufError extends Error {
  /** The class's name, which survives where `instanceof` does not. */
  override readonly name = "GgufError";
  /** Path or URL of the file, or "blob". */
  readonly file: string;
  /** Byte offset in the file where the problem shows; undefined if it has no one place. */
  readonly offset: number | undefined;
  /** What was found there. */
  readonly found: string;
  /** What a good file would have there. */
  readonly expected: string;

  /** Composes the message from the parts of the problem. */
  constructor(problem: GgufProblem) {
    const place = problem.offset === undefined ? "" : `, byte ${problem.offset}`;
    const wayOut = problem.wayOut === undefined ? "" : `. ${problem.wayOut}`;
    super(
      `${problem.file}${place}: ${problem.found}; expected ${problem.expected}${wayOut}`,
      problem.cause === undefined ? undefined : { cause: problem.cause },
    );
    this.file = problem.file;
    this.offset = problem.offset;
    this.found = problem.found;
    this.expected = problem.expected;
  }
}

/** Text from a file as it may stand in a message: quoted, escaped, and cut when long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
