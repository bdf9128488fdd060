import {
  type ByteSink,
  GgufError,
  type GgufFile,
  rowBytes,
  type TensorType,
  writeGguf,
} from "../gguf/mod.ts";
import { weightRowBytes, type WeightType } from "../kernels/formats.ts";
import { planQuantize, type QuantizeRequest, type TensorPlan } from "./plan.ts";
import { largestWeight, quantizeRow } from "./quantize_row.ts";
import { readWeights } from "./read_weights.ts";

/** What to make of a model, how to watch it, and how to stop it. */
export interface QuantizeOptions extends QuantizeRequest {
  /** Stops the work; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each chunk with the weights written so far, and how many there are. */
  readonly onProgress?: ((weights: number, total: number) => void) | undefined;
}

/** What became of a tensor. */
export interface QuantizedTensor {
  readonly name: string;
  /** Elements in each dimension, innermost first. */
  readonly shape: readonly number[];
  readonly from: TensorType;
  readonly type: TensorType;
  /** The type that the mix would have, where rows of this length can not be in it. */
  readonly insteadOf: WeightType | undefined;
  readonly weights: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Sum of the squares of the weights that were computed anew; 0 where the bytes were copied. */
  readonly square: number;
  /** Sum of the squared differences between these and what is stored for them. */
  readonly squaredError: number;
  /** How many were beyond the type's range, and became the nearest value within it. */
  readonly beyondRange: number;
}

/** Weights that are computed at a time: whole blocks of every type, 1 MiB of f32. */
const CHUNK = 2 ** 18;

/**
 * Writes a model in other types, a chunk of a tensor at a time. Metadata is taken over; a model in
 * shards becomes one file.
 *
 * @returns What became of each tensor, in the file's order.
 * @throws {GgufError} If the file can't be read, or holds a weight that is NaN or infinite.
 * @throws as {@linkcode planQuantize}
 */
export async function quantizeGguf(
  file: GgufFile,
  sink: ByteSink,
  options: QuantizeOptions,
): Promise<QuantizedTensor[]> {
  const { layout, tensors } = planQuantize(file, options);
  const total = layout.tensors.reduce((sum, { shape }) => sum + countOf(shape), 0);
  const results: QuantizedTensor[] = [];
  let done = 0;
  await writeGguf(sink, layout, async function* ({ name }) {
    const work = new TensorWork(file, tensors.get(name)!);
    for (let start = 0; start < work.weights; start += CHUNK) {
      options.signal?.throwIfAborted();
      const count = Math.min(CHUNK, work.weights - start);
      yield await work.chunk(start, count);
      done += count;
      options.onProgress?.(done, total);
    }
    results.push(work.result());
  });
  return results;
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** One tensor on its way. Its chunks lie in the same buffers, so each is gone when the next is made. */
class TensorWork {
  readonly weights: number;
  readonly #file: GgufFile;
  readonly #plan: TensorPlan;
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  #square = 0;
  #squaredError = 0;
  #beyondRange = 0;

  constructor(file: GgufFile, plan: TensorPlan) {
    const { tensor, type } = plan;
    this.weights = countOf(tensor.shape);
    this.#file = file;
    this.#plan = plan;
    const most = Math.min(CHUNK, this.weights);
    this.#input = new Uint8Array(rowBytes(tensor.type, most));
    this.#output = new Uint8Array(rowBytes(type, most));
  }

  /** The bytes of `count` weights from `start` on, in the new type. */
  async chunk(start: number, count: number): Promise<Uint8Array> {
    const { tensor, type, from } = this.#plan;
    const bytes = this.#input.subarray(0, rowBytes(tensor.type, count));
    await this.#file.readTensor(tensor, bytes, rowBytes(tensor.type, start));
    if (from === undefined) return bytes;
    const weights = readWeights(from, bytes, count);
    // What is computed anew gets a type that can be.
    const target = type as WeightType;
    this.#measure(weights, start, largestWeight(target));
    const output = this.#output.subarray(0, weightRowBytes(target, count));
    this.#squaredError += quantizeRow(target, weights, output);
    return output;
  }

  #measure(weights: Float32Array, start: number, largest: number): void {
    let [square, beyond] = [0, 0];
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      square += weight * weight;
      if (weight > largest || weight < -largest) beyond++;
    }
    // The square of every finite f32 is a finite f64.
    if (!Number.isFinite(square)) throw this.#notFinite(weights, start);
    this.#square += square;
    this.#beyondRange += beyond;
  }

  #notFinite(weights: Float32Array, start: number): GgufError {
    const { tensor } = this.#plan;
    const index = weights.findIndex((weight) => !Number.isFinite(weight));
    return new GgufError({
      file: this.#file.sources[tensor.source]!.name,
      offset: tensor.offset + rowBytes(tensor.type, start),
      found: `weight ${start + index} of tensor ${tensor.name} is ${weights[index]}`,
      expected: "finite weights",
      wayOut: "The model is broken: fetch or make it again",
    });
  }

  result(): QuantizedTensor {
    const { tensor, type, insteadOf } = this.#plan;
    return {
      name: tensor.name,
      shape: tensor.shape,
      from: tensor.type,
      type,
      insteadOf,
      weights: this.weights,
      bytesBefore: tensor.bytes,
      bytesAfter: rowBytes(type, this.weights),
      square: this.#square,
      squaredError: this.#squaredError,
      beyondRange: this.#beyondRange,
    };
  }
}
