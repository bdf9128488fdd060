import assert from "node:assert/strict";
import type { Comparison, Entry } from "./compare.ts";
import { report } from "./report.ts";
import { median, type Sample } from "./speeds.ts";

const WHERE = {
  date: "2026-01-02",
  processor: "A processor",
  processors: 2,
  memory: 24 * 2 ** 30,
  load: 0.04,
  commit: "abc1234",
  repetitions: 3,
  wantedRepetitions: 3,
};

/** Samples of a decode speed; the prefills are 2 and 3 times as fast. */
function entry(engine: string, decode: readonly number[], more: Partial<Sample> = {}): Entry {
  const samples = decode.map((decode) => ({
    speeds: { prefill64: 2 * decode, prefill512: 3 * decode, decode },
    about: `${engine} 1.0`,
    ...more,
  }));
  return { engine, threads: 1, samples, failure: undefined };
}

function page(entries: readonly Entry[], where: Partial<typeof WHERE> = {}): string {
  const comparison: Comparison = { title: "A model", activeBytesPerToken: 1e9, entries };
  return report({ ...WHERE, ...where }, [comparison]);
}

/** The cells of the table row that begins with these. */
function row(page: string, ...start: string[]): string[] {
  const line = page.split("\n").find((line) => line.startsWith(`| ${start.join(" | ")} |`));
  assert.ok(line, `no row ${start.join(", ")} in\n${page}`);
  return line.split("|").slice(1 + start.length, -1).map((cell) => cell.trim());
}

Deno.test("median() is the middle, or between the two in the middle", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.throws(() => median([]), RangeError);
});

Deno.test("the report has medians, spreads, and the share of the stream", () => {
  // 10 tokens of 1 GB are 10 GB/s, a quarter of 40.
  const text = page([entry("this engine", [20, 10, 9], { streamBytesPerSecond: 40e9 })]);
  assert.deepEqual(row(text, "this engine", "1"), [
    "20.0 (18.0–40.0)",
    "30.0 (27.0–60.0)",
    "10.0 (9.00–20.0)",
    "10.0 (9.00–20.0)",
    "25.0% (22.5–50.0)",
  ]);
  assert.match(text, /The stream: 40\.0 \(40\.0–40\.0\) GB\/s with 1 thread\./);
  assert.match(text, /- this engine 1\.0\n/);
});

Deno.test("ratios are taken within a repetition", () => {
  // Of the medians the ratio would be 10 / 10; by repetition it is 2, 1 and 0.9.
  const text = page([entry("this engine", [20, 10, 9]), entry("other", [10, 10, 10])]);
  assert.deepEqual(row(text, "this engine ÷ other", "1"), Array(3).fill("1.00 (0.90–2.00)"));
});

Deno.test("what was not run says why, and has no ratio", () => {
  const text = page([
    entry("this engine", [20, 10, 9]),
    { engine: "other", threads: 1, samples: [], failure: "chromium is absent" },
  ]);
  assert.deepEqual(row(text, "other", "1"), ["not run", "", "", "", ""]);
  assert.match(text, /- other with 1 thread was not run: chromium is absent\n/);
  assert.doesNotMatch(text, /÷ other/);
});

Deno.test("an engine that failed later keeps its numbers, with the reason", () => {
  const failed = { ...entry("other", [5]), failure: "no memory" };
  const text = page([entry("this engine", [20, 10, 9]), failed]);
  assert.equal(row(text, "other", "1")[2], "5.00");
  assert.match(text, /other with 1 thread failed after 1 repetition: no memory/);
  assert.deepEqual(row(text, "this engine ÷ other", "1"), ["4.00", "4.00", "4.00"]);
});

Deno.test("the report tells what the interface takes, and when the time was up", () => {
  const text = page([
    entry("this engine", [20]),
    entry("other", [10, 10, 10], { interfaceMilliseconds: 0.52 }),
  ], { repetitions: 1 });
  assert.match(text, /other decodes with 1 thread, 0\.5 ms are not llama\.cpp's/);
  assert.match(text, /- 1 repetition of 3 wanted: then the time was up/);
});
