/**
 * Engines that run in a process of their own, a new one for each measurement: none finds the memory
 * as another left it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Contender, ModelFiles, Task } from "./contender.ts";
import type { Sample } from "./speeds.ts";

/** What the process reads from stdin, as JSON. It answers with a {@linkcode Sample}. */
export interface Job extends Task {
  readonly path: string;
}

/** What takes longer hangs: seconds for any model, and for each GiB of it. */
const LIMIT_SECONDS = 120;
const LIMIT_SECONDS_FOR_GIB = 30;

const LOCK = fileURLToPath(new URL("../../deno.parity.lock", import.meta.url));

/**
 * An engine that the module `script`, in this folder, runs.
 *
 * @param signal ends a process that is running
 */
export function childContender(
  name: string,
  script: string,
  model: ModelFiles,
  signal: AbortSignal,
): Contender {
  const url = fileURLToPath(new URL(script, import.meta.url));
  const seconds = Math.round(LIMIT_SECONDS + LIMIT_SECONDS_FOR_GIB * model.bytes / 2 ** 30);
  return {
    name,
    async measure(task) {
      const job: Job = { ...task, path: model.paths[0]! };
      const limit = AbortSignal.timeout(1000 * seconds);
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", `--lock=${LOCK}`, url],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        signal: AbortSignal.any([signal, limit]),
      }).spawn();
      await new Response(JSON.stringify(job)).body!.pipeTo(child.stdin).catch(() => {});
      const { success, stdout, stderr } = await child.output();
      signal.throwIfAborted();
      if (limit.aborted) throw new Error(`no answer after ${seconds} s`);
      if (!success) throw new Error(reasonOf(new TextDecoder().decode(stderr)));
      return JSON.parse(new TextDecoder().decode(stdout)) as Sample;
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** The line that says what went wrong. */
function reasonOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.find((line) => /^error\b/i.test(line)) ?? lines.at(-1) ?? "it failed silently";
}

/** In the process: reads the job, and answers. */
export async function answer(measure: (job: Job) => Promise<Sample>): Promise<void> {
  const job = await new Response(Deno.stdin.readable).json() as Job;
  console.log(JSON.stringify(await measure(job)));
}
