/**
 * The engine's dispatch of tokens to experts, over memories of its own, as model/forward.ts calls it.
 *
 * @module
 */
import { type Activations, convertJobs, formAddress } from "../../kernels/activations.ts";
import { compileKernels, detectBuild } from "../../kernels/kernels.ts";
import { MemoryPlan, type Place } from "../../kernels/memory_plan.ts";
import type { Workbench } from "../../kernels/multiply.ts";
import { Stage } from "../../kernels/stage.ts";
import { Team } from "../../kernels/team.ts";
import { dispatchExperts } from "../../moe/dispatch.ts";
import { type ExpertBlock, runBlocks } from "../../moe/expert_block.ts";
import type { PackParts } from "../../moe/expert_runs.ts";
import { ExpertSlots } from "../../moe/expert_slots.ts";
import {
  type ExpertStore,
  type ExpertTensors,
  type MatrixPart,
  placeBlock,
  type ReadParts,
} from "../../moe/expert_store.ts";
import { MappedExperts } from "../../moe/mapped_experts.ts";
import { PackingTime } from "../../moe/packing_time.ts";
import type { ByteSource } from "../../gguf/mod.ts";
import type { HyperParameters } from "../../model/hyperparameters.ts";
import type { ModelTensors } from "../../model/tensors.ts";
import { Inbox, WeightReader } from "../../model/weight_reader.ts";
import {
  reserveWorkspace,
  stageBytes,
  usedFormats,
  type Workspace,
} from "../../model/workspace.ts";
import { StandInMapping } from "./stand_in_mapping.ts";
import type { ExpertBatch } from "./expert_batches.ts";
import { expertBytes, type ExpertStacks, matrixShape, type Part, PARTS } from "./expert_stacks.ts";

/** The kernels, compiled once for all batches. */
let compiled: Promise<WebAssembly.Module> | undefined;

/** A layer's experts in memory, and the buffers of a batch. */
interface Layer {
  readonly workspace: Workspace;
  readonly workbench: Workbench;
  readonly store: ExpertStore;
  /** the first expert as a feed-forward of its own, not read yet */
  readonly block: ExpertBlock;
  readonly tensors: ExpertTensors;
  readonly read: ReadParts;
  readonly floats: (address: number, count: number) => Float32Array;
  readonly integers: (address: number, count: number) => Int32Array;
}

/** Where experts are computed: read into slots, mapped, packed from there, or read after all. */
export type ExpertWhereabouts = "read" | "mapped" | "packed" | "given back";

/** residual + the weighted sum of the chosen experts, as [tokens, hidden]. */
export async function dispatchBatch(
  stacks: ExpertStacks,
  batch: ExpertBatch,
  where: ExpertWhereabouts = "read",
): Promise<Float32Array> {
  const tokens = batch.x.length / stacks.hidden;
  const mapping = where === "read" ? undefined : new StandInMapping(stacks);
  const layer = await openLayer(stacks, tokens, batch.k, mapping);
  if (where === "packed") {
    for (let times = 0; times < OFTEN; times++) await runBatch(layer, stacks, batch);
  } else if (where === "given back") {
    await runBatch(layer, stacks, batch);
    mapping!.giveBack();
  }
  return await runBatch(layer, stacks, batch);
}

/** So often is more than enough for experts to be packed. */
const OFTEN = 4;

async function runBatch(
  layer: Layer,
  { hidden, experts }: ExpertStacks,
  { residual, x, ids, weights, k }: ExpertBatch,
): Promise<Float32Array> {
  const tokens = x.length / hidden;
  const { workspace: space, workbench } = layer;
  layer.floats(space.x, tokens * hidden).set(residual);
  layer.integers(space.chosen, tokens * k).set(ids);
  layer.floats(space.chosenWeights, tokens * k).set(weights);
  putNormed(layer, x, tokens);
  await dispatchExperts(workbench, layer.store, {
    layer: 0,
    input: space.normed,
    output: space.expertOutputs,
    ids: layer.integers(space.chosen, tokens * k),
    experts,
    k,
    index: {
      tokens: layer.integers(space.rowTokens, space.waveRows),
      tokensAddress: space.rowTokens,
      pairs: layer.integers(space.rowPairs, space.waveRows),
      pairsAddress: space.rowPairs,
    },
    waveRows: space.waveRows,
  });
  workbench.team.run([{
    operation: "combineExperts",
    window: space.home,
    units: tokens,
    cost: 1,
    args: [space.x, space.expertOutputs, space.chosenWeights, k, hidden],
  }]);
  return layer.floats(space.x, tokens * hidden).slice();
}

/** The first expert's feed-forward of every token, as a dense layer computes it: [tokens, hidden]. */
export async function denseBatch(stacks: ExpertStacks, x: Float32Array): Promise<Float32Array> {
  const tokens = x.length / stacks.hidden;
  const layer = await openLayer(stacks, tokens, 1);
  const { workspace: space, block, tensors } = layer;
  await layer.read(PARTS.map((part): MatrixPart => ({
    tensor: tensors[part],
    offset: 0,
    matrix: block[part],
  })));
  putNormed(layer, x, tokens);
  const rows = { input: space.normed, output: space.projected };
  const where = { kind: "span", from: 0, to: 0 } as const;
  runBlocks(layer.workbench, [{ block, rows: tokens, where }], rows);
  return layer.floats(space.projected, x.length).slice();
}

