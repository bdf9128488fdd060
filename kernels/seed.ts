import fc from "fast-check";

/** Seeds for `randomFloats`, of property tests. */
export const SEED: fc.Arbitrary<number> = fc.integer({ min: 0, max: 2 ** 31 });
