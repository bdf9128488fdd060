/**
 * What came out, as a page of Markdown.
 *
 * @module
 */
import { counted, formatBytes } from "../../cli/format.ts";
import type { Comparison, Entry } from "./compare.ts";
import { type Kind, KINDS, median, type Sample } from "./speeds.ts";
import { DECODED, WARM_UP_DECODED } from "./workload.ts";

/** Where and when. */
export interface Circumstances {
  /** ISO 8601 */
  readonly date: string;
  readonly processor: string;
  readonly processors: number;
  /** bytes */
  readonly memory: number;
  /** processes that wanted a processor in the minute before */
  readonly load: number;
  readonly commit: string;
  readonly repetitions: number;
  readonly wantedRepetitions: number;
}

const TITLES: Readonly<Record<Kind, string>> = {
  prefill64: "prefill 64",
  prefill512: "prefill 512",
  decode: "decode",
};

/** The whole page. */
export function report(where: Circumstances, comparisons: readonly Comparison[]): string {
  return [
    "# Side by side with other engines",
    "Written by `deno task bench:peers`; every run writes it anew.",
    circumstances(where, comparisons),
    METHOD,
    ...comparisons.map(section),
  ].join("\n\n") + "\n";
}

const METHOD = `## What is measured

Tokens per second, as the median over the repetitions, and from the lowest to the highest. In a
repetition all engines have their turn, with the same random words as prompt, the next repetition goes
through them in the opposite order, and ratios are taken within a repetition: what else the machine
does changes from minute to minute. Each turn computes other prompts of the same lengths and decodes
${WARM_UP_DECODED} tokens before it measures: this engine and wllama optimize their code while it runs.

- prefill 64, prefill 512: a prompt of so many tokens at once, and the logits after its last.
- decode: ${DECODED} tokens, one after another, each the likeliest, after a prompt of 64.
- reads: bytes of active weights × tokens per second. A decoded token reads each once, so what as many
  threads read from memory with nothing else to do (the stream, measured by this engine within the
  same repetition) is the bound.

This engine and node-llama-cpp run in a process of their own, a new one each turn. node-llama-cpp spends
the time named below each table outside of llama.cpp, for every decoded token: hops between threads and
a search through all logits. It is part of its decode. wllama's numbers are those that llama.cpp's
server inside of it tells: messages between page and worker are not part of them.`;

function circumstances(where: Circumstances, comparisons: readonly Comparison[]): string {
  const samples = comparisons.flatMap(({ entries }) => entries).flatMap(samplesOf);
  const { repetitions, wantedRepetitions } = where;
  const short = repetitions < wantedRepetitions
    ? ` of ${wantedRepetitions} wanted: then the time was up`
    : "";
  return [
    `${where.date}, commit ${where.commit}`,
    `${where.processor}, ${where.processors} processors, ${formatBytes(where.memory)} of memory; ` +
    `load average before: ${where.load.toFixed(1)}`,
    ...new Set(samples.map(({ about }) => about)),
    `${counted(repetitions, "repetition")}${short}`,
  ].map((line) => `- ${line}`).join("\n");
}

function section(comparison: Comparison): string {
  const { title, activeBytesPerToken, entries } = comparison;
  return [
    `## ${title}`,
    `${formatBytes(activeBytesPerToken)} of weights are read for each decoded token.`,
    speedTable(comparison),
    failureLines(entries),
    streamLine(entries),
    interfaceLine(entries),
    ratioTable(entries),
  ].filter((part) => part !== "").join("\n\n");
}

