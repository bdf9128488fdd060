import { FEWEST_TOKENS, measurePerplexity, type PerplexityEstimate } from "../engine/perplexity.ts";
import { openGguf } from "../gguf/mod.ts";
import { readHyperParameters } from "../model/hyperparameters.ts";
import { createTokenizer } from "../tokenizer/mod.ts";
import { integerValue, parseArguments } from "./arguments.ts";
import {
  ARCHITECTURE_HELP,
  JSON_FLAG,
  KV_HELP,
  LOAD_FLAGS,
  loadOptions,
  MODEL_HELP,
} from "./flags.ts";
import { CLEAR_LINE, counted } from "./format.ts";
import { loadShowing } from "./loading.ts";
import { readNamedFile } from "./named_file.ts";
import { CommandError, type Io, UsageError } from "./verb.ts";

const DEFAULT_CONTEXT = 512;

/** Fewest tokens of a window, so that a half of one can be scored. */
const SMALLEST_CONTEXT = 8;

export const help =
  `How well a model foretells a text: the lower its perplexity, the better. 1 is certainty, and as many
as the vocabulary has tokens is guessing.

usage: COMMAND perplexity MODEL --file FILE [options]

${MODEL_HELP}

  --file FILE     the text, UTF-8; special tokens in it are text like any other
  --context N     tokens of a window (default: ${DEFAULT_CONTEXT}, or as many as the model was trained for)
  --threads N     threads that compute (default: one for each processor)
  --memory SIZE   what the model may hold in memory, such as 6GiB (default: what is free)
  --kv FORMAT     ${KV_HELP}
  --json          print { perplexity, error, tokens, windows, context }
  ${ARCHITECTURE_HELP}

As llama.cpp does it: the tokens are cut into windows of N; each begins anew, with the token that the
model has put before a text, if any; and of each the second half is scored, N - 1 - floor(N / 2)
tokens. A rest that fills no window is left out, and a text that is shorter than one is a window by
itself. The error is the standard error over tokens. The estimate so far goes to stderr.

example: COMMAND perplexity model-q4_k_m.gguf --file wiki.test.raw
`;

const TEXT = { type: "string" } as const;

const FLAGS = {
  file: TEXT,
  context: TEXT,
  ...LOAD_FLAGS,
  ...JSON_FLAG,
} as const;

/** Measures a model on a text. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["MODEL"]);
  const [path] = operands as [string];
  if (values.file === undefined) throw new UsageError("--file is missing");
  const wanted = integerValue("context", values.context, SMALLEST_CONTEXT);
  const load = loadOptions(values);
  const { tokens, contextLength } = await readTokens(path, values.file, load);
  const context = wanted ?? Math.min(DEFAULT_CONTEXT, contextLength);
  const signal = io.interruption();

  await using model = await loadShowing(path, { ...load, context }, io);
  const progress = estimateLine(io);
  const { estimate, windows } = await measurePerplexity(model, tokens, {
    context,
    signal,
    onWindow: progress.show,
  }).finally(progress.stop);
  const { perplexity, error, tokens: scored } = estimate;
  const result = { perplexity, error, tokens: scored, windows, context };
  await io.write(values.json ? `${JSON.stringify(result)}\n` : `${asText(estimate)}\n`);
  return 0;
}

/** The text's tokens, before the weights are loaded: what is too short need not wait for them. */
async function readTokens(
  model: string,
  path: string,
  options: { assumeArchitecture?: string },
): Promise<{ tokens: number[]; contextLength: number }> {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await readNamedFile(path));
  await using file = await openGguf(model);
  const { contextLength } = readHyperParameters(file, options);
  const tokens = createTokenizer(file.metadata).encode(text, { special: false });
  if (text === "") throw new CommandError(`${path} is empty: there is nothing to foretell`);
  if (tokens.length < FEWEST_TOKENS) {
    throw new CommandError(
      `${path} has ${counted(tokens.length, "token")}: at least ${FEWEST_TOKENS} are needed`,
    );
  }
  return { tokens, contextLength };
}

/** Tells the estimate after each window: on a terminal in one line, which goes in the end. */
function estimateLine(io: Io) {
  const [start, end] = io.tellsTerminal ? [CLEAR_LINE, ""] : ["", "\n"];
  return {
    show: (done: number, windows: number, estimate: PerplexityEstimate) =>
      io.tell(`${start}window ${done} of ${windows}: ${asText(estimate)}${end}`),
    stop: () => io.tell(start),
  };
}

function asText({ perplexity, error, tokens }: PerplexityEstimate): string {
  return `perplexity ${perplexity.toFixed(4)} ± ${error.toFixed(4)} over ${
    counted(tokens, "token")
  }`;
}
