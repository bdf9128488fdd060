import { openGguf } from "../gguf/mod.ts";
import { describeArchitecture, readHyperParameters } from "../model/hyperparameters.ts";
import { referenceLogits } from "../model/reference.ts";
import { resolveTensors } from "../model/tensors.ts";
import type { LoadOptions } from "../mod.ts";
import { given, integerValue, parseArguments } from "./arguments.ts";
import {
  ARCHITECTURE_FLAG,
  ARCHITECTURE_HELP,
  KV_FLAG,
  KV_HELP,
  kvOption,
  MODEL_HELP,
} from "./flags.ts";
import { loadShowing } from "./loading.ts";
import { CommandError, type Io, UsageError } from "./verb.ts";
import { checkOtherFile, checkTarget, writeWholeFile } from "./whole_file.ts";

export const help = `The logits that a model gives at every position of a token sequence.

usage: COMMAND logits MODEL --tokens IDS --out FILE [options]

${MODEL_HELP}

  --tokens IDS   token ids with commas between: 1,2,3
  --out FILE     where the logits go: f32, little-endian, [positions, vocabulary]
  --force        replace FILE if it is there
  --reference    compute them in plain TypeScript, without the kernels: slow, but written for
                 reading, and activations are not rounded
  --threads N    threads that compute (default: one for each processor)
  --batch N      tokens that are computed together (default: 512); the result does not depend on it
  --kv FORMAT    ${KV_HELP}
  ${ARCHITECTURE_HELP}

example: COMMAND logits model.gguf --tokens 1,2,3 --out logits.f32
`;

const FLAGS = {
  tokens: { type: "string" },
  out: { type: "string" },
  force: { type: "boolean" },
  reference: { type: "boolean" },
  threads: { type: "string" },
  batch: { type: "string" },
  ...KV_FLAG,
  ...ARCHITECTURE_FLAG,
} as const;

/** Writes a model's logits to a file. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, operands } = parseArguments(args, FLAGS, ["MODEL"]);
  const tokens = readTokens(values.tokens);
  if (values.out === undefined) throw new UsageError("--out is missing");
  const options = {
    ...given("threads", integerValue("threads", values.threads, 1)),
    ...given("batchSize", integerValue("batch", values.batch, 1)),
    ...kvOption(values),
    ...given("assumeArchitecture", values["assume-architecture"]),
  };
  await checkOut(values.out, operands[0]!, values.force === true);
  const compute = values.reference ? byReference : byKernels;
  await writeWholeFile(values.out, io, async (sink, signal) => {
    for await (const row of compute(operands[0]!, tokens, options, signal, io)) {
      await sink.write(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
    }
  });
  io.tell(`${values.out}: ${tokens.length} positions\n`);
  return 0;
}

async function checkOut(path: string, model: string, force: boolean): Promise<void> {
  await using file = await openGguf(model);
  await checkOtherFile(file, path, "--out");
  await checkTarget(path, force, true);
}

function readTokens(text: string | undefined): number[] {
  if (text === undefined) throw new UsageError("--tokens is missing");
  return text.split(",").map((id) => {
    const trimmed = id.trim();
    if (/^\d+$/.test(trimmed)) return Number(trimmed);
    throw new UsageError(
      `--tokens must be token ids with commas between, not ${JSON.stringify(text)}`,
    );
  });
}

async function* byKernels(
  path: string,
  tokens: readonly number[],
  options: Omit<LoadOptions, "context" | "onProgress">,
  signal: AbortSignal,
  io: Io,
): AsyncGenerator<Float32Array> {
  await using model = await loadShowing(path, { ...options, context: tokens.length }, io);
  await using session = model.session();
  yield* session.logits(tokens, { signal });
}

async function* byReference(
  path: string,
  tokens: readonly number[],
  options: { assumeArchitecture?: string },
  signal: AbortSignal,
): AsyncGenerator<Float32Array> {
  await using file = await openGguf(path);
  const sizes = readHyperParameters(file, options);
  const outside = tokens.find((token) => token >= sizes.vocabulary);
  if (outside !== undefined) {
    throw new CommandError(`token ${outside} is not in the vocabulary of ${sizes.vocabulary}`);
  }
  const description = describeArchitecture(file, options);
  yield* referenceLogits(
    { file, sizes, description, tensors: resolveTensors(file, sizes) },
    tokens,
    signal,
  );
}
