/**
 * Running falsification tests.
 *
 * @module
 */
import type { BoundTest } from "./falsification.ts";
import type { ModelUnderTest } from "./model.ts";

/** What came of one test. A skipped one showed nothing. */
export interface Verdict {
  readonly contract: string;
  readonly id: string;
  readonly status: "passed" | "failed" | "skipped";
  /** how it failed, or why it was skipped; empty where it passed */
  readonly reason: string;
}

/**
 * Runs tests one after another.
 *
 * @param model what those speak of that speak of a model
 * @yields a verdict for each test, in their order
 */
export async function* falsify(
  tests: Iterable<BoundTest>,
  model: ModelUnderTest,
): AsyncGenerator<Verdict, void, void> {
  for (const test of tests) {
    yield { contract: test.contract, id: test.id, ...await attempt(test, model) };
  }
}

async function attempt(
  test: BoundTest,
  model: ModelUnderTest,
): Promise<Pick<Verdict, "status" | "reason">> {
  const lack = test.of && model.lacks(test.of);
  if (lack !== undefined) return { status: "skipped", reason: lack };
  try {
    await test.run(model);
    return { status: "passed", reason: "" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { status: "failed", reason };
  }
}
