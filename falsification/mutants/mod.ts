import { moeRouterMutants } from "./moe_router.ts";
import type { BoundMutant } from "./mutant.ts";

/** Every implementation that is broken on purpose. */
export const MUTANTS: readonly BoundMutant[] = [
  ...moeRouterMutants,
];
