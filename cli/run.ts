import { openGguf } from "../gguf/mod.ts";
import type {
  Generation,
  GenerationOptions,
  GenerationResult,
  Model,
  Routing,
  SourceLocation,
} from "../mod.ts";
import { RANDOM_WEIGHTS_KEY } from "../synth/mod.ts";
import { given, integerValue, numberValue, parseArguments, type Values } from "./arguments.ts";
import { DEFAULT_MODEL } from "./default_model.ts";
import { ARCHITECTURE_HELP, JSON_FLAG, KV_HELP, LOAD_FLAGS, loadOptions } from "./flags.ts";
import { printable } from "./format.ts";
import { loadShowing } from "./loading.ts";
import { RoutingTrace } from "./routing_trace.ts";
import { CommandError, type Io, UsageError } from "./verb.ts";
import { checkOtherFile } from "./whole_file.ts";

export const help = `Answers a prompt, or continues it. The answer streams to stdout.

usage: COMMAND run [PROMPT] [-m MODEL] [options]

PROMPT is what the user says, or what is piped in. Without -m the small model that ships with the
program answers.

  -m, --model MODEL    path or URL of a GGUF file, or of the first of its shards
  -n, --tokens N       at most N tokens (default: as many as the context holds)
      --temp T         temperature; 0 always takes the likeliest token (default: 0)
      --top-k K        draw from the K likeliest tokens (default: from all)
      --top-p P        draw from the likeliest tokens that have the probability P together
      --min-p P        draw from tokens at least P times as likely as the likeliest
      --repeat-penalty R  above 1: recent tokens become less likely
      --seed S         the same seed draws the same tokens (default: a new one, told on stderr)
      --raw            continue PROMPT as it is, without the model's chat template; of what is piped
                       in, all but one newline at the end
      --ctx N          tokens that prompt and answer may have together, not counting the last one
                       drawn: the model does not go through it
      --threads N      threads that compute (default: one for each processor)
      --memory SIZE    what the model may hold in memory, such as 6GiB (default: what is free, less
                       a margin); experts that find no room are read again when they are needed
      --kv FORMAT      ${KV_HELP}
      --trace-routing FILE  which experts each token went through in each layer, as JSON lines:
                       {"position":12,"token":345,"layer":0,"experts":[3,7],"weights":[0.61,0.39]}; with
                       "shared", the weight of the expert that all tokens share, where there is one.
                       The last token drawn goes through none
      --json           print one object at the end instead: { text, tokens (ids), finishReason,
                       seed (if a new one was drawn with), timeToFirstTokenSeconds,
                       prefill: { tokens, tokensPerSecond }, decode: … }
  ${ARCHITECTURE_HELP}

Ctrl+C ends the answer; what came so far stays. Speed goes to stderr.

example: COMMAND run "Write a haiku" -m qwen3-coder-30b-a3b-q4_k_m.gguf --temp 0.7 --top-p 0.8
`;

const TEXT = { type: "string" } as const;

const FLAGS = {
  model: { type: "string", short: "m" },
  tokens: { type: "string", short: "n" },
  temp: TEXT,
  "top-k": TEXT,
  "top-p": TEXT,
  "min-p": TEXT,
  "repeat-penalty": TEXT,
  seed: TEXT,
  raw: { type: "boolean" },
  ctx: TEXT,
  "trace-routing": TEXT,
  ...LOAD_FLAGS,
  ...JSON_FLAG,
} as const;

/** Answers a prompt. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["[PROMPT]"]);
  const load = {
    ...given("context", integerValue("ctx", values.ctx, 1)),
    ...loadOptions(values),
  };
  const generation = readGenerationOptions(values);
  const prompt = operands[0] ?? await pipedPrompt(io, values.raw === true);
  const signal = io.interruption();

  const from = values.model ?? DEFAULT_MODEL;
  using trace = await openTrace(values["trace-routing"], from);
  await using model = await loadShowing(from, load, io);
  if (model.metadata.get(RANDOM_WEIGHTS_KEY) === true) {
    io.tell("note: this model's weights are random, so what it says is noise\n");
  }
  if (trace) checkExperts(model);
  const onRouting = trace && ((routing: Routing) => trace.write(routing));
  const options = { ...generation, ...given("onRouting", onRouting), signal };
  const answer = values.raw
    ? model.complete(prompt, options)
    : model.chat([{ role: "user", content: prompt }], options);
  const result = values.json ? await answer.finish() : await stream(answer, io);
  if (values.json) await io.write(`${JSON.stringify(result)}\n`);
  io.tell(summary(result));
  return result.finishReason === "abort" ? 1 : 0;
}

/** Opens the trace, unless it is a file of the model's, before the model is loaded and holds it. */
async function openTrace(
  path: string | undefined,
  model: SourceLocation,
): Promise<RoutingTrace | undefined> {
  if (path === undefined) return undefined;
  await using file = await openGguf(model);
  await checkOtherFile(file, path, "--trace-routing");
  return new RoutingTrace(path);
}

function checkExperts({ name, parameters }: Model): void {
  if (parameters.experts > 0) return;
  throw new CommandError(
    `--trace-routing: ${printable(name)} has no experts, so there is no routing to trace`,
  );
}

function readGenerationOptions(values: Values<typeof FLAGS>): GenerationOptions {
  const temperature = numberValue("temp", values.temp, 0);
  return {
    ...given("maxTokens", integerValue("tokens", values.tokens, 1)),
    ...given("temperature", temperature),
    ...given("topK", integerValue("top-k", values["top-k"], 0)),
    ...given("topP", numberValue("top-p", values["top-p"], Number.MIN_VALUE, 1)),
    ...given("minP", numberValue("min-p", values["min-p"], 0, 1)),
    ...given("repeatPenalty", numberValue("repeat-penalty", values["repeat-penalty"], 0.01)),
    ...given("seed", integerValue("seed", values.seed, 0)),
  };
}

async function pipedPrompt(io: Io, raw: boolean): Promise<string> {
  if (io.inputIsTerminal) throw new UsageError("PROMPT is missing; it may also come from a pipe");
  const input = new TextDecoder().decode(await io.readInput());
  const text = raw ? input.replace(/\r?\n$/, "") : input.trimEnd();
  if (text === "") throw new UsageError("PROMPT is missing, and what is piped in is empty");
  return text;
}

/** Writes the pieces as they come, and ends the last line. */
async function stream(answer: Generation, io: Io): Promise<GenerationResult> {
  for await (const piece of answer) await io.write(io.writesTerminal ? screenText(piece) : piece);
  await io.write("\n");
  return answer.result;
}

/** A model may say anything, but it must not steer the terminal. */
function screenText(text: string): string {
  return text.split(/([\n\t])/).map((part, i) => i % 2 === 1 ? part : printable(part)).join("");
}

function summary(result: GenerationResult): string {
  const { prefill, decode, timeToFirstTokenSeconds, finishReason, seed } = result;
  const reason = { stop: "", length: ", cut off", abort: ", interrupted" }[finishReason];
  return `prompt ${prefill.tokens} tokens, ${prefill.tokensPerSecond.toFixed(1)} tok/s; ` +
    `first token after ${timeToFirstTokenSeconds.toFixed(2)} s; ` +
    `decode ${decode.tokens} tokens, ${decode.tokensPerSecond.toFixed(1)} tok/s${reason}` +
    (seed === undefined ? "\n" : `; seed ${seed}\n`);
}
