/**
 * Implementations that are broken on purpose, to see that the falsification tests catch them.
 *
 * @module
 */
import { bind, type BoundTest, type Falsification } from "../falsification.ts";

/** A broken implementation. */
export interface Mutant<Subject> {
  /** what is wrong with it */
  readonly name: string;
  /** the ids of the tests that must catch it; others may too */
  readonly caughtBy: readonly string[];
  readonly subject: () => Subject | Promise<Subject>;
}

/** A broken implementation together with the tests that are run against it. */
export interface BoundMutant {
  readonly contract: string;
  readonly name: string;
  readonly caughtBy: readonly string[];
  readonly tests: readonly BoundTest[];
}

/** The mutants of one contract's implementation. */
export function mutants<Subject>(
  falsification: Falsification<Subject>,
  broken: readonly Mutant<Subject>[],
): BoundMutant[] {
  return broken.map(({ name, caughtBy, subject }) => ({
    contract: falsification.contract,
    name,
    caughtBy,
    tests: bind(falsification, subject),
  }));
}
