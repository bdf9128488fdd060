/**
 * llama.cpp natively on the CPU, by `npm:node-llama-cpp`. A prompt is one batch whose last token is
 * answered; then the library's own generator decodes, with greedy choice. After each token that hops
 * to another thread and back twice and looks for the largest of all logits: that part is measured
 * and told.
 *
 * @module
 */
import {
  getLlama,
  getModuleVersion,
  type Llama,
  type LlamaContext,
  type LlamaContextSequence,
  LlamaLogLevel,
  type Token,
} from "npm:node-llama-cpp@3.21.1";
import { answer, type Job } from "./child.ts";
import { type Sample, type Speeds, tokensPerSecond } from "./speeds.ts";
import { CONTEXT, type Prompt, type Workload } from "./workload.ts";

async function measure({ path, threads, warmUp, measured }: Job): Promise<Sample> {
  const llama = await getLlama({
    gpu: false,
    build: "never",
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  try {
    const model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext({
      contextSize: CONTEXT,
      batchSize: 512,
      threads,
      // What llama.cpp itself chooses on the CPU.
      flashAttention: true,
    });
    const clock = watchDecoding(context);
    const sequence = context.getSequence();
    await compute(sequence, warmUp, clock);
    const { speeds, interfaceMilliseconds } = await compute(sequence, measured, clock);
    return { speeds, interfaceMilliseconds, about: await describe(llama) };
  } finally {
    await llama.dispose();
  }
}

/** Milliseconds that llama.cpp itself has taken so far. */
interface Clock {
  milliseconds: number;
}

/** The addon behind a context; it is no public part of the library. */
interface WithAddon {
  readonly _ctx: { decodeBatch(...args: unknown[]): Promise<unknown> };
}

function watchDecoding(context: LlamaContext): Clock {
  const clock: Clock = { milliseconds: 0 };
  const addon = (context as unknown as WithAddon)._ctx;
  const decodeBatch = addon.decodeBatch.bind(addon);
  addon.decodeBatch = async (...args) => {
    const start = performance.now();
    try {
      return await decodeBatch(...args);
    } finally {
      clock.milliseconds += performance.now() - start;
    }
  };
  return clock;
}

async function compute(
  sequence: LlamaContextSequence,
  { short, long, before, decoded }: Workload,
  clock: Clock,
): Promise<{ speeds: Speeds; interfaceMilliseconds: number }> {
  const prefill = async (prompt: Prompt) => {
    await using tokens = await start(sequence, prompt);
    return await tokensPerSecond(prompt.tokens.length, tokens.next);
  };
  const prefill64 = await prefill(short);
  const prefill512 = await prefill(long);
  await using tokens = await start(sequence, before);
  await tokens.next();
  clock.milliseconds = 0;
  const decode = await tokensPerSecond(decoded, async () => {
    for (let i = 0; i < decoded; i++) await tokens.next();
  });
  const interfaceMilliseconds = 1000 / decode - clock.milliseconds / decoded;
  return { speeds: { prefill64, prefill512, decode }, interfaceMilliseconds };
}

/** Each `next` evaluates what is not evaluated yet, and chooses a token. */
async function start(
  sequence: LlamaContextSequence,
  { tokens }: Prompt,
): Promise<AsyncDisposable & { next: () => Promise<void> }> {
  await sequence.clearHistory();
  const generator = sequence.evaluate(tokens as Token[], { temperature: 0, yieldEogToken: true });
  return {
    next: async () => void await generator.next(),
    [Symbol.asyncDispose]: async () => void await generator.return(),
  };
}

async function describe(llama: Llama): Promise<string> {
  const features = [...llama.systemInfo.matchAll(/(\w+) = 1/g)].map(([, name]) => name);
  const version = await getModuleVersion();
  return `node-llama-cpp ${version}: llama.cpp ${llama.llamaCppRelease.release}, its prebuilt ` +
    `binary for this processor, with ${features.join(" ")}`;
}

await answer(measure);
