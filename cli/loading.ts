/**
 * Loading a model, with a progress bar where someone watches.
 *
 * @module
 */
import { Writable } from "node:stream";
import {
  loadModel,
  type LoadOptions,
  type LoadProgress,
  type Model,
  type SourceLocation,
} from "../mod.ts";
import { formatBytes } from "./format.ts";
import type { Io } from "./verb.ts";

/** Milliseconds of loading that need no bar. */
const A_MOMENT = 500;

/** What is used of cli-progress's bar; the package has no types of its own. */
interface Bar {
  start(total: number, value: number, payload: { size: string }): void;
  update(value: number): void;
  stop(): void;
}

/** Shows how far loading has come, until it is stopped. */
export interface LoadingBar {
  onProgress(progress: LoadProgress): void;
  stop(): void;
}

/**
 * A bar on stderr, which appears where stderr is a terminal and loading takes longer than a moment.
 *
 * @param quietFor milliseconds before the bar
 */
export async function loadingBar(io: Io, quietFor: number = A_MOMENT): Promise<LoadingBar> {
  if (!io.tellsTerminal) return { onProgress() {}, stop() {} };
  const bar = await createBar(io);
  const start = performance.now();
  let shown = false;
  return {
    onProgress({ loadedBytes, totalBytes }) {
      if (shown) return bar.update(loadedBytes);
      if (performance.now() - start < quietFor) return;
      bar.start(totalBytes, loadedBytes, { size: formatBytes(totalBytes) });
      shown = true;
    },
    stop() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}

/**
 * Loads a model with a {@linkcode loadingBar}, which is gone when loading ends. Ctrl+C ends it.
 *
 * @param quietFor milliseconds before the bar
 * @throws as {@linkcode loadModel}
 */
export async function loadShowing(
  from: SourceLocation,
  options: Omit<LoadOptions, "onProgress" | "signal">,
  io: Io,
  quietFor?: number,
): Promise<Model> {
  const bar = await loadingBar(io, quietFor);
  try {
    const signal = io.interruption();
    return await loadModel(from, { ...options, signal, onProgress: bar.onProgress });
  } finally {
    bar.stop();
  }
}

/** A bar that erases itself when it stops. */
async function createBar(io: Io): Promise<Bar> {
  const { default: { SingleBar } } = await import("cli-progress");
  const terminal = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      io.tell(text);
      done();
    },
  });
  return new SingleBar({
    stream: Object.assign(terminal, { isTTY: true }),
    format: "loading [{bar}] {percentage}% of {size}",
    barsize: 24,
    clearOnComplete: true,
    // Ctrl+C may end the process at any moment: no setting of the terminal is changed for the bar.
    linewrap: true,
  });
}
