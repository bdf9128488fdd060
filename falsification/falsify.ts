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
 * @param signal ends the run, without a verdict on the test that it interrupts
 * @yields a verdict for each test, in their order
 */
export async function* falsify(
  tests: Iterable<BoundTest>,
  model: ModelUnderTest,
  signal?: AbortSignal,
): AsyncGenerator<Verdict, void, void> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const abort = () => resolve(undefined);
  signal?.addEventListener("abort", abort);
  try {
    for (const test of tests) {
      // Most tests never wait, and a signal comes only to who does.
      if (signal !== undefined) await new Promise((resolve) => setTimeout(resolve));
      if (signal?.aborted) return;
      const outcome = await Promise.race([attempt(test, model), aborted]);
      if (outcome === undefined) return;
      yield { contract: test.contract, id: test.id, ...outcome };
    }
  } finally {
    signal?.removeEventListener("abort", abort);
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
