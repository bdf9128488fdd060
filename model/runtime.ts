/**
 * A loaded model on the conductor thread: memory, helpers, sessions' caches, forward passes.
 *
 * @module
 */
import { Word } from "../kernels/board.ts";
import { weightRowBytes, type WeightType } from "../kernels/formats.ts";
import { compileKernels, detectBuild } from "../kernels/kernels.ts";
import { MemoryPlan, type Place } from "../kernels/memory_plan.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import { Stage } from "../kernels/stage.ts";
import { Team } from "../kernels/team.ts";
import type { Window } from "../kernels/thread.ts";
import { openPort } from "../kernels/worker.ts";
import { type ByteSource, openSource, type TensorInfo } from "../gguf/mod.ts";
import type { ReadTensorPart } from "../moe/expert_store.ts";
import { type ForwardContext, forwardLayers, outputLogits } from "./forward.ts";
import { createKvCache, type KvCache } from "./kv_cache.ts";
import type { ForwardAnswer, ForwardRequest, LoadNotice, OpenRequest } from "./protocol.ts";
import { type RopeOptions, writeRopeAngles } from "./rope_angles.ts";
import { loadResidents, placeWeights, type Weights } from "./weights.ts";
import { reserveWorkspace, stageBytes, usedFormats, type Workspace } from "./workspace.ts";

/** Windows of the model; sessions' windows come after. */
const FIRST_WINDOW = 0;

/** Bytes of address space that stay addressable by their id, for every window of the model. */
type Memories = Map<number, Uint8Array<SharedArrayBuffer>>;

export class Runtime {
  readonly #request: OpenRequest;
  readonly #team: Team;
  readonly #sources: readonly ByteSource[];
  readonly #memories: Memories;
  readonly #context: ForwardContext;
  readonly #rope: RopeOptions;
  readonly #caches = new Map<number, KvCache>();
  /** caches of closed sessions, kept for the next one of the same capacity */
  #spare: KvCache[] = [];
  #nextSession = 1;
  #nextWindow: number;

  private constructor(parts: {
    request: OpenRequest;
    team: Team;
    sources: readonly ByteSource[];
    memories: Memories;
    context: ForwardContext;
    rope: RopeOptions;
    nextWindow: number;
  }) {
    this.#request = parts.request;
    this.#team = parts.team;
    this.#sources = parts.sources;
    this.#memories = parts.memories;
    this.#context = parts.context;
    this.#rope = parts.rope;
    this.#nextWindow = parts.nextWindow;
  }

  /** Plans and makes the memories, makes a team of the helpers, and reads what stays in memory. */
  static async open(request: OpenRequest, notify: (notice: LoadNotice) => void): Promise<Runtime> {
    const sources: ByteSource[] = [];
    let team: Team | undefined;
    try {
      for (const descriptor of request.sources) sources.push(await openSource(descriptor));
      const helpers = await Promise.all(request.helpers.map(openPort));
      team = await Team.of(helpers, await compileKernels(await detectBuild()));
      return await Runtime.#load(request, sources, team, notify);
    } catch (error) {
      await team?.stop();
      for (const source of sources) await source.close();
      throw error;
    }
  }

