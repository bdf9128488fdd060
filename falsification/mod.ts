/**
 * Falsification: the tests that the contracts name, as functions that try to refute them. They run
 * in `deno test`, where `falsify` is called, and against implementations that are broken on purpose.
 *
 * ```ts
 * import { FALSIFICATION_TESTS, falsify, ModelUnderTest } from "./mod.ts";
 *
 * await using model = await ModelUnderTest.open(); // or a user's file
 * const tests = FALSIFICATION_TESTS.filter(({ contract }) => contract === "moe-router-v1");
 * for await (const { id, status, reason } of falsify(tests, model)) console.log(id, status, reason);
 * ```
 *
 * @module
 */
import { bind, type BoundTest } from "./falsification.ts";
import { moeRouter } from "./moe_router.ts";

export type { BoundTest } from "./falsification.ts";
export { falsify, type Verdict } from "./falsify.ts";
export { type ModelKind, ModelUnderTest } from "./model.ts";

/** Every falsification test, contract by contract. */
export const FALSIFICATION_TESTS: readonly BoundTest[] = [
  ...bind(moeRouter),
];
