/** What the tests of the command line share; it holds no test itself. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "../../cli/main.ts";
import type { Io } from "../../cli/verb.ts";
import { fileSink, layoutGguf, type MetadataEntry, writeGguf } from "../../gguf/mod.ts";
import { synthesize, type SynthOptions } from "../../synth/mod.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

/** What a command line came to. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. `input` is what is piped in; without it stdin is a keyboard. */
export function runHere(args: readonly string[], input?: string): Promise<Outcome> {
  return capture((io) => main(args, io), input);
}

/** Does what writes and tells, and keeps that. `input` as for {@linkcode runHere}. */
export async function capture(
  work: (io: Io) => Promise<number>,
  input?: string,
): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  const io: Io = {
    write: (text) => Promise.resolve(void (stdout += text)),
    tell: (text) => void (stderr += text),
    readInput: () => Promise.resolve(new TextEncoder().encode(input)),
    inputIsTerminal: input === undefined,
    writesTerminal: false,
    tellsTerminal: false,
    debug: false,
    interruption: () => new AbortController().signal,
  };
  const code = await work(io);
  return { code, stdout, stderr };
}

/** Starts a command line in a process of its own. */
export function spawnCli(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a command line in a process of its own, with `input` piped in. */
export async function runThere(args: readonly string[], input = ""): Promise<Outcome> {
  const child = spawnCli(args);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Calls `use` with a function that gives paths in a new directory, and removes it after. */
export async function inDirectory(
  use: (path: (name: string) => string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "cli-"));
  try {
    await use((name) => join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Waits until a directory holds the beginning of a file that is being written. */
export async function partialFile(directory: string): Promise<void> {
  while (!readdirSync(directory).some((name) => name.endsWith(".partial"))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Writes a random model. */
export async function writeModel(path: string, options: SynthOptions = {}): Promise<void> {
  await using sink = await fileSink(path);
  await synthesize(options, sink);
}

/** Writes a file with F32 tensors of one zero each. */
export async function writeGgufFile(
  path: string,
  metadata: readonly MetadataEntry[],
  tensorNames: readonly string[] = [],
): Promise<void> {
  await using sink = await fileSink(path);
  const tensors = tensorNames.map((name) => ({ name, type: "F32", shape: [1] } as const));
  await writeGguf(sink, layoutGguf({ metadata, tensors }), () => [new Uint8Array(4)]);
}

/** Path of the published Qwen vocabulary, and options for a test that needs it. */
export function qwenVocabulary(): { path: string; ignore: boolean; suffix: string } {
  const path = fileURLToPath(new URL("../../../shared/vocab/qwen.gguf", import.meta.url));
  const ignore = !existsSync(path);
  return { path, ignore, suffix: ignore ? " (skipped: no ../shared)" : "" };
}
