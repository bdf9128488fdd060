/**
 * The tests of contract qwen3-moe-forward-v1.
 *
 * @module
 */
import type { Falsification } from "../falsification.ts";
import { LAW_TESTS } from "./laws.ts";
import { LOADING_TESTS } from "./loading.ts";
import { PARITY_TESTS } from "./parity.ts";
import { engineForward, type ForwardPass } from "./subject.ts";

/** The tests of qwen3-moe-forward-v1. */
export const qwen3MoeForward: Falsification<ForwardPass> = {
  contract: "qwen3-moe-forward-v1",
  subject: engineForward,
  tests: [...LOADING_TESTS, ...PARITY_TESTS, ...LAW_TESTS],
};
