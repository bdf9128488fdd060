/**
 * A loaded model on the conductor thread: memory, helpers, sessions' caches, forward passes.
 *
 * @module
 */
import { type Job, Word } from "../kernels/board.ts";
import { SCRATCH_BYTES } from "../kernels/constants.ts";
import { PACKED_ROWS, weightRowBytes } from "../kernels/formats.ts";
import { compileKernels, detectBuild } from "../kernels/kernels.ts";
import { groupBytes } from "../kernels/matrix.ts";
import { MemoryPlan, type Place } from "../kernels/memory_plan.ts";
import { dequantizeRow } from "../kernels/oracles/dequantize.ts";
import { Stage } from "../kernels/stage.ts";
import { Team } from "../kernels/team.ts";
import type { Window } from "../kernels/thread.ts";
import { unpackRow } from "../kernels/unpack_row.ts";
import { openPort } from "../kernels/worker.ts";
import { type ByteSource, openSource } from "../gguf/mod.ts";
import { haveAllSlots } from "../moe/expert_store.ts";
import { createRoutingRecord, type RoutingRecord } from "../moe/routing.ts";
import { type ForwardContext, forwardLayers, outputLogits } from "./forward.ts";
import { MemoryBudgetError } from "./errors.ts";
import { createKvCache, type KvCache, kvStageBytes } from "./kv_cache.ts";
import { kvPositionBytes, spend, type Spending, wholeBlocks } from "./memory_budget.ts";
import type { ForwardAnswer, ForwardRequest, LoadNotice, OpenRequest } from "./protocol.ts";
import { type RopeOptions, writeRopeAngles } from "./rope_angles.ts";
import { Inbox, WeightReader } from "./weight_reader.ts";
import { WeightMapping } from "./weight_mapping.ts";
import { HEAD } from "./resident_weights.ts";
import { placeWeights, type WeightAccess, type Weights } from "./weights.ts";
import { reserveWorkspace, stageBytes, usedFormats, type Workspace } from "./workspace.ts";

/** Windows of the model; sessions' windows come after. */
const FIRST_WINDOW = 0;

const PAGE_BYTES = 65536;
/** Memory that is read to measure it: beyond every processor's cache. */
const STREAM_BYTES = 2 ** 28;
/** The first passes run code that is not optimized yet. */
const STREAM_PASSES = 6;

/** Bytes of address space that stay addressable by their id, for every window of the model. */
type Memories = Map<number, Uint8Array<SharedArrayBuffer>>;

/** What files are read for: its signal ends the reading. */
interface Reading {
  signal: AbortSignal;
}

export class Runtime {
  readonly #request: OpenRequest;
  readonly #team: Team;
  readonly #sources: readonly ByteSource[];
  readonly #reading: Reading;
  readonly #mapping: WeightMapping | undefined;
  readonly #memories: Memories;
  readonly #context: ForwardContext;
  readonly #rope: RopeOptions;
  readonly #spending: Spending;
  readonly #caches = new Map<number, KvCache>();
  /** caches of closed sessions, kept for the next one of the same capacity */
  #spare: KvCache[] = [];
  #nextSession = 1;
  #nextWindow: number;

  private constructor(parts: {
    request: OpenRequest;
    team: Team;
    sources: readonly ByteSource[];
    reading: Reading;
    mapping: WeightMapping | undefined;
    memories: Memories;
    context: ForwardContext;
    rope: RopeOptions;
    nextWindow: number;
    spending: Spending;
  }) {
    this.#request = parts.request;
    this.#team = parts.team;
    this.#sources = parts.sources;
    this.#reading = parts.reading;
    this.#mapping = parts.mapping;
    this.#memories = parts.memories;
    this.#context = parts.context;
    this.#rope = parts.rope;
    this.#nextWindow = parts.nextWindow;
    this.#spending = parts.spending;
  }

  /**
   * Plans and makes the memories, makes a team of the helpers, and reads what stays in memory.
   *
   * @param signal ends it while files are read
   */
  static async open(
    request: OpenRequest,
    notify: (notice: LoadNotice) => void,
    signal: AbortSignal,
  ): Promise<Runtime> {
    const reading: Reading = { signal };
    const sources: ByteSource[] = [];
    let team: Team | undefined;
    let mapping: WeightMapping | undefined;
    try {
      for (const descriptor of request.sources) {
        sources.push(await openSource(descriptor, () => reading.signal));
      }
      const helpers = await Promise.all(request.helpers.map(openPort));
      team = await Team.of(helpers, await compileKernels(await detectBuild()));
      mapping = WeightMapping.open(sources);
      return await Runtime.#load(request, sources, reading, mapping, team, notify);
    } catch (error) {
      await team?.stop();
      mapping?.close();
      for (const source of sources) await source.close();
      throw error;
    }
  }

