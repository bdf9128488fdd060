/**
 * A helper thread: parked on the board, it takes its share of each phase.
 *
 * @module
 */
import { Board, Word } from "./board.ts";
import { growWindow } from "./memory_plan.ts";
import type { HelperMessage } from "./team.ts";
import { Thread } from "./thread.ts";
import { type Reply, servePort, serveWorker } from "./worker.ts";

/** How long a helper without work looks at the board before it sleeps, in milliseconds. */
const SPIN_TIME = 0.1;
/** Looks at the board between two looks at the clock. */
const SPINS = 500;

let thread: Thread | undefined;
/** The last request to leave that this helper has followed. */
let left = 0;

await serveWorker(handle);

function handle(message: HelperMessage): Reply {
  switch (message.kind) {
    case "connect":
      servePort(message.port, handle);
      return {};
    case "start":
      thread = new Thread(message.index, message.module, new Board(message.board));
      return { after: park };
    case "windows":
      // It goes back to the board even if it fails, for the team is there without the windows too.
      return { error: failureOf(() => changeWindows(message)), after: park };
    case "stop":
      return {};
  }
}

function changeWindows({ opened, closed, grow }: HelperMessage & { kind: "windows" }): void {
  for (const id of closed) thread!.close(id);
  for (const window of opened) thread!.open(window);
  if (grow) opened.forEach(growWindow);
}

function failureOf(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Works on phase after phase until the conductor wants the helper to listen to messages. */
function park(): void {
  const { words } = thread!.board;
  for (;;) {
    const epoch = Atomics.load(words, Word.epoch);
    const leave = Atomics.load(words, Word.leave);
    if (leave !== left) {
      left = leave;
      return;
    }
    try {
      thread!.work();
    } catch {
      // The board has noted that the phase failed, and the conductor throws.
      continue;
    }
    awaitChange(words, epoch);
  }
}

/** Returns when the epoch is no longer the one that was seen. */
function awaitChange(words: Int32Array, seen: number): void {
  const sleepAt = performance.now() + SPIN_TIME;
  do {
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, Word.epoch) !== seen) return;
  } while (performance.now() < sleepAt);
  Atomics.add(words, Word.sleeping, 1);
  // Returns at once when the epoch has changed meanwhile.
  Atomics.wait(words, Word.epoch, seen);
  Atomics.sub(words, Word.sleeping, 1);
}
