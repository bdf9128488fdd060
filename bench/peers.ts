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
import { parseArgs } from "node:util";
import { fileSink, openGguf } from "../gguf/mod.ts";
import { readHyperParameters } from "../model/hyperparameters.ts";
import { activeBytesPerToken, resolveTensors } from "../model/tensors.ts";
import { SYNTH_PRESETS, synthesize } from "../synth/mod.ts";
import { createTokenizer } from "../tokenizer/mod.ts";
import { formatBytes } from "../cli/format.ts";
import { childContender } from "./peers/child.ts";
import { compare, type Match } from "./peers/compare.ts";
import type { Contender, ModelFiles } from "./peers/contender.ts";
import { report } from "./peers/report.ts";
import { wllamaContender } from "./peers/wllama.ts";
import { makeWorkload } from "./peers/workload.ts";

/** No repetition begins that would end later than this after the start, if it is like those before. */
const LIMIT_MILLISECONDS = 9 * 60_000;

const RESULTS = fileURLToPath(new URL("results.md", import.meta.url));

/** What {@linkcode makeModel} makes. */
const MADE = "Qwen3-30B-A3B's shapes, random weights, Q4_K_M";

/** Makes an engine's contender of a model. */
type Enter = (model: ModelFiles, signal: AbortSignal) => Contender;

const ours: Enter = (model, signal) => childContender("this engine", "ours.ts", model, signal);
const native: Enter = (model, signal) =>
  childContender("node-llama-cpp", "llama.ts", model, signal);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repetitions: { type: "string", default: "3" },
    threads: { type: "string", default: "1,2" },
    out: { type: "string", default: RESULTS },
  },
});
const interruption = new AbortController();
Deno.addSignalListener("SIGINT", () => interruption.abort(new Error("interrupted")));
const { signal } = interruption;
const start = performance.now();
const load = loadavg()[0]!;

await using resources = new AsyncDisposableStack();
const matches = positionals[0] === undefined
  ? [
    await enter(await makeModel(6), [ours, native], MADE),
    await enter(await makeModel(3), [ours, wllamaContender], MADE),
  ]
  : [await enter(positionals[0], [ours, native, wllamaContender])];
const { comparisons, repetitions } = await compare(matches, {
  threads: values.threads.split(",").map(Number),
  repetitions: Number(values.repetitions),
  hasTime: (done) => (performance.now() - start) * (done + 1) / done < LIMIT_MILLISECONDS,
  tell: (text) => console.error(text),
  signal,
});
const processors = cpus();
await Deno.writeTextFile(
  values.out,
  report({
    date: new Date().toISOString().slice(0, 10),
    processor: processors[0]?.model ?? "an unknown processor",
    processors: processors.length,
    memory: totalmem(),
    load,
    commit: await output("git", "rev-parse", "--short", "HEAD"),
    repetitions,
    wantedRepetitions: Number(values.repetitions),
  }, comparisons),
);
await output(Deno.execPath(), "fmt", values.out);
console.error(`${values.out}: ${((performance.now() - start) / 60_000).toFixed(1)} minutes`);

/** A match of engines on a model, under a name of its own or the file's. */
async function enter(path: string, engines: readonly Enter[], name?: string): Promise<Match> {
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
    title: `${title}: ${layers} layers, ` +
      `a vocabulary of ${vocabulary.toLocaleString("en-US")}, ${formatBytes(files.bytes)}`,
    activeBytesPerToken: activeBytesPerToken(resolveTensors(file, parameters), parameters),
    contenders: engines.map((engine) => resources.use(engine(files, signal))),
    workload: (repetition) => makeWorkload(tokenizer, repetition + 1),
  };
}

/** A model in the shapes of Qwen3-30B-A3B, in a folder of its own that is removed at the end. */
async function makeModel(layers: number): Promise<string> {
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
