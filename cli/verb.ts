/** What the command line has of the world, so that tests can run a verb in process. */
export interface Io {
  /** Writes a part of the result to stdout; resolves when it is taken. */
  write(text: string): Promise<void>;
  /** Writes what is not the result to stderr, as it stands: the caller ends its lines. */
  tell(text: string): void;
  /** All bytes of stdin. */
  readInput(): Promise<Uint8Array>;
  /** Whether stdin is a keyboard, so that nothing is piped in. */
  readonly inputIsTerminal: boolean;
  /** Whether stdout is a screen, which control characters could steer. */
  readonly writesTerminal: boolean;
  /** Whether stderr is a screen, on which a line can be written over. */
  readonly tellsTerminal: boolean;
  /** Whether unexpected errors show their stack. */
  readonly debug: boolean;
  /** A signal that Ctrl+C aborts. Before the first call Ctrl+C ends the process, as usual. */
  interruption(): AbortSignal;
}

/** A verb of the command line: what each module `cli/VERB.ts` exports. */
export interface Verb {
  /** What `--help` prints: usage, options, examples. */
  readonly help: string;
  /**
   * Does the work.
   *
   * @param args What follows the verb.
   * @returns The exit code: 0 done, 1 failed.
   * @throws {UsageError} If the arguments are wrong; the exit code is then 2. Any other error is
   * told on stderr, with exit code 1.
   */
  run(args: readonly string[], io: Io): Promise<number>;
}

/** Wrong arguments. The message names the one at fault and says what is allowed. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A failure that the command line itself finds, such as a file that is in the way. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
