import assert from "node:assert/strict";
import type { TensorInfo } from "../gguf/mod.ts";
import { MemoryPlan } from "../kernels/memory_plan.ts";
import type { ExpertBlock } from "./expert_block.ts";
import type { ExpertTensors, MatrixPart } from "./expert_store.ts";
import { MappedExperts } from "./mapped_experts.ts";
import { PackingTime } from "./packing_time.ts";

const ALIGNMENT = 65536;

/** [256, 8] matrices: 8 rows of one block, 144 bytes of Q4_K, 34 * 8 of Q8_0. */
function tensor(name: string, type: "Q4_K" | "Q8_0", experts: number, offset: number): TensorInfo {
  return { name, type, shape: [256, 8, experts], bytes: 0, offset, source: 0 };
}

function layer(experts: number, down: "Q4_K" | "Q8_0" = "Q4_K"): ExpertTensors {
  return {
    gate: tensor("gate", "Q4_K", experts, 32),
    up: tensor("up", "Q4_K", experts, 100_000),
    down: tensor("down", down, experts, 1_000_032),
  };
}

/** A mapping of nothing, which notes what is asked of it and fails where it is told to. */
class NotedMapping {
  readonly alignment = ALIGNMENT;
  held = true;
  readonly notes: string[] = [];
  readonly reserved: { part: MatrixPart; bytes: number }[] = [];
  /** names of parts that can't be brought */
  readonly broken = new Set<string>();
  /** names of parts that the system has read */
  readonly cached = new Set<string>();

  reserve(part: MatrixPart, bytes: number): void {
    this.reserved.push({ part, bytes });
  }
  isPresent(parts: readonly MatrixPart[]): boolean {
    return parts.every((part) => this.cached.has(nameOf(part)));
  }
  request(parts: readonly MatrixPart[]): void {
    this.#note("request", parts);
  }
  populate(parts: readonly MatrixPart[]): boolean {
    if (!this.held || parts.some((part) => this.broken.has(nameOf(part)))) return false;
    for (const part of parts) this.cached.add(nameOf(part));
    this.#note("populate", parts);
    return true;
  }
  drop(parts: readonly MatrixPart[]): void {
    if (parts.length > 0) this.#note("drop", parts);
  }
  empty(_block: ExpertBlock): void {
    this.notes.push("empty");
  }
  #note(what: string, parts: readonly MatrixPart[]): void {
    this.notes.push(`${what} ${parts.map(nameOf).join(" ")}`);
  }
}

/** The number of the expert and its part: "3.gate" */
function nameOf({ tensor, offset, matrix }: MatrixPart): string {
  const { format: { blockBytes }, rows } = matrix;
  return `${offset / (rows * blockBytes)}.${tensor.name}`;
}

function storeOf(layers: ExpertTensors[], limit = Infinity) {
  const mapping = new NotedMapping();
  const done: string[] = [];
  const state = { readFails: false };
  const store = new MappedExperts(new MemoryPlanOfOne(), layers, {
    mapping,
    limit,
    time: new EndlessTime(),
    pack: (parts) => done.push(`pack ${parts.length}`),
    read(parts) {
      if (state.readFails) return Promise.reject(new Error("the disk is gone"));
      done.push(`read ${parts.map(nameOf).join(" ")}`);
      return Promise.resolve();
    },
  });
  const want = async (experts: number[], rows = 1) => {
    const { present, missing } = store.look(0, experts.map((expert) => ({ expert, rows })));
    await store.fetch(0, missing);
    return { present, missing };
  };
  return { store, mapping, done, state, want };
}

class MemoryPlanOfOne extends MemoryPlan {
  constructor() {
    super({ threads: 1, firstId: 0 });
    this.open();
  }
}

class EndlessTime extends PackingTime {
  override get isLeft(): boolean {
    return true;
  }
}

Deno.test("MappedExperts computes an expert where the file lies, without reading it", async () => {
  const { store, mapping, done, want } = storeOf([layer(4)]);
  assert.deepEqual(await want([2]), { present: [], missing: [2] });
  assert.deepEqual(await want([2]), { present: [2], missing: [] });
  assert.deepEqual(mapping.notes, [
    "request 2.gate 2.up 2.down",
    "populate 2.gate 2.up 2.down",
  ]);
  assert.deepEqual(done, []);
  const { gate } = store.block(0, 2);
  assert.equal(gate.packed, undefined);
  // As far from an alignment as the expert's bytes in the file.
  assert.equal(gate.address % ALIGNMENT, 32 + 2 * 8 * 144);
  assert.equal(mapping.reserved[0]!.bytes, 4 * 8 * 144);
  assert.deepEqual(store.use, { hits: 1, misses: 1, bytesRead: 3 * 8 * 144, unpacked: 2 });
});

