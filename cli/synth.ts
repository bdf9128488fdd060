import { CHATML_TEMPLATE } from "../chat/mod.ts";
import { type FileSink, type GgufLayout, type MetadataEntry, openGguf } from "../gguf/mod.ts";
import {
  layoutSynth,
  SYNTH_ARCHITECTURES,
  SYNTH_PRESETS,
  synthesize,
  SynthOptionError,
  type SynthOptions,
  WEIGHT_TYPES,
} from "../synth/mod.ts";
import {
  choiceValue,
  integerValue,
  numberValue,
  parseArguments,
  type Values,
} from "./arguments.ts";
import { formatBytes } from "./format.ts";
import { percentLine } from "./percent_line.ts";
import { type Io, UsageError } from "./verb.ts";
import { checkOtherFile, checkTarget, writeWholeFile } from "./whole_file.ts";

const PRESETS = [...SYNTH_PRESETS.keys()];

export const help =
  `Writes a model with random weights: a valid GGUF file of any shape. The same options give the same
bytes. Its answers are noise, so it is for tests, benchmarks and looking around.

usage: COMMAND synth OUT [--preset NAME] [options]

  --preset NAME       start from a shape: ${PRESETS.join(", ")} (default: tiny);
                      the options below override single values
  --architecture A    ${SYNTH_ARCHITECTURES.join(", ")} (default: qwen3moe)
  --layers N          --hidden N          --context N
  --heads N           --kv-heads N        --head-size N
  --experts N         --experts-used N    --expert-width N    --feed-forward N
  --shared-width N    width of the expert that all tokens share (qwen2moe)
  --rope-base X       --rms-epsilon X
  --expert-share X    what experts add, against a dense feed-forward's 1 (default: 0.05): the more,
                      the further a near-tie between experts moves the logits
  --types T           ${WEIGHT_TYPES.join(", ")}
                      (default: q4_k_m, llama.cpp's mix; all others store each matrix alike)
  --tied              the token embedding is the output head too
  --vocab N           a made-up vocabulary of N tokens, at least 260
  --vocab-from FILE   the vocabulary, and the chat template if any, of another GGUF file
  --seed S            another seed, other weights (default: 0)
  --sparse            the header only; the weights are a hole, which reads as zeros and takes no room
  --force             replace OUT if it is there

example: COMMAND synth six-layers.gguf --preset qwen3-30b-a3b --layers 6 --seed 1
`;

const TEXT = { type: "string" } as const;
const SWITCH = { type: "boolean" } as const;

const FLAGS = {
  preset: TEXT,
  architecture: TEXT,
  layers: TEXT,
  hidden: TEXT,
  context: TEXT,
  heads: TEXT,
  "kv-heads": TEXT,
  "head-size": TEXT,
  experts: TEXT,
  "experts-used": TEXT,
  "expert-width": TEXT,
  "expert-share": TEXT,
  "shared-width": TEXT,
  "feed-forward": TEXT,
  "rope-base": TEXT,
  "rms-epsilon": TEXT,
  types: TEXT,
  tied: SWITCH,
  vocab: TEXT,
  "vocab-from": TEXT,
  seed: TEXT,
  sparse: SWITCH,
  force: SWITCH,
} as const;

/** The flag of each option, for messages. */
const FLAG_OF: Readonly<Record<keyof SynthOptions, keyof typeof FLAGS>> = {
  architecture: "architecture",
  layers: "layers",
  hidden: "hidden",
  heads: "heads",
  kvHeads: "kv-heads",
  headSize: "head-size",
  experts: "experts",
  expertsUsed: "experts-used",
  expertWidth: "expert-width",
  expertShare: "expert-share",
  sharedWidth: "shared-width",
  feedForwardWidth: "feed-forward",
  vocabulary: "vocab",
  chatTemplate: "vocab-from",
  context: "context",
  ropeBase: "rope-base",
  rmsEpsilon: "rms-epsilon",
  tied: "tied",
  types: "types",
  seed: "seed",
};

