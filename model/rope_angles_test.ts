import assert from "node:assert/strict";
import { writeRopeAngles } from "./rope_angles.ts";

function angles(options: Partial<Parameters<typeof writeRopeAngles>[3]>, first = 0, tokens = 3) {
  const out = new Float32Array(tokens * 4);
  writeRopeAngles(out, first, tokens, {
    ropeBase: 10_000,
    ropeDimensions: 4,
    ropeScale: 1,
    ...options,
  });
  return out;
}

/** cos, cos, sin, sin of a token's two pairs, by their angles in radians */
function row(a: number, b: number): number[] {
  return [Math.cos(a), Math.cos(b), Math.sin(a), Math.sin(b)].map(Math.fround);
}

Deno.test("writeRopeAngles() turns pair i of position p by p * base^(-2i / dimensions)", () => {
  // base^(-2/4) = 10000^(-1/2) = 1/100
  assert.deepEqual([...angles({})], [...row(0, 0), ...row(1, 0.01), ...row(2, 0.02)]);
});

Deno.test("writeRopeAngles() begins at the first position", () => {
  assert.deepEqual([...angles({}, 5, 1)], row(5, 0.05));
});

Deno.test("writeRopeAngles() divides positions by the linear scale and pairs by their factors", () => {
  const frequencyFactors = Float32Array.from([1, 8]);
  assert.deepEqual([...angles({ ropeScale: 4, frequencyFactors }, 8, 1)], row(2, 0.02 / 8));
});