Deno.test("MappedExperts populates nothing where the system has all that is wanted", async () => {
  const { mapping, want } = storeOf([layer(4)]);
  for (const part of ["gate", "up", "down"]) mapping.cached.add(`1.${part}`).add(`2.${part}`);
  assert.deepEqual(await want([1]), { present: [], missing: [1] });
  assert.deepEqual(mapping.notes, []);
  // While the third is waited for, the second may be taken back.
  await want([2, 3]);
  assert.deepEqual(mapping.notes, [
    "request 3.gate 3.up 3.down",
    "populate 2.gate 2.up 2.down",
    "populate 3.gate 3.up 3.down",
  ]);
});

Deno.test("MappedExperts packs what is used again and again, and lets go of its mapping", async () => {
  const { store, mapping, done, want } = storeOf([layer(4)]);
  for (let i = 0; i < 3; i++) await want([1]);
  assert.deepEqual(done, ["pack 3"]);
  assert.equal(mapping.notes.at(-1), "drop 1.gate 1.up 1.down");
  assert.notEqual(store.block(0, 1).gate.packed, undefined);
  mapping.cached.clear();
  assert.deepEqual((await want([1])).present, [1], "the file is not needed any more");
  // Many rows at once are worth it the first time.
  await want([3], 100);
  assert.deepEqual(done, ["pack 3", "pack 3"]);
});

Deno.test("MappedExperts leaves parts mapped that have no packed form", async () => {
  const { store, mapping, done, want } = storeOf([layer(4, "Q8_0")]);
  for (let i = 0; i < 5; i++) await want([0]);
  assert.deepEqual(done, ["pack 2"]);
  const { gate, down } = store.block(0, 0);
  assert.ok(gate.packed !== undefined && down.packed === undefined);
  mapping.cached.clear();
  assert.deepEqual((await want([0])).missing, [0]);
  assert.equal(mapping.notes.at(-1), "populate 0.down");
});

Deno.test("MappedExperts reads what can't be mapped, and tells if that fails too", async () => {
  const { store, mapping, done, state, want } = storeOf([layer(4)]);
  mapping.broken.add("1.up");
  state.readFails = true;
  await assert.rejects(want([0, 1]), /the disk is gone/);
  state.readFails = false;
  assert.deepEqual((await want([1])).missing, [1]);
  assert.deepEqual(done, ["read 1.gate 1.up 1.down"]);
  assert.notEqual(store.block(0, 1).gate.packed, undefined);
});

Deno.test("MappedExperts has what was packed, and nothing else, once the files are given back", async () => {
  const { mapping, done, want } = storeOf([layer(4)]);
  for (let i = 0; i < 3; i++) await want([0]);
  await want([1]);
  mapping.held = false;
  const { present, missing } = await want([0, 1, 2]);
  assert.deepEqual({ present, missing }, { present: [0], missing: [1, 2] });
  assert.deepEqual(done, ["pack 3", "read 1.gate 1.up 1.down 2.gate 2.up 2.down"]);
  assert.deepEqual((await want([0, 1, 2])).missing, []);
  assert.throws(() => storeOf([layer(4)]).store.look(0, [{ expert: 4, rows: 1 }]), RangeError);
});

Deno.test("MappedExperts drops the experts used least recently where not all may be in memory", async () => {
  // Room for two: 3 parts of 8 blocks each, and what the system maps beside them.
  const { store, mapping, want } = storeOf([layer(4)], 2 * (3 * 8 * 152 + 3 * ALIGNMENT));
  assert.equal(store.slots(0), 2);
  await want([0]);
  await want([1]);
  await want([0]);
  await want([2]);
  assert.equal(mapping.notes.at(-2), "drop 1.gate 1.up 1.down");
  assert.deepEqual((await want([0])).present, [0]);
  // Only what lasts is packed, and then its slot is given back.
  for (let i = 0; i < 30; i++) await want([0]);
  await want([2, 3]);
  assert.equal(mapping.notes.at(-2), "empty");
  assert.deepEqual((await want([0])).missing, [0]);
});

Deno.test("MappedExperts cuts layers that no window holds, and every expert has its place", () => {
  const mapping = new NotedMapping();
  const plan = new MemoryPlan({ threads: 1, firstId: 0, maxWindowBytes: 16 * ALIGNMENT });
  plan.open();
  const experts = 200;
  new MappedExperts(plan, [layer(experts)], {
    mapping,
    limit: Infinity,
    time: new PackingTime(),
    pack: () => {},
    read: () => Promise.resolve(),
  });
  const gates = mapping.reserved.filter(({ part }) => part.tensor.name === "gate");
  assert.ok(gates.length > 1);
  assert.equal(gates.reduce((sum, { bytes }) => sum + bytes, 0), experts * 8 * 144);
  for (const { part: { tensor, offset, matrix }, bytes } of mapping.reserved) {
    assert.equal(matrix.address % ALIGNMENT, (tensor.offset + offset) % ALIGNMENT);
    assert.ok(matrix.address + bytes <= 16 * ALIGNMENT);
  }
});
