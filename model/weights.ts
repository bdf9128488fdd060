/**
 * A model's weights in memory: where each lies, and reading them there.
 *
 * @module
 */
import type { TensorInfo } from "../gguf/mod.ts";
import type { Matrix } from "../kernels/matrix.ts";
import type { MemoryPlan } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "../moe/expert_block.ts";
import { ExpertSlots } from "../moe/expert_slots.ts";
import {
  BLOCK_PARTS,
  type BlockPart,
  type ExpertClass,
  expertClasses,
  type ExpertStore,
  type ExpertTensors,
  haveAllSlots,
  type ReadParts,
} from "../moe/expert_store.ts";
import { haveRoom, type PackParts } from "../moe/expert_runs.ts";
import { MappedExperts } from "../moe/mapped_experts.ts";
import { PackingTime } from "../moe/packing_time.ts";
import type { HyperParameters } from "./hyperparameters.ts";
import { HEAD, ResidentWeights } from "./resident_weights.ts";
import type { ModelTensors, RoleTensors } from "./tensors.ts";
import type { WeightMapping } from "./weight_mapping.ts";

/** f32 values in the home window, such as a norm's weights or a bias. */
export type Vector = number;

/** What follows attention: a block for every token, a router with its experts, or both. */
export interface FeedForward {
  /** the feed-forward part of a dense layer, or the expert that all tokens share */
  readonly block: ExpertBlock | undefined;
  /** [1, hidden]: the logit of what the block's output is weighed by; undefined where it counts in full */
  readonly blockGate: Matrix | undefined;
  /** [experts, hidden] */
  readonly router: Matrix | undefined;
}

/** One layer's weights. Matrices are others once they are packed. */
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
  readonly resident: ResidentWeights;
}

/** The same, before it is handed out as something to read. */
type Changing<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

/** How weights come into memory. */
export interface WeightAccess {
  readonly read: ReadParts;
  readonly pack: PackParts;
  /** undefined where files can't be mapped */
  readonly mapping: WeightMapping | undefined;
}

/**
 * Assigns every weight a place. Vectors go to `home`, and so first; matrices and experts take what
 * room they leave there, and further windows.
 *
 * @param slots how many slots each class of experts gets; asked when all else has its place, which
 * takes no more memory than the plan says less the bytes that are mapped
 */
export function placeWeights(
  plan: MemoryPlan,
  home: number,
  tensors: ModelTensors,
  sizes: HyperParameters,
  slots: (classes: readonly ExpertClass[], mappedBytes: number) => readonly number[],
  access: WeightAccess,
): Weights {
  const time = new PackingTime();
  const resident = new ResidentWeights(plan, home, access.mapping, time);
  const { global, layers } = tensors;
  const outputNorm = resident.vector(global.output_norm!);
  const vectors = layers.map((layer) => placeVectors(resident, layer));
  const placed = placeEnds(resident, global);
  const weights = layers.map((layer, i) => placeLayer(resident, vectors[i]!, layer, i));
  const stacks = sizes.experts === 0 ? [] : layers.map((layer) => ({
    gate: layer.ffn_gate_exps!,
    up: layer.ffn_up_exps!,
    down: layer.ffn_down_exps!,
  }));
  const counts = slots(expertClasses(stacks), resident.mappedBytes);
  const experts = placeExperts(plan, stacks, counts, access, time);
  return Object.assign(placed, { outputNorm, layers: weights, experts, resident });
}

/** The embedding and the head, or one matrix that is both. */
function placeEnds(resident: ResidentWeights, { token_embd, output }: RoleTensors) {
  const ends = {} as Changing<Pick<Weights, "embedding" | "output">>;
  if (output) {
    resident.embedding(token_embd!, (matrix) => ends.embedding = matrix);
    resident.matrices(HEAD, [{ tensor: output, use: (matrix) => ends.output = matrix }]);
  } else {
    const use = (matrix: Matrix) => ends.embedding = ends.output = matrix;
    resident.matrices(HEAD, [{ tensor: token_embd!, use }]);
  }
  return ends;
}

function placeVectors(resident: ResidentWeights, layer: RoleTensors): LayerVectors {
  const optional = (tensor: TensorInfo | undefined) => tensor && resident.vector(tensor);
  return {
    attnNorm: resident.vector(layer.attn_norm!),
    qBias: optional(layer.attn_q_bias),
    kBias: optional(layer.attn_k_bias),
    vBias: optional(layer.attn_v_bias),
    outputBias: optional(layer.attn_output_bias),
    qNorm: optional(layer.attn_q_norm),
    kNorm: optional(layer.attn_k_norm),
    ffnNorm: resident.vector(layer.ffn_norm!),
  };
}

function placeLayer(
  resident: ResidentWeights,
  vectors: LayerVectors,
  tensors: RoleTensors,
  layer: number,
): LayerWeights {
  const own = { ...vectors } as Changing<LayerWeights>;
  const place = (tensor: TensorInfo | undefined, use: (matrix: Matrix) => void) =>
    resident.matrices(layer, [{ tensor: tensor!, use }]);
  place(tensors.attn_q, (matrix) => own.q = matrix);
  place(tensors.attn_k, (matrix) => own.k = matrix);
  place(tensors.attn_v, (matrix) => own.v = matrix);
  place(tensors.attn_output, (matrix) => own.output = matrix);
  own.feedForward = placeFeedForward(resident, tensors, layer);
  return own;
}

/** All of a feed-forward part but the experts that a router chooses among. */
function placeFeedForward(
  resident: ResidentWeights,
  tensors: RoleTensors,
  layer: number,
): FeedForward {
  const own: Changing<FeedForward> = { block: undefined, blockGate: undefined, router: undefined };
  const { ffn_gate_inp: router, ffn_gate_inp_shexp: gate } = tensors;
  if (router) resident.matrices(layer, [{ tensor: router, use: (to) => own.router = to }]);
  if (gate) resident.matrices(layer, [{ tensor: gate, use: (to) => own.blockGate = to }]);
  const suffix = tensors.ffn_gate ? "" : "_shexp";
  if (tensors[`ffn_gate${suffix}`]) {
    const block = {} as Changing<ExpertBlock>;
    const part = (name: BlockPart) => ({
      tensor: tensors[`ffn_${name}${suffix}`]!,
      use: (matrix: Matrix) => block[name] = matrix,
    });
    resident.matrices(layer, BLOCK_PARTS.map(part));
    own.block = block;
  }
  return own;
}

/** Experts are mapped where files can be. */
function placeExperts(
  plan: MemoryPlan,
  experts: readonly ExpertTensors[],
  slots: readonly number[],
  { mapping, read, pack }: WeightAccess,
  time: PackingTime,
): ExpertStore {
  if (mapping === undefined || !haveRoom(plan, experts, mapping.alignment)) {
    return new ExpertSlots(plan, experts, slots, read);
  }
  const classes = expertClasses(experts);
  const bytes = classes.reduce((sum, group, i) => sum + group.bytes * slots[i]!, 0);
  const limit = haveAllSlots(classes, slots) ? Infinity : bytes;
  return new MappedExperts(plan, experts, { mapping, read, pack, time, limit });
}
