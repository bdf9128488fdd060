/**
 * A model's weights in memory: where each lies, and reading them there.
 *
 * @module
 */
import type { Role } from "../contracts/mod.ts";
import type { TensorInfo } from "../gguf/mod.ts";
import type { WeightType } from "../kernels/formats.ts";
import { type Matrix, matrixAt, matrixBytes } from "../kernels/matrix.ts";
import type { MemoryPlan, Place } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "../moe/expert_block.ts";
import { ExpertSlots } from "../moe/expert_slots.ts";
import {
  type ExpertClass,
  expertClasses,
  type ExpertStore,
  type MatrixPart,
  placeBlock,
  type ReadParts,
} from "../moe/expert_store.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import type { ModelTensors, RoleTensors } from "./tensors.ts";
import type { WeightReader } from "./weight_reader.ts";

/** f32 values in the home window, such as a norm's weights or a bias. */
export type Vector = number;

/** What follows attention: one block for every token, or a router and its experts. */
export type FeedForward =
  | { readonly kind: "dense"; readonly block: ExpertBlock }
  | { readonly kind: "experts"; readonly router: Matrix };

/** One layer's weights. */
export type LayerWeights = LayerVectors & LayerMatrices;

/** One layer's norms and biases; what the architecture has not is undefined. */
interface LayerVectors {
  readonly attnNorm: Vector;
  readonly qBias: Vector | undefined;
  readonly kBias: Vector | undefined;
  readonly vBias: Vector | undefined;
  readonly outputBias: Vector | undefined;
  /** per-head RMSNorm of queries and keys */
  readonly qNorm: Vector | undefined;
  readonly kNorm: Vector | undefined;
  readonly ffnNorm: Vector;
}

interface LayerMatrices {
  readonly q: Matrix;
  readonly k: Matrix;
  readonly v: Matrix;
  readonly output: Matrix;
  readonly feedForward: FeedForward;
}

export interface Weights {
  readonly embedding: Matrix;
  readonly outputNorm: Vector;
  /** [vocabulary, hidden]; the embedding itself where the head is tied */
  readonly output: Matrix;
  readonly layers: readonly LayerWeights[];
  readonly experts: ExpertStore;
  readonly resident: Residents;
}

/** What has to be read before the first token, and stays. */
export interface Residents {
  /** norms and biases, which become f32 whatever the file has */
  readonly vectors: readonly { readonly tensor: TensorInfo; readonly place: Place }[];
  readonly matrices: readonly MatrixPart[];
}

/**
 * Assigns every weight a place. Vectors go to `home`, and so first; matrices and experts take what
 * room they leave there, and further windows.
 *
 * @param slots how many slots each class of experts gets; asked when all else has its place
 */
export function placeWeights(
  plan: MemoryPlan,
  home: number,
  tensors: ModelTensors,
  sizes: HyperParameters,
  slots: (classes: readonly ExpertClass[]) => readonly number[],
  read: ReadParts,
): Weights {
  const placer = new Placer(plan, home);
  const outputNorm = placer.vector(tensors.global, "output_norm");
  const vectors = tensors.layers.map((layer) => placer.vectors(layer));
  const embedding = placer.matrix(tensors.global, "token_embd");
  const output = tensors.global.output ? placer.matrix(tensors.global, "output") : embedding;
  const layers = tensors.layers.map((layer, i) => ({
    ...vectors[i]!,
    ...placer.matrices(layer, sizes.experts > 0),
  }));
  const experts = sizes.experts === 0 ? [] : tensors.layers.map((layer) => ({
    gate: layer.ffn_gate_exps!,
    up: layer.ffn_up_exps!,
    down: layer.ffn_down_exps!,
  }));
  const store = new ExpertSlots(plan, experts, slots(expertClasses(experts)), read);
  return { embedding, outputNorm, output, layers, experts: store, resident: placer.resident };
}

class Placer {
  readonly resident = {
    vectors: [] as { tensor: TensorInfo; place: Place }[],
    matrices: [] as MatrixPart[],
  };

  constructor(readonly plan: MemoryPlan, readonly home: number) {}

  vectors(layer: RoleTensors): LayerVectors {
    return {
      attnNorm: this.vector(layer, "attn_norm"),
      qBias: this.optionalVector(layer, "attn_q_bias"),
      kBias: this.optionalVector(layer, "attn_k_bias"),
      vBias: this.optionalVector(layer, "attn_v_bias"),
      outputBias: this.optionalVector(layer, "attn_output_bias"),
      qNorm: this.optionalVector(layer, "attn_q_norm"),
      kNorm: this.optionalVector(layer, "attn_k_norm"),
      ffnNorm: this.vector(layer, "ffn_norm"),
    };
  }

  matrices(layer: RoleTensors, withExperts: boolean): LayerMatrices {
    return {
      q: this.matrix(layer, "attn_q"),
      k: this.matrix(layer, "attn_k"),
      v: this.matrix(layer, "attn_v"),
      output: this.matrix(layer, "attn_output"),
      feedForward: withExperts
        ? { kind: "experts", router: this.matrix(layer, "ffn_gate_inp") }
        : { kind: "dense", block: this.#block(layer) },
    };
  }

  matrix(tensors: RoleTensors, role: Role): Matrix {
    const tensor = tensors[role]!;
    const [columns = 1, rows = 1] = tensor.shape;
    const type = tensor.type as WeightType;
    const place = this.plan.place(matrixBytes(type, rows, columns));
    const matrix = matrixAt(place, type, rows, columns);
    this.resident.matrices.push({ tensor, offset: 0, matrix });
    return matrix;
  }

  vector(tensors: RoleTensors, role: Role): Vector {
    const tensor = tensors[role]!;
    const place = this.plan.reserve(this.home, tensor.shape[0]! * 4);
    this.resident.vectors.push({ tensor, place });
    return place.address;
  }

  optionalVector(tensors: RoleTensors, role: Role): Vector | undefined {
    return tensors[role] ? this.vector(tensors, role) : undefined;
  }

  #block(layer: RoleTensors): ExpertBlock {
    const tensors = { gate: layer.ffn_gate!, up: layer.ffn_up!, down: layer.ffn_down! };
    const block = placeBlock(this.plan, tensors);
    for (const part of ["gate", "up", "down"] as const) {
      this.resident.matrices.push({ tensor: tensors[part], offset: 0, matrix: block[part] });
    }
    return block;
  }
}

/** Reads the tensors that stay in memory; `onBytes` hears the bytes of the file read so far. */
export async function loadResidents(
  { vectors, matrices }: Residents,
  reader: WeightReader,
  onBytes: (loaded: number) => void,
): Promise<void> {
  let loaded = 0;
  for (const { tensor, place } of vectors) {
    const values = await reader.vector(tensor);
    reader.viewOf(place, values.byteLength).set(new Uint8Array(values.buffer));
    loaded += tensor.bytes;
  }
  onBytes(loaded);
  await reader.matrices(matrices, (bytes) => onBytes(loaded + bytes));
}

/** The bytes of the file that {@linkcode loadResidents} reads. */
export function residentBytes({ vectors, matrices }: Residents): number {
  return [...vectors, ...matrices].reduce((sum, { tensor }) => sum + tensor.bytes, 0);
}
