import { benchmark, type BenchmarkResult } from "../engine/benchmark.ts";
import type { Model } from "../mod.ts";
import { bytesValue, given, integerList, integerValue, parseArguments } from "./arguments.ts";
import { DEFAULT_MODEL } from "./default_model.ts";
import {
  ARCHITECTURE_FLAG,
  ARCHITECTURE_HELP,
  JSON_FLAG,
  KV_FLAG,
  KV_HELP,
  kvOption,
} from "./flags.ts";
import { formatBytes, formatTable, printable } from "./format.ts";
import { loadShowing } from "./loading.ts";
import { type Io, UsageError } from "./verb.ts";

export const help = `How fast a model runs here.

usage: COMMAND bench [-m MODEL] [options]

  -m, --model MODEL    path or URL of a GGUF file, or of the first of its shards (default: the small
                       model that ships with the program)
  -p, --prompt N       measure a prompt of N tokens at once, "ppN" (default: 512; 0 leaves it out)
  -n, --generate N     measure N tokens one after another, "tgN" (default: 128; 0 leaves it out)
  -r, --repetitions R  measure each R times (default: 5)
      --threads LIST   threads that compute, such as 1,2 (default: one for each processor)
      --depth LIST     tokens that are in the KV cache before, such as 0,4096 (default: 0)
      --memory SIZE    what the model may hold in memory, such as 6GiB (default: what is free)
      --kv FORMAT      ${KV_HELP}
      --json           print [{ test, threads, depth, tokensPerSecond: { mean, deviation },
                       activeBytesPerToken, streamBytesPerSecond, bandwidthFraction, expertHitRate }]
  ${ARCHITECTURE_HELP}

Tokens are random, and a warm-up comes first. A decoded token reads all active weights from memory
once (activeBytesPerToken, as many as they have in the file), so the fraction of the bandwidth says
how near the kernels come to what this machine can do: active bytes × tokens per second ÷ bytes per
second that as many threads read in the same run with nothing else to do. It is null for prompts,
whose tokens share what is read, and the hit rate is null for models without experts.
`;

const TEXT = { type: "string" } as const;

const FLAGS = {
  model: { type: "string", short: "m" },
  prompt: { type: "string", short: "p" },
  generate: { type: "string", short: "n" },
  repetitions: { type: "string", short: "r" },
  threads: TEXT,
  depth: TEXT,
  memory: TEXT,
  ...KV_FLAG,
  ...JSON_FLAG,
  ...ARCHITECTURE_FLAG,
} as const;

/** One line of the table. */
interface Row {
  readonly test: string;
  readonly threads: number;
  readonly depth: number;
  readonly tokensPerSecond: BenchmarkResult["tokensPerSecond"];
  readonly activeBytesPerToken: number;
  readonly streamBytesPerSecond: number;
  readonly bandwidthFraction: number | null;
  readonly expertHitRate: number | null;
}

interface Measurement {
  readonly kind: "prefill" | "decode";
  readonly tokens: number;
  readonly depth: number;
}

/** Measures a model's speed. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArguments(args, FLAGS, []);
  const prompt = integerValue("prompt", values.prompt, 0) ?? 512;
  const generate = integerValue("generate", values.generate, 0) ?? 128;
  const repetitions = integerValue("repetitions", values.repetitions, 1) ?? 5;
  const threadCounts = integerList("threads", values.threads, 1) ?? [undefined];
  const depths = integerList("depth", values.depth, 0) ?? [0];
  const memory = bytesValue("memory", values.memory);
  const kv = kvOption(values);
  const measurements = depths.flatMap((depth): Measurement[] => [
    ...(prompt > 0 ? [{ kind: "prefill", tokens: prompt, depth } as const] : []),
    ...(generate > 0 ? [{ kind: "decode", tokens: generate, depth } as const] : []),
  ]);
  if (measurements.length === 0) throw new UsageError("-p 0 and -n 0 leave nothing to measure");
  const signal = io.interruption();

  const rows: Row[] = [];
  for (const threads of threadCounts) {
    await using model = await loadShowing(values.model ?? DEFAULT_MODEL, {
      context: Math.max(...measurements.map(({ tokens, depth }) => tokens + depth)),
      ...given("threads", threads),
      ...given("memory", memory),
      ...kv,
      ...given("assumeArchitecture", values["assume-architecture"]),
    }, io);
    if (rows.length === 0 && !values.json) await io.write(heading(model));
    for (const measurement of measurements) {
      const row = await measure(model, measurement, repetitions, signal);
      rows.push(row);
      if (io.tellsTerminal) io.tell(`${cells(row).join("  ")}\n`);
    }
  }
  await io.write(values.json ? `${JSON.stringify(rows, null, 1)}\n` : table(rows));
  return 0;
}

async function measure(
  model: Model,
  measurement: Measurement,
  repetitions: number,
  signal: AbortSignal,
): Promise<Row> {
  const { kind, tokens, depth } = measurement;
  const { activeBytesPerToken, threads } = model;
  const result = await benchmark(model, { ...measurement, repetitions, signal });
  const { tokensPerSecond, streamBytesPerSecond, expertHitRate } = result;
  const bytesPerSecond = activeBytesPerToken * tokensPerSecond.mean;
  return {
    test: `${kind === "prefill" ? "pp" : "tg"}${tokens}`,
    threads,
    depth,
    tokensPerSecond,
    activeBytesPerToken,
    streamBytesPerSecond,
    bandwidthFraction: kind === "decode" ? bytesPerSecond / streamBytesPerSecond : null,
    expertHitRate: expertHitRate ?? null,
  };
}

function heading(model: Model): string {
  const { name, activeBytesPerToken } = model;
  return `${printable(name)}: ${formatBytes(activeBytesPerToken)} of weights for each token\n\n`;
}

function table(rows: readonly Row[]): string {
  const titles = ["test", "threads", "depth", "tok/s", "", "stream GB/s", "of it", "expert hits"];
  return formatTable([titles, ...rows.map(cells)], [1, 2, 3, 5, 6, 7]);
}

function cells(row: Row): string[] {
  const { mean, deviation } = row.tokensPerSecond;
  const percent = (share: number | null) => share === null ? "" : `${(share * 100).toFixed(1)}%`;
  return [
    row.test,
    String(row.threads),
    String(row.depth),
    mean.toFixed(2),
    `± ${deviation.toFixed(2)}`,
    (row.streamBytesPerSecond / 1e9).toFixed(1),
    percent(row.bandwidthFraction),
    percent(row.expertHitRate),
  ];
}
