/**
 * Loading a model.
 *
 * @module
 */
import { type ChatTemplate, createChatTemplate } from "../chat/mod.ts";
import { type GgufFile, metadataString, openGguf, type SourceLocation } from "../gguf/mod.ts";
import { KV_FORMATS, type KvFormat } from "../kernels/kv_formats.ts";
import {
  describeArchitecture,
  type HyperParameters,
  readHyperParameters,
} from "../model/hyperparameters.ts";
import { checkKvHeads } from "../model/kv_cache.ts";
import { RemoteRuntime } from "../model/remote.ts";
import { activeBytesPerToken, resolveTensors } from "../model/tensors.ts";
import { createTokenizer, type Tokenizer, TokenizerError } from "../tokenizer/mod.ts";
import { Model } from "./model.ts";

/** How far loading has come. */
export interface LoadProgress {
  /** Bytes of weights that are in memory. */
  readonly loadedBytes: number;
  /** Bytes of weights that have to be there before the first token; experts come later. */
  readonly totalBytes: number;
}

/** How a model is loaded. */
export interface LoadOptions {
  /** Threads that compute. By default one for each processor. */
  threads?: number;
  /** Positions of a session's KV cache, where the session does not say. */
  context?: number;
  /**
   * Bytes that the model may hold in memory: weights, KV caches of all sessions and working memory.
   * Experts that find no room are read again when they are needed. By default what the machine has
   * free, less a margin.
   */
  memory?: number;
  /**
   * What keys and values of past positions are kept in, "f16" by default. "q8_0" takes little more than
   * half the memory, 34 bytes for 32 values, and rounds them to 8 bits; heads are then a multiple of 32
   * elements.
   */
  kv?: KvFormat;
  /** Tokens that a forward pass takes at once; results do not depend on it. 512 by default. */
  batchSize?: number;
  /** Hears how far loading has come. What it throws ends the loading. */
  onProgress?: (progress: LoadProgress) => void;
  /** Ends the loading by its reason. Once the model is loaded it means nothing. */
  signal?: AbortSignal;
  /** Take this architecture instead of the one the file declares. */
  assumeArchitecture?: string;
  /**
   * Caps a WebAssembly memory's size, in bytes: the weights are then spread over more of them, as
   * they are for models above 4 GiB.
   */
  maxWindowBytes?: number;
}

const MAX_THREADS = 256;
const DEFAULT_BATCH = 512;
const MAX_BATCH = 4096;
const WASM32_BYTES = 2 ** 32;
/** Left free for the program itself, its JavaScript heap and other processes; at most a quarter. */
const MEMORY_MARGIN = 2 ** 30;
/** Room for a long conversation; positions that are never reached take no memory. */
const DEFAULT_CONTEXT = 32_768;

/**
 * Loads a model from a GGUF file: a path, a URL, a Blob, or a list of them (shards). Experts are
 * brought into memory when they are first used.
 *
 * @throws {GgufError} If the file can't be read, or is no sound GGUF file.
 * @throws {UnsupportedOperationError} If there is no forward pass for its architecture, or no KV cache of
 * that format for its heads.
 * @throws {ModelError} If a key or a tensor is missing, or has the wrong shape.
 * @throws {MemoryBudgetError} If the memory budget is too small for what has to stay in memory.
 * @throws the signal's reason, if that is aborted before the model is loaded
 */
export async function loadModel(
  from: SourceLocation | readonly SourceLocation[],
  options: LoadOptions = {},
): Promise<Model> {
  const threads = checkedThreads(options.threads);
  const batchSize = checked("batchSize", options.batchSize ?? DEFAULT_BATCH, MAX_BATCH);
  const maxWindowBytes = options.maxWindowBytes === undefined
    ? undefined
    : checked("maxWindowBytes", options.maxWindowBytes, WASM32_BYTES);
  const memory = options.memory === undefined
    ? await freeMemory()
    : checked("memory", options.memory, Number.MAX_SAFE_INTEGER);
  const kv = checkedKvFormat(options.kv ?? "f16");
  const { signal } = options;
  await using file = await openGguf(from, { signal });
  const parameters = readHyperParameters(file, options);
  const context = options.context === undefined
    ? undefined
    : checked("context", options.context, parameters.contextLength);
  checkKvHeads(kv, parameters);
  const usualContext = Math.min(parameters.contextLength, DEFAULT_CONTEXT);
  const batch = Math.min(batchSize, context ?? usualContext);
  const tensors = resolveTensors(file, parameters);
  const opening = RemoteRuntime.open(
    {
      sources: file.sources.map(({ descriptor }) => descriptor),
      sizes: parameters,
      description: describeArchitecture(file, options),
      tensors,
      threads,
      batch,
      kv,
      maxWindowBytes,
      budget: { bytes: memory, context, usualContext },
    },
    options.onProgress ?? (() => {}),
    signal,
  );
  // The conductor reads the weights meanwhile.
  const { tokenizer, chatTemplate } = textParts(file, parameters);
  const runtime = await opening;
  return new Model({
    name: file.name,
    metadata: file.metadata,
    parameters,
    runtime,
    threads,
    batch,
    context: runtime.context,
    activeBytesPerToken: activeBytesPerToken(tensors, parameters),
    tokenizer,
    chatTemplate,
  });
}

/**
 * Bytes that the machine has free, or that a container leaves the process, less a margin; Infinity
 * where nobody says, as in browsers.
 */
async function freeMemory(): Promise<number> {
  try {
    const { freemem } = await import("node:os");
    const { default: process } = await import("node:process");
    // 0 or a very large number where nothing limits the process.
    const limit = process.constrainedMemory() || Infinity;
    const free = Math.min(freemem(), Math.max(limit - process.memoryUsage().rss, 0));
    return free - Math.min(MEMORY_MARGIN, free / 4);
  } catch {
    return Infinity;
  }
}

function textParts(
  file: GgufFile,
  { vocabulary }: HyperParameters,
): { tokenizer: Tokenizer | Error; chatTemplate: ChatTemplate | Error | undefined } {
  return {
    tokenizer: orError(() => {
      const tokenizer = createTokenizer(file.metadata);
      if (tokenizer.vocabularySize <= vocabulary) return tokenizer;
      throw new TokenizerError(
        `${file.name}: the tokenizer knows ${tokenizer.vocabularySize} tokens, the model ${vocabulary}`,
        "tokenizer.ggml.tokens",
      );
    }),
    chatTemplate: orError(() => {
      const template = metadataString(file.metadata, "tokenizer.chat_template");
      return template === undefined ? undefined : createChatTemplate(template);
    }),
  };
}

/** A model without text still computes logits, so what text needs fails only when it is used. */
function orError<Part>(make: () => Part): Part | Error {
  try {
    return make();
  } catch (error) {
    return error as Error;
  }
}

function checkedThreads(threads: number | undefined): number {
  // A page that is not cross-origin isolated can't share memory between threads.
  if (typeof SharedArrayBuffer === "undefined") return 1;
  return checked("threads", threads ?? globalThis.navigator?.hardwareConcurrency ?? 4, MAX_THREADS);
}

function checkedKvFormat(format: KvFormat): KvFormat {
  if (Object.hasOwn(KV_FORMATS, format)) return format;
  throw new RangeError(`'kv' must be one of ${Object.keys(KV_FORMATS).join(", ")}: got ${format}`);
}

function checked(name: string, value: number, limit: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= limit) return value;
  throw new RangeError(`'${name}' must be a whole number from 1 to ${limit}: got ${value}`);
}
