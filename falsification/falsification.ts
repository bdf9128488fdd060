/**
 * What the code behind a contract's `falsification_tests` looks like: functions that try to refute
 * what the contract says of an implementation, be it the engine's own or one that is broken on
 * purpose.
 *
 * @module
 */
import type { ModelKind, ModelUnderTest } from "./model.ts";

/** What every test has: an entry of `falsification_tests` names it as `${id} ${title}`. */
interface Titled {
  /** such as "F-ROUTER-001"; the contract's entry has the same */
  readonly id: string;
  /** what would hold, as a sentence */
  readonly title: string;
}

/** A test that needs nothing but the implementation. */
export interface CodeTest<Subject> extends Titled {
  readonly of?: undefined;
  /** @throws if the implementation breaks the contract; an AssertionError says how */
  run(subject: Subject): void | Promise<void>;
}

/** A test that speaks of a model file: the one that ships in the code, or a user's own. */
export interface ModelTest<Subject> extends Titled {
  /** the models that it can speak of; with another one it is skipped, for that reason */
  readonly of: ModelKind;
  /** @throws as {@linkcode CodeTest.run} */
  run(subject: Subject, model: ModelUnderTest): void | Promise<void>;
}

/** One falsification test of implementations that are a `Subject`. */
export type FalsificationTest<Subject> = CodeTest<Subject> | ModelTest<Subject>;

/** The tests of one contract. */
export interface Falsification<Subject> {
  /** the contract's name, such as "moe-router-v1" */
  readonly contract: string;
  /** makes the engine's own implementation, through what the engine itself calls */
  readonly subject: () => Subject | Promise<Subject>;
  readonly tests: readonly FalsificationTest<Subject>[];
}

/** A test together with the implementation that it is run against. */
export interface BoundTest extends Titled {
  readonly contract: string;
  /** undefined for a test that needs no model */
  readonly of: ModelKind | undefined;
  /** @throws if the implementation breaks the contract */
  run(model: ModelUnderTest): Promise<void>;
}

/** The tests of a contract, to be run against an implementation: the engine's own by default. */
export function bind<Subject>(
  { contract, tests, subject }: Falsification<Subject>,
  implementation: () => Subject | Promise<Subject> = subject,
): BoundTest[] {
  let made: Promise<Subject> | undefined;
  return tests.map((test) => ({
    contract,
    id: test.id,
    title: test.title,
    of: test.of,
    run: async (model) => {
      made ??= Promise.resolve(implementation());
      if (test.of === undefined) await test.run(await made);
      else await test.run(await made, model);
    },
  }));
}
