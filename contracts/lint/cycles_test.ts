import assert from "node:assert/strict";
import { findCycles } from "./cycles.ts";

/** The circles of a graph written as "a>b b>c". */
function cyclesOf(edges: string, starts: string): string[] {
  const pairs = edges.split(" ").map((edge) => edge.split(">"));
  const next = (node: string) => pairs.filter(([from]) => from === node).map(([, to]) => to!);
  return findCycles([...starts], next).map((cycle) => cycle.join(""));
}

Deno.test("findCycles() finds circles of one, two and three nodes", () => {
  assert.deepEqual(cyclesOf("a>a", "a"), ["a"]);
  assert.deepEqual(cyclesOf("a>b b>a", "ab"), ["ab"]);
  assert.deepEqual(cyclesOf("a>b b>c c>a", "abc"), ["abc"]);
  assert.deepEqual(cyclesOf("a>b b>c c>b c>d d>d", "abcd"), ["bc", "d"]);
});

Deno.test("findCycles() finds none where ways only meet again", () => {
  assert.deepEqual(cyclesOf("a>b a>c b>d c>d d>e", "abcde"), []);
});

Deno.test("findCycles() begins a circle at a start, and leaves out those without one", () => {
  assert.deepEqual(cyclesOf("a>b b>c c>a", "c"), ["cab"]);
  assert.deepEqual(cyclesOf("x>a a>b b>a", "x"), []);
  assert.deepEqual(cyclesOf("x>a a>b b>a", "xb"), ["ba"]);
});

Deno.test("findCycles() follows chains of any length", () => {
  const length = 50_000;
  const ring = findCycles([0], (node) => [(node + 1) % length]);
  assert.deepEqual(ring.map((cycle) => cycle.length), [length]);
});