/** The input, and the forms of it that the experts multiply. */
function putNormed({ workspace, workbench, floats }: Layer, x: Float32Array, tokens: number): void {
  const normed: Activations = workspace.normed;
  floats(formAddress(normed, "f32"), x.length).set(x);
  const jobs = convertJobs(normed, normed.forms.keys(), tokens);
  if (jobs.length > 0) workbench.team.run(jobs);
}

/** Plans and makes memories as for a model of one layer that has nothing but experts. */
async function openLayer(
  stacks: ExpertStacks,
  tokens: number,
  k: number,
  mapping?: StandInMapping,
): Promise<Layer> {
  const tensors = tensorsOf(stacks);
  const sizes = sizesOf(stacks, k);
  const modelTensors: ModelTensors = {
    global: {},
    layers: [{
      ffn_gate_exps: tensors.gate,
      ffn_up_exps: tensors.up,
      ffn_down_exps: tensors.down,
    }],
  };
  const formats = usedFormats(modelTensors);
  const inbox = new Inbox(modelTensors);
  const stageSize = stageBytes(sizes, formats, tokens);
  const stages = new Map<number, number>();
  const plan = new MemoryPlan({
    threads: 1,
    firstId: 0,
    onOpen(window, plan) {
      stages.set(window, plan.reserve(window, stageSize).address);
      inbox.reserve(window, plan);
    },
  });
  const workspace = reserveWorkspace(plan, plan.open(), sizes, formats, tokens);
  const memories = new Map<number, ArrayBufferLike>();
  const bytes = ({ window, address }: Place, count: number) =>
    new Uint8Array(memories.get(window)!, address, count);
  const team = await Team.of([], await (compiled ??= detectBuild().then(compileKernels)));
  const reader = new WeightReader(sourcesOf(stacks), inbox, team, bytes);
  const read: ReadParts = (parts) => reader.matrices(parts);
  // As in models above 4 GiB: the experts lie in another window than the activations.
  plan.open();
  const pack: PackParts = (parts) => reader.pack(parts);
  const store = mapping
    ? new MappedExperts(plan, [tensors], { mapping, read, pack, time: ENDLESS, limit: Infinity })
    : new ExpertSlots(plan, [tensors], [stacks.experts], read);
  const block = placeBlock(plan, tensors);
  const windows = plan.createWindows();
  for (const { id, memory } of windows) memories.set(id, memory.buffer);
  await team.changeWindows(windows);
  await mapping?.map(bytes);
  const home = memories.get(workspace.home)!;
  return {
    workspace,
    workbench: { team, stage: new Stage(stages, stageSize) },
    store,
    block,
    tensors,
    read,
    floats: (address, count) => new Float32Array(home, address, count),
    integers: (address, count) => new Int32Array(home, address, count),
  };
}

/** Packing may take all the time there is. */
const ENDLESS = new (class extends PackingTime {
  override get isLeft(): boolean {
    return true;
  }
})();

/** Each stack as a file of its own. */
function sourcesOf(stacks: ExpertStacks): ByteSource[] {
  return PARTS.map((part): ByteSource => ({
    name: part,
    size: stacks.experts * expertBytes(stacks, part),
    descriptor: { kind: "file", path: part },
    read: async (offset, into) => into.set(await stacks.read(part, offset, into.length)),
    close: () => Promise.resolve(),
  }));
}

/** The stacks as tensors, each of its own file. */
function tensorsOf(stacks: ExpertStacks): ExpertTensors {
  const tensor = (part: Part) => ({
    name: part,
    type: stacks.types[part],
    shape: [...matrixShape(stacks, part), stacks.experts],
    bytes: stacks.experts * expertBytes(stacks, part),
    offset: 0,
    source: PARTS.indexOf(part),
  });
  return { gate: tensor("gate"), up: tensor("up"), down: tensor("down") };
}

/** Only hidden, experts, expertsUsed and expertFeedForward bear on experts. */
function sizesOf({ hidden, width, experts }: ExpertStacks, k: number): HyperParameters {
  return {
    declaredArchitecture: "qwen3moe",
    namedArchitecture: "qwen3moe",
    architecture: "qwen3_moe",
    layers: 1,
    hidden,
    heads: 1,
    kvHeads: 1,
    headSize: 2,
    feedForward: 0,
    experts,
    expertsUsed: k,
    expertFeedForward: width,
    sharedFeedForward: 0,
    normalizeExpertWeights: true,
    vocabulary: 1,
    contextLength: 1,
    rmsEpsilon: 1e-6,
    ropeBase: 1e6,
    ropeDimensions: 2,
    ropeScale: 1,
  };
}
