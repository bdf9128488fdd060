/**
 * Timing kernels: WebAssembly runs unoptimized first, and code is replaced between calls only.
 *
 * @module
 */

/** Rounds of short calls, with a pause in which the optimizing compiler's threads get their turn. */
const WARM_UP_ROUNDS = 3;
const WARM_UP_MILLISECONDS = 30;
const PAUSE_MILLISECONDS = 30;

/** What one measurement takes at least, so that the clock's resolution does not matter. */
const RUN_MILLISECONDS = 10;

/** Whatever else the machine does makes a run longer, never shorter: the shortest counts. */
const RUNS = 7;

/**
 * Seconds that a call takes, in optimized code.
 *
 * @param short the same code with little work, called often at first
 */
export async function secondsOf(call: () => void, short: () => void): Promise<number> {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    const end = performance.now() + WARM_UP_MILLISECONDS;
    for (let calls = 0; calls < 100 || performance.now() < end; calls++) short();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  const once = run(call, 1);
  const calls = Math.max(1, Math.ceil(RUN_MILLISECONDS / 1000 / once));
  let best = once;
  for (let i = 0; i < RUNS; i++) best = Math.min(best, run(call, calls));
  return best;
}

/** Seconds of one of several calls. */
function run(call: () => void, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) call();
  return (performance.now() - start) / 1000 / calls;
}
