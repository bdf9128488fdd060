/** Which operation the engine has not got, for which architecture, and the contract that says so. */
export interface UnsupportedOperation {
  readonly architecture: string;
  readonly operation: string;
  readonly contract: string;
  /** what the reader of the message can do */
  readonly wayOut: string;
}

/** The file is sound, but asks for something this engine has no implementation of. */
export class UnsupportedOperationError extends Error {
  /** "UnsupportedOperationError" */
  override readonly name = "UnsupportedOperationError";
  /** as the file or the caller named it */
  readonly architecture: string;
  /** what is missing */
  readonly operation: string;
  /** the contract that says what is there */
  readonly contract: string;

  /** @ignore */
  constructor({ architecture, operation, contract, wayOut }: UnsupportedOperation) {
    super(
      `Architecture '${architecture}' has no ${operation} here (contract ${contract}). ${wayOut}`,
    );
    this.architecture = architecture;
    this.operation = operation;
    this.contract = contract;
  }
}

/** The file's hyper-parameters or tensors do not make a model: missing, contradictory or misshapen. */
export class ModelError extends Error {
  /** "ModelError" */
  override readonly name = "ModelError";
  /** the file, as it was named on opening */
  readonly file: string;

  /** @ignore */
  constructor(file: string, problem: string) {
    super(`${file}: ${problem}`);
    this.file = file;
  }
}

/** More tokens than the session's context holds. */
export class ContextLengthError extends RangeError {
  /** "ContextLengthError" */
  override readonly name = "ContextLengthError";

  /** `tokens` do not fit into `context`. */
  constructor(readonly tokens: number, readonly context: number) {
    super(
      `${tokens} tokens do not fit into a context of ${context}: shorten the prompt or open the session with a larger context`,
    );
  }
}

/** A model or a session was used after it was disposed of, or disposed of while it was used. */
export class DisposedError extends Error {
  /** "DisposedError" */
  override readonly name = "DisposedError";

  /** A "model" or a "session" was disposed of. */
  constructor(what: "model" | "session") {
    super(`The ${what} has been disposed of.`);
  }
}

const MIB = 2 ** 20;

/** The memory budget is too small for what has to be in memory at once. */
export class MemoryBudgetError extends RangeError {
  /** "MemoryBudgetError" */
  override readonly name = "MemoryBudgetError";

  /**
   * `budget` is below `smallest`.
   *
   * @param budget bytes that were allowed
   * @param smallest bytes that would do
   */
  constructor(readonly budget: number, readonly smallest: number) {
    const enough = Math.ceil(smallest / MIB);
    super(
      `a memory budget of ${Math.floor(budget / MIB)} MiB is too small: this model needs at ` +
        `least ${enough} MiB (memory, --memory ${enough}MiB), ` +
        "less with a smaller context or batch",
    );
  }
}
