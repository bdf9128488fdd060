/** Which operation an engine has not got, for which architecture, and the contract that says so. */
export interface UnsupportedOperation {
  readonly architecture: string;
  readonly operation: string;
  readonly contract: string;
  /** what the reader of the message can do */
  readonly wayOut: string;
}

/** The file is sound, but asks for something this engine has no implementation of. */
export class UnsupportedOperationError extends Error {
  override readonly name = "UnsupportedOperationError";
  readonly architecture: string;
  readonly operation: string;
  readonly contract: string;

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
  override readonly name = "ModelError";
  /** the file, as it was named on opening */
  readonly file: string;

  constructor(file: string, problem: string) {
    super(`${file}: ${problem}`);
    this.file = file;
  }
}

/** More tokens than the session's context holds. */
export class ContextLengthError extends RangeError {
  override readonly name = "ContextLengthError";

  constructor(readonly tokens: number, readonly context: number) {
    super(
      `${tokens} tokens do not fit into a context of ${context}: shorten the prompt or open the session with a larger context`,
    );
  }
}