function speedTable({ entries, activeBytesPerToken }: Comparison): string {
  const rows = entries.map((entry) => {
    const samples = samplesOf(entry);
    const start = [entry.engine, String(entry.threads)];
    if (samples.length === 0) return [...start, "not run", "", "", "", ""];
    const stream = streamOf(entries, entry.threads);
    const reads = entry.samples.map((sample) =>
      sample && sample.speeds.decode * activeBytesPerToken
    );
    const shares = reads.map((read, repetition) => {
      const bound = stream[repetition];
      return read === undefined || bound === undefined ? undefined : read / bound * 100;
    });
    return [
      ...start,
      ...KINDS.map((kind) => spread(samples.map(({ speeds }) => speeds[kind]))),
      spread(reads.map((read) => read && read / 1e9)),
      spread(shares, "%"),
    ];
  });
  const titles = ["engine", "threads", ...KINDS.map((kind) => TITLES[kind])];
  return markdownTable([...titles, "reads GB/s", "of the stream"], rows);
}

/** Why numbers are missing. */
function failureLines(entries: readonly Entry[]): string {
  return entries.filter(({ failure }) => failure !== undefined).map((entry) => {
    const { engine, threads, failure } = entry;
    const done = samplesOf(entry).length;
    const what = done === 0 ? "was not run" : `failed after ${counted(done, "repetition")}`;
    return `- ${engine} with ${counted(threads, "thread")} ${what}: ${failure}`;
  }).join("\n");
}

/** What threads read from memory, by repetition. */
function streamOf(entries: readonly Entry[], threads: number): (number | undefined)[] {
  return ownEntry(entries, threads).samples.map((sample) => sample?.streamBytesPerSecond);
}

/** This engine's: the first of those with as many threads. */
function ownEntry(entries: readonly Entry[], threads: number): Entry {
  return entries.find((entry) => entry.threads === threads)!;
}

function streamLine(entries: readonly Entry[]): string {
  const parts = threadCounts(entries).map((threads) => {
    const stream = streamOf(entries, threads).map((value) => value && value / 1e9);
    return `${spread(stream)} GB/s with ${counted(threads, "thread")}`;
  });
  return `The stream: ${parts.join(", ")}.`;
}

function interfaceLine(entries: readonly Entry[]): string {
  return entries.flatMap((entry) => {
    const costs = samplesOf(entry).flatMap(({ interfaceMilliseconds }) =>
      interfaceMilliseconds ?? []
    );
    if (costs.length === 0) return [];
    return `Of a token that ${entry.engine} decodes with ${counted(entry.threads, "thread")}, ` +
      `${median(costs).toFixed(1)} ms are not llama.cpp's.`;
  }).join("\n");
}

/** This engine's speed divided by another's, within each repetition. */
function ratioTable(entries: readonly Entry[]): string {
  const rows = entries.flatMap((entry) => {
    const own = ownEntry(entries, entry.threads);
    if (entry === own || samplesOf(entry).length === 0 || samplesOf(own).length === 0) return [];
    const ratios = KINDS.map((kind) =>
      spread(entry.samples.map((sample, repetition) => {
        const ours = own.samples[repetition];
        return sample && ours && ours.speeds[kind] / sample.speeds[kind];
      }))
    );
    return [[`${own.engine} ÷ ${entry.engine}`, String(entry.threads), ...ratios]];
  });
  if (rows.length === 0) return "";
  return markdownTable(["ratio", "threads", ...KINDS.map((kind) => TITLES[kind])], rows);
}

function threadCounts(entries: readonly Entry[]): number[] {
  return [...new Set(entries.map(({ threads }) => threads))];
}

function samplesOf({ samples }: Entry): Sample[] {
  return samples.filter((sample) => sample !== undefined);
}

/** The median, the lowest and the highest: "58.9 (55.1–60.2)". */
function spread(values: readonly (number | undefined)[], unit: string = ""): string {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return "unknown";
  const text = (value: number) => value.toFixed(value < 10 ? 2 : 1);
  const middle = `${text(median(known))}${unit}`;
  if (known.length === 1) return middle;
  return `${middle} (${text(Math.min(...known))}–${text(Math.max(...known))})`;
}

function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const alignment = titles.map((_, column) => column === 0 ? "---" : "---:");
  return [titles, alignment, ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}
