/**
 * Routing as a file of JSON lines, one for each token and layer.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { Route, Routing } from "../mod.ts";
import { CommandError } from "./verb.ts";

/** Digits that tell one f32 from most others. */
const DIGITS = 7;

/**
 * A file of routes, which replace what was there when the first of them come. Each call writes whole
 * lines before it returns, so that whatever ends the program leaves no half of one.
 */
export class RoutingTrace implements Disposable {
  readonly #path: string;
  readonly #file: number;
  readonly #isNew: boolean;
  #begun = false;

  /**
   * Opens the file, without changing what is in it yet.
   *
   * @throws {CommandError} If it can't be written.
   */
  constructor(path: string) {
    this.#path = path;
    this.#isNew = !existsSync(path);
    this.#file = this.#try(() => openSync(path, "a"));
  }

  /**
   * Appends the routes of some tokens; the first ones empty the file before. Without any, disposing of
   * the trace leaves everything as it was.
   *
   * @throws {CommandError} If they can't be written.
   */
  write(routing: Routing): void {
    const lines = Array.from(routing, (route) => `${JSON.stringify(lineOf(route))}\n`);
    const bytes = new TextEncoder().encode(lines.join(""));
    this.#try(() => {
      if (!this.#begun && fstatSync(this.#file).isFile()) ftruncateSync(this.#file);
      this.#begun = true;
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    });
  }

  #try<Result>(step: () => Result): Result {
    try {
      return step();
    } catch (error) {
      throw new CommandError(
        `--trace-routing ${this.#path}: can't be written (${(error as Error).message})`,
      );
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    closeSync(this.#file);
    if (this.#isNew && !this.#begun) rmSync(this.#path, { force: true });
  }
}

/** A route with the digits that its numbers have. */
function lineOf({ weights, shared, ...route }: Route): Route {
  const rounded = (weight: number) => Number(weight.toPrecision(DIGITS));
  return {
    ...route,
    weights: weights.map(rounded),
    ...(shared === undefined ? {} : { shared: rounded(shared) }),
  };
}