  static async #load(
    request: OpenRequest,
    sources: readonly ByteSource[],
    reading: Reading,
    mapping: WeightMapping | undefined,
    team: Team,
    notify: (notice: LoadNotice) => void,
  ): Promise<Runtime> {
    const { sizes, tensors } = request;
    const memories: Memories = new Map();
    const viewOf = (place: Place, bytes: number) =>
      memories.get(place.window)!.subarray(place.address, place.address + bytes);
    // Experts are not read before the reader is there, which is when the windows are.
    const { windows, workspace, weights, stage, inbox, spending } = planMemory(request, {
      read: (parts) => reader.matrices(parts),
      pack: (matrices) => reader.pack(matrices),
      mapping,
    });
    const reader = new WeightReader(sources, inbox, team, viewOf);
    await team.changeWindows(windows);
    for (const { id, memory } of windows) {
      memories.set(id, new Uint8Array(memory.buffer as unknown as SharedArrayBuffer));
    }
    mapping?.map(memories);
    const { resident } = weights;
    const totalBytes = resident.bytes;
    await resident.load(reader, (loadedBytes) => notify({ loadedBytes, totalBytes }));
    const { rope_freqs } = tensors.global;
    const frequencyFactors = rope_freqs && await reader.vector(rope_freqs);
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
    return new Runtime({
      request,
      team,
      sources,
      reading,
      mapping,
      memories,
      context,
      rope,
      nextWindow,
      spending,
    });
  }

  /** The words on which the caller can ask for the running pass to stop. */
  get board(): SharedArrayBuffer {
    return this.#team.board.buffer;
  }

  /** Positions of a session, where the session does not say. */
  get context(): number {
    return this.#spending.context;
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
    const { sizes, threads, batch, kv, maxWindowBytes } = this.#request;
    const firstWindow = this.#nextWindow;
    const options = { capacity, format: kv, batch, threads, firstWindow, maxWindowBytes };
    const cache = createKvCache(sizes, options);
    await this.#team.changeWindows(cache.windows, this.#dropSpare());
    this.#nextWindow += cache.windows.length;
    return cache;
  }

  /** Forgets the closed sessions' caches and returns their windows. */
  #dropSpare(): number[] {
    const windows = this.#spare.flatMap(({ windows }) => windows.map(({ id }) => id));
    this.#spare = [];
    return windows;
  }

  /** @throws {MemoryBudgetError} If the caches together would hold more than the budget has for them. */
  async #fill(cache: KvCache, positions: number): Promise<void> {
    const more = Math.max(0, wholeBlocks(positions) - cache.reached);
    const positionBytes = kvPositionBytes(this.#request.kv, this.#request.sizes);
    const filled = (caches: Iterable<KvCache>) =>
      Array.from(caches).reduce((sum, { reached }) => sum + reached, 0);
    const open = (filled(this.#caches.values()) + more) * positionBytes;
    const { kvBytes } = this.#spending;
    if (open > kvBytes) {
      const { bytes } = this.#request.budget;
      throw new MemoryBudgetError(bytes, bytes - kvBytes + open);
    }
    if (open + filled(this.#spare) * positionBytes > kvBytes) {
      await this.#team.changeWindows([], this.#dropSpare());
    }
    cache.reached += more;
  }

  closeSession(session: number): void {
    const cache = this.#caches.get(session);
    if (cache) this.#spare.push(cache);
    this.#caches.delete(session);
  }

  /**
   * Appends tokens to a session's cache and computes the logits that are wanted.
   *
   * @param signal ends it while files are read
   * @throws {GgufError} If an expert can't be read. The cache is as it was before.
   * @throws {MemoryBudgetError} If the cache has grown beyond what the budget has for it.
   */
  async forward(
    { session, position, tokens, outputs, into, routing: wanted }: ForwardRequest,
    signal: AbortSignal,
  ): Promise<ForwardAnswer> {
    this.#reading.signal = signal;
    const cache = this.#caches.get(session);
    if (!cache) throw new Error(`there is no session ${session}`);
    const { workspace, sizes } = this.#context;
    const count = tokens.length;
    const { experts: store, resident } = this.#context.weights;
    await this.#fill(cache, position + count);
    await resident.rowsReady(tokens);
    tokens.forEach((token, i) => this.#embed(token, i));
    const angles = this.#context.floats(workspace.angles, count * sizes.ropeDimensions);
    writeRopeAngles(angles, position, count, this.#rope);
    const routing = wanted ? this.#routingRecord(count) : undefined;
    await forwardLayers(this.#context, { cache, position, tokens: count, routing });
    const report = () => ({ routing, experts: store.use });
    if (outputs === "none") return { logits: new Float32Array(0), argMax: -1, ...report() };
    const [first, room] = outputs === "last" ? [count - 1, into] : [0, undefined];
    await resident.ready(HEAD, count - first);
    return { ...outputLogits(this.#context, first, count - first, room), ...report() };
  }

  #routingRecord(tokens: number): RoutingRecord {
    const { layers, expertsUsed: k, sharedFeedForward } = this.#context.sizes;
    return createRoutingRecord({ layers, tokens, k, shared: sharedFeedForward > 0 });
  }

  /** x[row] = the token's embedding in f32. */
  #embed(token: number, row: number): void {
    const { sizes: { hidden }, workspace, weights: { embedding } } = this.#context;
    const { format: { type }, packed, window, address } = embedding;
    const memory = this.#memories.get(window)!;
    const bytes = packed ? groupBytes(packed, type, hidden) : weightRowBytes(type, hidden);
    const unit = packed ? Math.floor(token / PACKED_ROWS) : token;
    const unitBytes = memory.subarray(address + unit * bytes, address + (unit + 1) * bytes);
    const rowBytes = packed ? unpackRow(type, unitBytes, token % PACKED_ROWS) : unitBytes;
    const values = dequantizeRow(type, rowBytes, hidden);
    this.#context.floats(workspace.x + row * hidden * 4, hidden).set(values);
  }

  /** Bytes per second that the threads read from memory together, with nothing else to do. */
  async measureStream(): Promise<number> {
    const pages = STREAM_BYTES / PAGE_BYTES;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    new Uint8Array(memory.buffer).fill(1);
    const window = { id: this.#nextWindow++, memory, scratch: 0, pages, hugePages: false };
    await this.#team.changeWindows([window]);
    const job: Job = {
      operation: "readStream",
      window: window.id,
      units: pages - 1,
      cost: PAGE_BYTES,
      // Each thread leaves its sum in the first page, and reads those after it.
      args: [PAGE_BYTES, 0],
    };
    let best = Infinity;
    for (let pass = 0; pass < STREAM_PASSES; pass++) {
      const start = performance.now();
      this.#team.run([job]);
      best = Math.min(best, performance.now() - start);
    }
    await this.#team.changeWindows([], [window.id]);
    return (pages - 1) * PAGE_BYTES / best * 1000;
  }

  /** Lets the helpers go and closes the files. */
  async close(): Promise<void> {
    await this.#team.stop();
    this.#mapping?.close();
    for (const source of this.#sources) await source.close();
  }
}

interface Planned {
  readonly windows: readonly Window[];
  readonly workspace: Workspace;
  readonly weights: Weights;
  readonly stage: Stage;
  readonly inbox: Inbox;
  readonly spending: Spending;
}

/**
 * Assigns everything its place: workspace and vectors at home, a stage and an inbox in every window,
 * weights where they fit, and experts as many as the budget allows.
 *
 * @throws {MemoryBudgetError} If the budget is too small.
 */
function planMemory(request: OpenRequest, access: WeightAccess): Planned {
  const { sizes, tensors, threads, batch, kv, maxWindowBytes, budget } = request;
  const formats = usedFormats(tensors);
  const stageSize = stageBytes(sizes, formats, batch);
  const stages = new Map<number, number>();
  const inbox = new Inbox(tensors);
  const plan = new MemoryPlan({
    threads,
    firstId: FIRST_WINDOW,
    maxWindowBytes,
    onOpen(window, plan) {
      stages.set(window, plan.reserve(window, stageSize).address);
      inbox.reserve(window, plan);
    },
  });
  const home = plan.open();
  const workspace = reserveWorkspace(plan, home, sizes, formats, batch);
  let spending: Spending | undefined;
  let hugePages = true;
  const weights = placeWeights(plan, home, tensors, sizes, (classes, mappedBytes) => {
    const overhead = stageSize + inbox.bytes + threads * SCRATCH_BYTES;
    spending = spend(budget, {
      fixed: plan.bytes - mappedBytes + kvStageBytes(sizes, batch) + threads * SCRATCH_BYTES,
      kvPositionBytes: kvPositionBytes(kv, sizes),
      windowBytes: (bytes) => plan.windowsFor(bytes) * overhead,
      classes,
      least: sizes.expertsUsed,
    });
    // Where experts give their memory back one by one, it has to go in small pages.
    hugePages = access.mapping === undefined || haveAllSlots(classes, spending.slots);
    return spending.slots;
  }, access);
  const stage = new Stage(stages, stageSize);
  return {
    windows: plan.createWindows({ lasting: true, hugePages }),
    workspace,
    weights,
    stage,
    inbox,
    spending: spending!,
  };
}

function throwIfAborted(team: Team): void {
  if (Atomics.load(team.board.words, Word.abort) === 0) return;
  throw Object.assign(new Error("The forward pass was stopped."), { name: "AbortError" });
}
