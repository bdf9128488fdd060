import assert from "node:assert/strict";
import {
  comparePositions,
  type PositionComparison,
  summarize,
  type Summary,
  verdict,
} from "./compare.ts";

const row = (...values: number[]) => Float32Array.from(values);

function position(largestDifference: number, cosine = 1, sameTop = true): PositionComparison {
  return { largestDifference, cosine, sameTop };
}

function summary(changes: Partial<Summary> = {}): Summary {
  return {
    positions: 100,
    median: 0.1,
    p95: 0.2,
    cosineMedian: 1,
    top1Agreement: 0.97,
    ...changes,
  };
}

function failed(ours: Summary, floor: Summary, kind: "float" | "quantized"): string[] {
  return verdict(ours, floor, kind).bars.filter((bar) => !bar.passed).map((bar) => bar.name);
}

Deno.test("comparePositions() gives the largest difference and the angle of each position", () => {
  const compared = comparePositions([row(-3, -4), row(-1, -2)], [row(-4, -3), row(-1, -2)]);
  // (-3)(-4) + (-4)(-3) = 24, and both rows have length 5: cosine 24/25.
  assert.deepEqual(compared, [
    { largestDifference: 1, cosine: 0.96, sameTop: false },
    { largestDifference: 0, cosine: 1, sameTop: true },
  ]);
});

Deno.test("comparePositions() counts what f32 cannot hold as equally unlikely", () => {
  const [compared] = comparePositions([row(-1, -200)], [row(-1, -Infinity)]);
  assert.deepEqual(compared, { largestDifference: 0, cosine: 1, sameTop: true });
});

Deno.test("comparePositions() measures from the smallest f32 where one side underflows", () => {
  const [compared] = comparePositions([row(0, -80)], [row(0, -Infinity)]);
  // ln(2 ** -126) = -126 * 0.693147... = -87.3365
  assert.ok(Math.abs(compared!.largestDifference - 7.3365) < 1e-4);
});

Deno.test("comparePositions() puts a row with NaN infinitely far away", () => {
  const far = [{ largestDifference: Infinity, cosine: -1, sameTop: false }];
  assert.deepEqual(comparePositions([row(NaN, -1)], [row(-1, -1)]), far);
  assert.deepEqual(comparePositions([row(-1, -1)], [row(-1, NaN)]), far);
});

Deno.test("comparePositions() refuses evaluations of different shapes", () => {
  assert.throws(() => comparePositions([row(0)], []), RangeError);
  assert.throws(() => comparePositions([row(0)], [row(0, 0)]), RangeError);
});

Deno.test("summarize() gives median, 95th percentile and agreement over positions", () => {
  const positions = [5, 1, 3, 2, 4].map((n) => position(n, n / 10, n > 1));
  // Sorted 1..5: the 95th percentile lies at rank 0.95 * 4 = 3.8, so 4 + 0.8.
  assert.deepEqual(summarize(positions), {
    positions: 5,
    median: 3,
    p95: 4.8,
    cosineMedian: 0.3,
    top1Agreement: 0.8,
  });
});

Deno.test("summarize() puts the median of an even number between the middle two", () => {
  assert.equal(summarize([1, 2, 4, 8].map((n) => position(n))).median, 3);
});

Deno.test("summarize() keeps infinite distances", () => {
  const { median, p95 } = summarize([position(1), position(Infinity), position(Infinity)]);
  assert.deepEqual([median, p95], [Infinity, Infinity]);
});

Deno.test("summarize() refuses to summarize nothing", () => {
  assert.throws(() => summarize([]), RangeError);
});

Deno.test("verdict() holds float weights to fixed bars, whatever the floor", () => {
  const floor = summary({ median: 0, p95: 0 });
  const good = summary({ median: 0.01, p95: 9, cosineMedian: 0.9999, top1Agreement: 0.5 });
  assert.deepEqual(verdict(good, floor, "float").passed, true);
  assert.deepEqual(failed({ ...good, median: 0.0101 }, floor, "float"), ["median"]);
  assert.deepEqual(failed({ ...good, cosineMedian: 0.99989 }, floor, "float"), ["cosine median"]);
});

Deno.test("verdict() lets quantized weights be 1.5 times as far as llama.cpp from itself", () => {
  const floor = summary({ median: 0.02, p95: 0.5 });
  const good = summary({ median: 0.03, p95: 0.75, cosineMedian: 0.9995 });
  assert.equal(verdict(good, floor, "quantized").passed, true);
  assert.deepEqual(failed({ ...good, median: 0.031 }, floor, "quantized"), ["median"]);
  assert.deepEqual(failed({ ...good, p95: 0.76 }, floor, "quantized"), ["p95"]);
  assert.deepEqual(failed({ ...good, cosineMedian: 0.9994 }, floor, "quantized"), [
    "cosine median",
  ]);
});

Deno.test("verdict() uses fixed bars where llama.cpp used one kernel for both evaluations", () => {
  const floor = summary({ median: 1e-5, p95: 0.17 });
  const good = summary({ median: 0.1, p95: 0.2 });
  assert.equal(verdict(good, floor, "quantized").passed, true);
  assert.deepEqual(failed({ ...good, median: 0.11 }, floor, "quantized"), ["median"]);
  assert.deepEqual(failed({ ...good, p95: 0.21 }, floor, "quantized"), ["p95"]);
});

Deno.test("verdict() allows 3 points less agreement on the first token than llama.cpp has", () => {
  const floor = summary({ top1Agreement: 0.98 });
  assert.deepEqual(failed(summary({ top1Agreement: 0.951 }), floor, "quantized"), []);
  assert.deepEqual(failed(summary({ top1Agreement: 0.949 }), floor, "quantized"), [
    "top-1 agreement",
  ]);
});

Deno.test("verdict() fails on distances that are no numbers", () => {
  const broken = summary({ median: NaN, p95: NaN, cosineMedian: NaN, top1Agreement: NaN });
  assert.equal(failed(broken, summary(), "quantized").length, 4);
  assert.equal(failed(broken, summary(), "float").length, 2);
});
