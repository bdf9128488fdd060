import { CLEAR_LINE } from "./format.ts";
import type { Io } from "./verb.ts";

/** Shows how far a file has been written, until it is stopped. */
export interface PercentLine {
  /** Shows a share that is done. */
  show(done: number, total: number): void;
  /** Erases the line. */
  stop(): void;
}

/** A line on stderr, "25% of 17.3 GiB", where stderr is a terminal. */
export function percentLine(io: Io, whole: string): PercentLine {
  if (!io.tellsTerminal) return { show() {}, stop() {} };
  let shown = -1;
  return {
    show(done, total) {
      const percent = Math.floor(100 * done / total);
      if (percent === shown) return;
      shown = percent;
      io.tell(`\r${percent}% of ${whole} `);
    },
    stop: () => io.tell(CLEAR_LINE),
  };
}
