/**
 * A test of this repository whose title begins with the id of a falsification test. One whose title
 * can't be read off the source is here only if it is left out of the test run: it may be any
 * falsification test, or, in a loop, all of them. Its `id` is "", and whoever checks that tests run
 * has to report it.
 */
export interface NamedTest {
  /** such as "F-ROUTER-003"; "" where the title is computed */
  readonly id: string;
  /** the whole title, the id included; "(computed)" where the source does not say it */
  readonly title: string;
  /** the contract that the test says it belongs to; undefined where only its title speaks */
  readonly contract: string | undefined;
  /** where it stands, relative to the repository's root */
  readonly path: string;
  /** from 1 */
  readonly line: number;
  /** how it is left out of the test run, such as "Deno.test.ignore"; undefined where it runs */
  readonly skipped: string | undefined;
}
