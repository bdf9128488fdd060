import assert from "node:assert/strict";
import { type Job, Word } from "./board.ts";
import { compileKernels } from "./kernels.ts";
import { MemoryPlan } from "./memory_plan.ts";
import { moveRowsJob } from "./move_rows.ts";
import { Team } from "./team.ts";
import type { Window } from "./thread.ts";

/** A team of some threads over two windows, each with room for 64 KiB at the address given. */
async function withTeam(
  threads: number,
  use: (team: Team, windows: readonly Window[], address: number) => Promise<void> | void,
): Promise<void> {
  const team = await Team.start(threads, await compileKernels("simd"));
  try {
    const plan = new MemoryPlan({ threads, firstId: 0 });
    const { address } = plan.reserve(plan.open(), 1 << 16);
    plan.reserve(plan.open(), 1 << 16);
    const windows = plan.createWindows();
    await team.changeWindows(windows);
    await use(team, windows, address);
  } finally {
    await team.stop();
  }
}

function floats(window: Window, address: number, count: number): Float32Array {
  return new Float32Array(window.memory.buffer, address, count);
}

/** Jobs that add 1 to each of `rows` rows of 4 values, in many chunks. */
function increment(rows: number, address: number, ones: number): Job[] {
  const args = [address, ones, 4];
  return [{ operation: "addBias", window: 0, units: rows, cost: 1 << 20, args }];
}

for (const threads of [1, 2, 5]) {
  Deno.test(`Team.run() computes every unit once, with ${threads} threads`, async () => {
    await withTeam(threads, (team, [window], address) => {
      const rows = 1000;
      const ones = address + rows * 16;
      floats(window!, ones, 4).fill(1);
      for (let phase = 0; phase < 200; phase++) team.run(increment(rows, address, ones));
      const sums = floats(window!, address, rows * 4);
      assert.deepEqual(new Set(sums), new Set([200]));
    });
  });
}

Deno.test("Team.run() finishes a phase before the next one begins", async () => {
  await withTeam(3, (team, [first, second], address) => {
    const values = floats(first!, address, 1024).map((_, i) => i);
    floats(first!, address, 1024).set(values);
    const there = moveRowsJob(1, 64, {
      fromWindow: 0,
      from: address,
      fromStride: 64,
      to: address,
      toStride: 64,
      rowBytes: 64,
    });
    const doubled: Job = {
      operation: "add",
      window: 1,
      units: 64,
      cost: 1 << 20,
      args: [address, address, 16],
    };
    for (let round = 0; round < 100; round++) {
      team.run([{ ...there, cost: 1 << 20 }]);
      team.run([doubled]);
      assert.deepEqual(floats(second!, address, 1024), values.map((value) => value * 2));
    }
  });
});

Deno.test("Team.run() takes more jobs than the board holds", async () => {
  await withTeam(2, (team, [window], address) => {
    const ones = address + 8192 * 4;
    floats(window!, ones, 4).fill(1);
    const jobs = Array.from({ length: 5000 }, (_, i) => {
      const args = [address + (i % 4) * 16, ones, 4];
      return { operation: "addBias" as const, window: 0, units: 1, cost: 1, args };
    });
    // Jobs of one phase must not touch the same rows: these do, so they run on one thread each time.
    for (const job of jobs) team.run([job]);
    team.run(jobs.map((job, i) => ({ ...job, args: [address + 64, ones, i < 4999 ? 0 : 4] })));
    assert.deepEqual(new Set(floats(window!, address, 16)), new Set([1250]));
    assert.deepEqual(new Set(floats(window!, address + 64, 4)), new Set([1]));
  });
});

Deno.test("Team.run() throws when a kernel traps, and the team goes on", async () => {
  await withTeam(2, (team, [window], address) => {
    const outside = 65535 * 65536;
    const trap: Job = {
      operation: "addBias",
      window: 0,
      units: 64,
      cost: 1 << 20,
      args: [outside, outside, 4],
    };
    assert.throws(() => team.run([trap]), /addBias|memory access out of bounds/);
    const ones = address + 4096;
    floats(window!, ones, 4).fill(1);
    team.run(increment(100, address, ones));
    assert.deepEqual(new Set(floats(window!, address, 400)), new Set([1]));
  });
});

Deno.test("Team.changeWindows() gives helpers windows while they are parked", async () => {
  await withTeam(3, async (team) => {
    const plan = new MemoryPlan({ threads: 3, firstId: 7 });
    const { address } = plan.reserve(plan.open(), 1 << 16);
    const [late] = plan.createWindows();
    await team.changeWindows([late!], [1]);
    const ones = address + 1000 * 16;
    floats(late!, ones, 4).fill(1);
    const args = [address, ones, 4];
    team.run([{ operation: "addBias", window: 7, units: 1000, cost: 1 << 20, args }]);
    assert.deepEqual(new Set(floats(late!, address, 4000)), new Set([1]));
  });
});

Deno.test("Team.changeWindows() that fails leaves every helper at the board", async () => {
  await withTeam(3, async (team, [window]) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    // The last helper is to make it larger than it can be.
    await assert.rejects(
      team.changeWindows([{ ...window!, id: 2, memory, pages: 10 }]),
      RangeError,
    );
    await team.changeWindows([], [2]);
    await eventually(() => Atomics.load(team.board.words, Word.sleeping) === 2);
  });
});

/** Waits until something is so, and fails if it is not for a while. */
async function eventually(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}