/** Writes a random model. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["OUT"]);
  const path = operands[0]!;
  const options = await readOptions(values, path);
  const layout = layoutOrUsageError(options, values);
  await checkTarget(path, values.force === true);

  const start = performance.now();
  await writeWholeFile(path, io, async (sink, signal) => {
    if (values.sparse) await writeSparse(sink, layout);
    else await writeWeights(sink, options, layout.size, io, signal);
  });
  const seconds = (performance.now() - start) / 1000;
  const what = values.sparse ? ", weights left out" : ` in ${seconds.toFixed(1)} s`;
  io.tell(`${path}: ${formatBytes(layout.size)}, ${layout.tensors.length} tensors${what}\n`);
  return 0;
}

async function readOptions(values: Values<typeof FLAGS>, out: string): Promise<SynthOptions> {
  const preset = SYNTH_PRESETS.get(choiceValue("preset", values.preset, PRESETS) ?? "tiny")!;
  const architecture = choiceValue("architecture", values.architecture, SYNTH_ARCHITECTURES);
  if (architecture && preset.architecture && architecture !== preset.architecture) {
    throw new UsageError(
      `--architecture ${architecture} contradicts --preset ${values.preset}: ` +
        `that is a ${preset.architecture}`,
    );
  }
  const count = (flag: keyof typeof FLAGS) => integerValue(flag, values[flag] as string, 1);
  const given: SynthOptions = {
    architecture,
    layers: count("layers"),
    hidden: count("hidden"),
    context: count("context"),
    heads: count("heads"),
    kvHeads: count("kv-heads"),
    headSize: count("head-size"),
    experts: count("experts"),
    expertsUsed: count("experts-used"),
    expertWidth: count("expert-width"),
    sharedWidth: count("shared-width"),
    expertShare: numberValue("expert-share", values["expert-share"], 0),
    feedForwardWidth: count("feed-forward"),
    ropeBase: numberValue("rope-base", values["rope-base"], 0),
    rmsEpsilon: numberValue("rms-epsilon", values["rms-epsilon"], 0),
    types: choiceValue("types", values.types, WEIGHT_TYPES),
    tied: values.tied,
    seed: integerValue("seed", values.seed),
    ...await readVocabulary(values, out),
  };
  // What was not given must not override the preset.
  const overriding = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...preset, ...Object.fromEntries(overriding) };
}

async function readVocabulary(
  values: Values<typeof FLAGS>,
  out: string,
): Promise<Pick<SynthOptions, "vocabulary" | "chatTemplate">> {
  const size = integerValue("vocab", values.vocab, 1);
  const path = values["vocab-from"];
  if (path === undefined) return { vocabulary: size, chatTemplate: CHATML_TEMPLATE };
  if (size !== undefined) throw new UsageError("--vocab and --vocab-from exclude each other");
  await using file = await openGguf(path);
  await checkOtherFile(file, out, "OUT");
  return {
    vocabulary: file.entries,
    chatTemplate: hasChatMl(file.entries) ? CHATML_TEMPLATE : undefined,
  };
}

/** Whether a vocabulary has the tokens that the template is written with. */
function hasChatMl(entries: readonly MetadataEntry[]): boolean {
  const tokens = entries.find(({ key }) => key === "tokenizer.ggml.tokens")?.value;
  return Array.isArray(tokens) && tokens.includes("<|im_start|>");
}

function layoutOrUsageError(options: SynthOptions, values: Values<typeof FLAGS>): GgufLayout {
  try {
    return layoutSynth(options);
  } catch (error) {
    if (!(error instanceof SynthOptionError)) throw error;
    const fromFile = error.option === "vocabulary" && values["vocab-from"] !== undefined;
    throw new UsageError(`--${fromFile ? "vocab-from" : FLAG_OF[error.option]} ${error.problem}`);
  }
}

async function writeSparse(sink: FileSink, layout: GgufLayout): Promise<void> {
  await sink.write(layout.header);
  await sink.setSize(layout.size);
}

async function writeWeights(
  sink: FileSink,
  options: SynthOptions,
  size: number,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const line = percentLine(io, formatBytes(size));
  try {
    await synthesize(options, sink, { signal, onProgress: (bytes) => line.show(bytes, size) });
  } finally {
    line.stop();
  }
}
