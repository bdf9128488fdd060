import fc from "fast-check";
import {
  assertClose,
  assertSameBits,
  inBothBuilds,
  inTwoParts,
  randomFloats,
} from "./comparing.ts";
import { ropeNeox, ropePairs, type RopeShape } from "./oracles/rope.ts";
import { SEED } from "./seed.ts";
import { kernelMemory } from "./testing.ts";

const memory = await kernelMemory();

function run(
  operation: "ropeNeox" | "ropePairs",
  x: Float32Array,
  angles: Float32Array,
  { heads, headSize, rotary }: RopeShape,
  cut = 0,
): Float32Array {
  return inBothBuilds(memory, (kernels) => {
    memory.reset();
    const [at, by] = [memory.put(x), memory.put(angles)];
    inTwoParts(
      x.length / (heads * headSize),
      cut,
      (start, end) => kernels[operation](start, end, at, by, heads, headSize, rotary),
    );
    memory.assertGuards();
    return memory.floats(at, x.length);
  });
}

/** [tokens, 2, rotary / 2]: cosines and sines of random angles */
function randomAngles(seed: number, tokens: number, rotary: number): Float32Array {
  const angles = new Float32Array(tokens * rotary);
  randomFloats(seed, tokens * rotary / 2, 10).forEach((angle, i) => {
    const at = Math.floor(i / (rotary / 2)) * rotary + i % (rotary / 2);
    angles[at] = Math.cos(angle);
    angles[at + rotary / 2] = Math.sin(angle);
  });
  return angles;
}

const KINDS = [["ropeNeox", ropeNeox], ["ropePairs", ropePairs]] as const;

for (const [operation, oracle] of KINDS) {
  Deno.test(`${operation}() agrees with its oracle for any shape and any split of tokens`, () => {
    fc.assert(fc.property(
      SEED,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 35 }),
      fc.integer({ min: 0, max: 9 }),
      fc.nat(),
      (seed, tokens, heads, halfRotary, still, cut) => {
        const shape = { heads, rotary: 2 * halfRotary, headSize: 2 * halfRotary + still };
        const x = randomFloats(seed, tokens * heads * shape.headSize);
        const angles = randomAngles(seed + 1, tokens, shape.rotary);
        const whole = run(operation, x, angles, shape);
        // Two products and a sum of values below 1, each rounded once.
        assertClose(whole, oracle(x, angles, shape), () => 3 * 2 ** -24);
        assertSameBits(run(operation, x, angles, shape, cut), whole);
      },
    ));
  });
}

// A quarter turn takes (a, b) to (-b, a), a half turn to (-a, -b); the last element stands still.
const ANGLES = Float32Array.of(0, -1, 1, 0);
const SHAPE: RopeShape = { heads: 1, headSize: 5, rotary: 4 };

Deno.test("ropeNeox() turns element i with element i + rotary / 2", () => {
  const turned = run("ropeNeox", Float32Array.of(1, 2, 3, 4, 5), ANGLES, SHAPE);
  assertClose(turned, Float32Array.of(-3, -2, 1, -4, 5), () => 0);
});

Deno.test("ropePairs() turns element 2i with element 2i + 1", () => {
  const turned = run("ropePairs", Float32Array.of(1, 2, 3, 4, 5), ANGLES, SHAPE);
  assertClose(turned, Float32Array.of(-2, 1, -3, -4, 5), () => 0);
});
