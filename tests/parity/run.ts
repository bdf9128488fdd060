/**
 * The live comparison with llama.cpp: each model of `models.ts` is written to a file, evaluated by
 * llama.cpp in one batch and token by token, and by the engine. A line per model says how far
 * llama.cpp is from itself, how far we are from it, and which bars of `compare.ts` that breaks.
 *
 * `deno task parity` compares all of them, `deno task parity WORD` those whose name holds the word.
 * Exit code 1 if a model fails.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { fileSink, openGguf } from "../../gguf/mod.ts";
import { loadModel } from "../../mod.ts";
import { quantizeGguf } from "../../quantize/mod.ts";
import { synthesize, synthesizeBlob } from "../../synth/mod.ts";
import {
  comparePositions,
  type Kind,
  type PositionComparison,
  summarize,
  type Summary,
  type Verdict,
  verdict,
} from "./compare.ts";
import { evaluate, THREADS } from "./evaluate.ts";
import { openReference } from "./llama.ts";
import {
  kindOf,
  models,
  type ParityModel,
  type RandomModel,
  randomPrompt,
  type StoredModel,
  storedModels,
} from "./models.ts";

/** A model's distances, and what they are judged to be. */
interface Outcome {
  floor: Summary;
  ours: Summary;
  verdict: Verdict;
}

/** llama.cpp's evaluation of a prompt, and its distance from its other evaluation. */
interface Expected {
  tokens: readonly number[];
  rows: Float32Array[];
  floor: PositionComparison[];
}

/** Compares one model; the file of a random one lies at `path` while that takes. */
async function compareModel(model: ParityModel, path: string): Promise<Outcome> {
  if ("file" in model) {
    const file = fileURLToPath(model.file);
    return compareFile(file, await encodedTexts(model), kindOf(model));
  }
  try {
    await writeModel(model, path);
    const prompts = model.prompts.map((length) =>
      randomPrompt(length, model.vocabulary, model.seed + length)
    );
    return await compareFile(path, prompts, kindOf(model));
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

async function encodedTexts({ file, texts }: StoredModel): Promise<number[][]> {
  await using model = await loadModel(file);
  return texts.map((text) => model.tokenizer.encode(text, { addBos: false }));
}

async function compareFile(path: string, prompts: number[][], kind: Kind): Promise<Outcome> {
  const expected = await askReference(path, prompts);
  const distances = await askEngine(path, expected);
  const floor = summarize(expected.flatMap((prompt) => prompt.floor));
  const ours = summarize(distances);
  return { floor, ours, verdict: verdict(ours, floor, kind) };
}

async function writeModel(model: RandomModel, path: string): Promise<void> {
  await using sink = await fileSink(path);
  if (model.mix === undefined) {
    await synthesize(model, sink);
    return;
  }
  await using file = await openGguf(await synthesizeBlob(model));
  await quantizeGguf(file, sink, { mix: model.mix });
}

async function askReference(path: string, prompts: readonly number[][]): Promise<Expected[]> {
  await using reference = await openReference(path);
  const expected: Expected[] = [];
  for (const tokens of prompts) {
    const rows = await reference.batch(tokens);
    const floor = comparePositions(await reference.steps(tokens), rows);
    expected.push({ tokens, rows, floor });
  }
  return expected;
}

async function askEngine(
  path: string,
  expected: readonly Expected[],
): Promise<PositionComparison[]> {
  await using model = await loadModel(path, { threads: THREADS });
  const distances: PositionComparison[] = [];
  for (const { tokens, rows } of expected) {
    distances.push(...comparePositions(await evaluate(model, tokens), rows));
  }
  return distances;
}

const ALL: readonly ParityModel[] = [...models, ...storedModels];
const NAME_WIDTH = Math.max(...ALL.map(({ name }) => name.length));
const HEADING =
  `${"".padEnd(NAME_WIDTH)}  ${"llama.cpp from itself".padEnd(23)}  we from llama.cpp\n` +
  `${"model".padEnd(NAME_WIDTH)}   median     p95  top-1   median     p95  top-1   cosine`;

/** A line of the table; a failed model names the bars that it broke. */
function tableLine(name: string, { floor, ours, verdict }: Outcome): string {
  const columns = [
    name.padEnd(NAME_WIDTH),
    ...distanceColumns(floor),
    ...distanceColumns(ours),
    ours.cosineMedian.toFixed(6).padStart(8),
    verdict.passed ? "pass" : "FAIL",
  ];
  const broken = verdict.bars.filter((bar) => !bar.passed).map(({ name, measured, bound, limit }) =>
    `  ${name} is ${measured.toPrecision(4)}, may be ${bound} ${limit.toPrecision(4)}`
  );
  return [columns.join(" "), ...broken].join("\n");
}

/** Median and 95th percentile in nats, top-1 agreement in percent. */
function distanceColumns({ median, p95, top1Agreement }: Summary): string[] {
  return [
    median.toFixed(5).padStart(8),
    p95.toFixed(5).padStart(7),
    (100 * top1Agreement).toFixed(1).padStart(6),
  ];
}

/** Compares the models one after another; returns how many failed. */
async function run(chosen: readonly ParityModel[], directory: string): Promise<number> {
  console.log(HEADING);
  let failed = 0;
  for (const [index, model] of chosen.entries()) {
    try {
      const outcome = await compareModel(model, `${directory}/${index}.gguf`);
      if (!outcome.verdict.passed) failed++;
      console.log(tableLine(model.name, outcome));
    } catch (error) {
      failed++;
      console.log(`${model.name.padEnd(NAME_WIDTH)} FAIL\n  ${error}`);
    }
  }
  console.log(`\n${chosen.length - failed} passed, ${failed} failed`);
  return failed;
}

if (import.meta.main) {
  const word = Deno.args[0] ?? "";
  const chosen = ALL.filter(({ name }) => name.includes(word));
  if (chosen.length === 0) {
    console.error(`No model's name holds '${word}': ${ALL.map(({ name }) => name).join("; ")}`);
    Deno.exit(2);
  }
  const directory = await Deno.makeTempDir({ prefix: "parity-" });
  const removeAll = () => Deno.removeSync(directory, { recursive: true });
  Deno.addSignalListener("SIGINT", () => {
    removeAll();
    Deno.exit(130);
  });
  try {
    Deno.exitCode = await run(chosen, directory) === 0 ? 0 : 1;
  } finally {
    removeAll();
  }
}