  static async #load(
    request: OpenRequest,
    sources: readonly ByteSource[],
    team: Team,
    notify: (notice: LoadNotice) => void,
  ): Promise<Runtime> {
    const { sizes, tensors } = request;
    const memories: Memories = new Map();
    const viewOf = (place: Place, bytes: number) =>
      memories.get(place.window)!.subarray(place.address, place.address + bytes);
    const read: ReadTensorPart = (tensor, offset, bytes, place) =>
      sources[tensor.source]!.read(tensor.offset + offset, viewOf(place, bytes));

    const { windows, workspace, weights, stage } = planMemory(request, read);
    for (const { id, memory } of windows) {
      memories.set(id, new Uint8Array(memory.buffer as unknown as SharedArrayBuffer));
    }
    await team.changeWindows(windows);
    const readVector = async (tensor: TensorInfo) => {
      const bytes = new Uint8Array(tensor.bytes);
      await sources[tensor.source]!.read(tensor.offset, bytes);
      return dequantizeRow(tensor.type as WeightType, bytes, tensor.shape[0]!);
    };
    const totalBytes = weights.resident.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
    await loadResidents(
      weights.resident,
      read,
      viewOf,
      readVector,
      (loadedBytes) => notify({ loadedBytes, totalBytes }),
    );
    const { rope_freqs } = tensors.global;
    const frequencyFactors = rope_freqs && await readVector(rope_freqs);
    const rope: RopeOptions = { ...sizes, frequencyFactors };
    const home = memories.get(workspace.home)!.buffer;
    const context: ForwardContext = {
      sizes,
      description: request.description,
      weights,
      workspace,
      workbench: { team, stage },
      checkAborted: () => throwIfAborted(team),
      floats: (address, count) => new Float32Array(home, address, count),
      integers: (address, count) => new Int32Array(home, address, count),
    };
    const nextWindow = windows.length;
    return new Runtime({ request, team, sources, memories, context, rope, nextWindow });
  }

  /** The words on which the caller can ask for the running pass to stop. */
  get board(): SharedArrayBuffer {
    return this.#team.board.buffer;
  }

  /** Opens a session of `capacity` positions and returns its number. */
  async openSession(capacity: number): Promise<number> {
    const spare = this.#spare.findIndex((cache) => cache.capacity === capacity);
    const cache = spare >= 0 ? this.#spare.splice(spare, 1)[0]! : await this.#newCache(capacity);
    const session = this.#nextSession++;
    this.#caches.set(session, cache);
    return session;
  }

  async #newCache(capacity: number): Promise<KvCache> {
    const { sizes, threads, batch, maxWindowBytes } = this.#request;
    const firstWindow = this.#nextWindow;
    const cache = createKvCache(sizes, { capacity, batch, threads, firstWindow, maxWindowBytes });
    const spare = this.#spare.flatMap(({ windows }) => windows.map(({ id }) => id));
    this.#spare = [];
    await this.#team.changeWindows(cache.windows, spare);
    this.#nextWindow += cache.windows.length;
    return cache;
  }

  closeSession(session: number): void {
    const cache = this.#caches.get(session);
    if (cache) this.#spare.push(cache);
    this.#caches.delete(session);
  }

  /**
   * Appends tokens to a session's cache and computes the logits that are wanted.
   *
   * @throws {GgufError} If an expert can't be read. The cache is as it was before.
   */
  async forward({ session, position, tokens, outputs }: ForwardRequest): Promise<ForwardAnswer> {
    const cache = this.#caches.get(session);
    if (!cache) throw new Error(`there is no session ${session}`);
    const { workspace, sizes } = this.#context;
    const count = tokens.length;
    tokens.forEach((token, i) => this.#embed(token, i));
    const angles = this.#context.floats(workspace.angles, count * sizes.ropeDimensions);
    writeRopeAngles(angles, position, count, this.#rope);
    await forwardLayers(this.#context, { cache, position, tokens: count });
    if (outputs === "none") return { logits: new Float32Array(0), argMax: -1 };
    const first = outputs === "last" ? count - 1 : 0;
    return outputLogits(this.#context, first, count - first);
  }

  /** x[row] = the token's embedding in f32. */
  #embed(token: number, row: number): void {
    const { sizes: { hidden }, workspace, weights: { embedding } } = this.#context;
    const rowBytes = weightRowBytes(embedding.format.type, hidden);
    const address = embedding.address + token * rowBytes;
    const bytes = this.#memories.get(embedding.window)!.subarray(address, address + rowBytes);
    const values = dequantizeRow(embedding.format.type, bytes, hidden);
    this.#context.floats(workspace.x + row * hidden * 4, hidden).set(values);
  }

  /** Lets the helpers go and closes the files. */
  async close(): Promise<void> {
    await this.#team.stop();
    for (const source of this.#sources) await source.close();
  }
}

/** Assigns everything its place: workspace and vectors at home, a stage in every window, weights where they fit. */
function planMemory(
  { sizes, tensors, threads, batch, maxWindowBytes }: OpenRequest,
  read: ReadTensorPart,
): { windows: readonly Window[]; workspace: Workspace; weights: Weights; stage: Stage } {
  const formats = usedFormats(tensors);
  const stageSize = stageBytes(sizes, formats, batch);
  const stages = new Map<number, number>();
  const plan = new MemoryPlan({
    threads,
    firstId: FIRST_WINDOW,
    maxWindowBytes,
    onOpen: (window, plan) => stages.set(window, plan.reserve(window, stageSize).address),
  });
  const home = plan.open();
  const workspace = reserveWorkspace(plan, home, sizes, formats, batch);
  const weights = placeWeights(plan, home, tensors, sizes, read);
  return {
    windows: plan.createWindows(),
    workspace,
    weights,
    stage: new Stage(stages, stageSize),
  };
}

function throwIfAborted(team: Team): void {
  if (Atomics.load(team.board.words, Word.abort) === 0) return;
  throw Object.assign(new Error("The forward pass was stopped."), { name: "AbortError" });
}
