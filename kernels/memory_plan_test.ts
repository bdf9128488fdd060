import assert from "node:assert/strict";
import { SCRATCH_BYTES } from "./constants.ts";
import { MemoryPlan } from "./memory_plan.ts";

const MIB = 1 << 20;

Deno.test("MemoryPlan opens a window when the last one is full", () => {
  const plan = new MemoryPlan({ threads: 1, firstId: 4, maxWindowBytes: MIB });
  const places = Array.from({ length: 4 }, () => plan.place(300_000));
  assert.deepEqual(places.map(({ window }) => window), [4, 4, 5, 5]);
  assert.deepEqual(plan.createWindows().map(({ id }) => id), [4, 5]);
});

Deno.test("MemoryPlan's regions do not overlap, nor the threads' scratch", () => {
  const plan = new MemoryPlan({ threads: 3, firstId: 0 });
  const home = plan.open();
  const regions = [1, 63, 64, 65, 1000].map((bytes) => ({
    start: plan.reserve(home, bytes).address,
    bytes,
  }));
  const [window] = plan.createWindows();
  let end = window!.scratch + 3 * SCRATCH_BYTES;
  for (const { start, bytes } of regions) {
    assert.ok(start >= end, `${start} overlaps what ends at ${end}`);
    assert.equal(start % 64, 0);
    end = start + bytes;
  }
  assert.ok(end <= window!.memory.buffer.byteLength);
});

Deno.test("MemoryPlan calls onOpen for each window, before anything else lies there", () => {
  const starts = new Map<number, number>();
  const plan = new MemoryPlan({
    threads: 1,
    firstId: 0,
    maxWindowBytes: MIB,
    onOpen: (window, plan) => starts.set(window, plan.reserve(window, 100_000).address),
  });
  const places = [plan.place(500_000), plan.place(500_000)];
  assert.deepEqual([...starts.keys()], [0, 1]);
  for (const { window, address } of places) assert.ok(address >= starts.get(window)! + 100_000);
});

Deno.test("MemoryPlan refuses what no window can hold", () => {
  const plan = new MemoryPlan({ threads: 1, firstId: 0, maxWindowBytes: MIB });
  assert.throws(() => plan.place(2 * MIB), /do not fit into a window/);
});
