/**
 * This engine beside others, on the same file and in one run: llama.cpp natively (node-llama-cpp) and
 * llama.cpp in WebAssembly (wllama, in headless Chromium). Writes bench/results.md.
 *
 * `deno task bench:peers [MODEL] [--repetitions N] [--threads LIST] [--out FILE]`
 *
 * Without MODEL it makes what it needs in a temporary folder, 4 GiB, and removes it after: random
 * weights in the shapes of Qwen3-30B-A3B, Q4_K_M, 6 layers for node-llama-cpp and 3 for wllama. Takes
 * under ten minutes: repetitions for which there is no time are left out.
 *
 * @module
 */
import { cpus, loadavg, totalmem } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { integerList, integerValue, parseArguments } from "../cli/arguments.ts";
import { counted, formatBytes, formatCount } from "../cli/format.ts";
import { fileSink, openGguf } from "../gguf/mod.ts";
import { readHyperParameters } from "../model/hyperparameters.ts";
import { activeBytesPerToken, resolveTensors } from "../model/tensors.ts";
import { SYNTH_PRESETS, synthesize } from "../synth/mod.ts";
import { createTokenizer } from "../tokenizer/mod.ts";
import { childContender } from "./peers/child.ts";
import { compare, type Match } from "./peers/compare.ts";
import type { Contender, ModelFiles } from "./peers/contender.ts";
import { report } from "./peers/report.ts";
import { wllamaContender } from "./peers/wllama.ts";
import { DECODED, makeWorkload, WARM_UP_DECODED } from "./peers/workload.ts";

/** No repetition begins that would end later than this after the start, if it is like those before. */
const LIMIT_MILLISECONDS = 9 * 60_000;

const RESULTS = fileURLToPath(new URL("results.md", import.meta.url));

const FLAGS = {
  repetitions: { type: "string" },
  threads: { type: "string" },
  out: { type: "string" },
} as const;

/** What {@linkcode makeModel} makes. */
const MADE = "Qwen3-30B-A3B's shapes, random weights, Q4_K_M";

/** What ends with the program, and what ends it early. */
interface Scope {
  readonly resources: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

/** Makes an engine's contender of a model. */
type Enter = (model: ModelFiles, signal: AbortSignal) => Contender;

const ours: Enter = (model, signal) => childContender("this engine", "ours.ts", model, signal);
const native: Enter = (model, signal) =>
  childContender("node-llama-cpp", "llama.ts", model, signal);

if (import.meta.main) {
  const interruption = new AbortController();
  Deno.addSignalListener("SIGINT", () => interruption.abort(new Error("interrupted")));
  try {
    await main(Deno.args, interruption.signal);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = 1;
  }
}

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, operands: [given] } = parseArguments(args, FLAGS, ["[MODEL]"]);
  const wantedRepetitions = integerValue("repetitions", values.repetitions, 1) ?? 3;
  const threads = integerList("threads", values.threads, 1) ?? [1, 2];
  const results = values.out ?? RESULTS;
  const start = performance.now();
  const load = loadavg()[0]!;

  await using resources = new AsyncDisposableStack();
  const scope: Scope = { resources, signal };
  const matches = given === undefined
    ? [
      await enter(scope, await makeModel(scope, 6), [ours, native], MADE),
      await enter(scope, await makeModel(scope, 3), [ours, wllamaContender], MADE),
    ]
    : [await enter(scope, given, [ours, native, wllamaContender])];
  const { comparisons, repetitions } = await compare(matches, {
    threads,
    repetitions: wantedRepetitions,
    hasTime: (done) => (performance.now() - start) * (done + 1) / done < LIMIT_MILLISECONDS,
    tell: (text) => console.error(text),
    signal,
  });
  const processors = cpus();
  const page = report({
    date: new Date().toISOString().slice(0, 10),
    processor: processors[0]?.model ?? "an unknown processor",
    processors: processors.length,
    memory: totalmem(),
    load,
    commit: await output("git", "describe", "--always", "--dirty"),
    repetitions,
    wantedRepetitions,
  }, comparisons);
  await Deno.writeTextFile(results, page);
  await output(Deno.execPath(), "fmt", results);
  console.error(`${results}: ${((performance.now() - start) / 60_000).toFixed(1)} minutes`);
}

/** A match of engines on a model, under a name of its own or the file's. */
async function enter(
  { resources, signal }: Scope,
  path: string,
  engines: readonly Enter[],
  name?: string,
): Promise<Match> {
  await using file = await openGguf(path);
  const parameters = readHyperParameters(file);
  const tokenizer = createTokenizer(file.metadata);
  const files: ModelFiles = {
    paths: file.sources.map(({ name }) => name),
    bytes: file.sources.reduce((sum, { size }) => sum + size, 0),
  };
  const { layers, vocabulary } = parameters;
  const title = name ?? file.metadata.get("general.name") ?? basename(path);
  return {
    title: `${title}: ${counted(layers, "layer")}, ` +
      `a vocabulary of ${formatCount(vocabulary)}, ${formatBytes(files.bytes)}`,
    activeBytesPerToken: activeBytesPerToken(resolveTensors(file, parameters), parameters),
    contenders: engines.map((engine) => resources.use(engine(files, signal))),
    warmUp: makeWorkload(tokenizer, 0, WARM_UP_DECODED),
    workload: (repetition) => makeWorkload(tokenizer, repetition + 1, DECODED),
  };
}

/** A model in the shapes of Qwen3-30B-A3B, in a folder of its own that is removed at the end. */
async function makeModel({ resources, signal }: Scope, layers: number): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const path = join(folder, `${layers}-layers.gguf`);
  console.error(`making a model of ${layers} layers`);
  await using sink = await fileSink(path);
  await synthesize({ ...SYNTH_PRESETS.get("qwen3-30b-a3b"), layers }, sink, { signal });
  return path;
}

/** What a program prints; empty where it fails. */
async function output(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}
