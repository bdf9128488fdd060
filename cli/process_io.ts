import process from "node:process";
import { CommandError, type Io } from "./verb.ts";

/** The streams of this process. */
export function processIo(): Io {
  // A write to a closed pipe is told to its caller below; without a listener it would be thrown as
  // well.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  let interruption: AbortController | undefined;

  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => error ? reject(error) : resolve());
      }),
    tell: (text) => void process.stderr.write(text),
    readInput,
    inputIsTerminal: process.stdin.isTTY === true,
    writesTerminal: process.stdout.isTTY === true,
    tellsTerminal: process.stderr.isTTY === true,
    debug: !["", "0", undefined].includes(process.env.MOE_DEBUG),
    interruption() {
      if (interruption === undefined) {
        const controller = new AbortController();
        // Once: a second Ctrl+C ends the process, should the work not stop.
        process.once("SIGINT", () => controller.abort(new CommandError("interrupted")));
        interruption = controller;
      }
      return interruption.signal;
    },
  };
}

async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
