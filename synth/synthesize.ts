import {
  type ByteSink,
  type GgufLayout,
  layoutGguf,
  TENSOR_TYPES,
  type TensorInfo,
  writeGguf,
} from "../gguf/mod.ts";
import { randomBlocks } from "./blocks.ts";
import { describeModel } from "./metadata.ts";
import { resolveSynthOptions, SynthOptionError, type SynthOptions } from "./options.ts";
import { type PlannedTensor, planTensors } from "./plan.ts";
import { randomWordsOf } from "./random.ts";
import { countTokens, makeVocabulary, vocabularyEntries } from "./vocabulary.ts";

/** How {@linkcode synthesize} reports, and how to stop it. */
export interface SynthesizeOptions {
  /** Stops the work; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each chunk with the bytes of data written so far, headers excluded. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Largest number of bytes made at a time. */
const CHUNK_BYTES = 2 ** 20;

/**
 * The header and the places of the tensors of a random model, without its weights. Written to a
 * file that is then extended to `size`, the header alone makes a valid model of zeros that takes no
 * room.
 *
 * @throws {SynthOptionError} If the sizes don't fit together.
 */
export function layoutSynth(options: SynthOptions): GgufLayout {
  return plan(options).layout;
}

/**
 * Writes a random model: valid weights of the shape, the types and the seed asked for, a megabyte
 * at a time. The same options give the same bytes everywhere.
 *
 * @returns What was written.
 * @throws {SynthOptionError} If the sizes don't fit together.
 */
export async function synthesize(
  options: SynthOptions,
  sink: ByteSink,
  { signal, onProgress }: SynthesizeOptions = {},
): Promise<GgufLayout> {
  const { layout, tensors, seed } = plan(options);
  let written = 0;
  await writeGguf(sink, layout, function* (tensor: TensorInfo) {
    for (const chunk of randomData(tensor, tensors.get(tensor.name)!, seed)) {
      signal?.throwIfAborted();
      yield chunk;
      written += chunk.length;
      onProgress?.(written);
    }
  });
  return layout;
}

/** A random model in memory, for {@linkcode openGguf} and for tests. */
export async function synthesizeBlob(options: SynthOptions): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  await synthesize(options, {
    write(chunk) {
      chunks.push(chunk.slice());
      return Promise.resolve();
    },
  });
  return new Blob(chunks);
}

interface Plan {
  readonly layout: GgufLayout;
  readonly tensors: ReadonlyMap<string, PlannedTensor>;
  readonly seed: number;
}

function plan(options: SynthOptions): Plan {
  const resolved = resolveSynthOptions(options);
  const vocabulary = typeof resolved.vocabulary === "number"
    ? makeVocabulary(resolved.vocabulary)
    : vocabularyEntries(resolved.vocabulary);
  const tokens = countTokens(vocabulary);
  if (!tokens) {
    throw new SynthOptionError("vocabulary", "has no list of strings 'tokenizer.ggml.tokens'");
  }
  const sizes = { ...resolved, tokens };
  const tensors = planTensors(sizes);
  return {
    layout: layoutGguf({ metadata: describeModel(sizes, vocabulary), tensors }),
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    seed: resolved.seed,
  };
}

/** A tensor's data. Each chunk lies in the same buffer, so it is gone when the next is made. */
function* randomData(
  { type, bytes }: TensorInfo,
  planned: PlannedTensor,
  seed: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const { blockBytes } = TENSOR_TYPES[type];
  const write = randomBlocks(planned.type, planned, randomWordsOf(seed, planned.name));
  // An even number of blocks ends on a word, for blocks are whole 16-bit units.
  const most = 2 * Math.floor(CHUNK_BYTES / blockBytes / 2);
  const blocks = bytes / blockBytes;
  const buffer = new ArrayBuffer(Math.ceil(Math.min(most, blocks) * blockBytes / 4) * 4);
  for (let done = 0; done < blocks; done += most) {
    const count = Math.min(most, blocks - done);
    write(buffer, count);
    yield new Uint8Array(buffer, 0, count * blockBytes);
  }
}
