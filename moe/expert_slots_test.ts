import assert from "node:assert/strict";
import type { TensorInfo } from "../gguf/mod.ts";
import { MemoryPlan } from "../kernels/memory_plan.ts";
import { ExpertSlots } from "./expert_slots.ts";
import {
  type ExpertClass,
  expertClasses,
  type ExpertDemand,
  type ExpertTensors,
  type MatrixPart,
  shareSlots,
} from "./expert_store.ts";

function tensor(name: string, type: "F32" | "F16", experts: number): TensorInfo {
  return { name, type, shape: [4, 4, experts], bytes: 0, offset: 0, source: 0 };
}

/** A layer of experts of three 4 × 4 matrices. */
function layer(experts: number, down: "F32" | "F16" = "F32"): ExpertTensors {
  return {
    gate: tensor("gate", "F32", experts),
    up: tensor("up", "F32", experts),
    down: tensor("down", down, experts),
  };
}

/** One row for each. */
function demandsOf(experts: number[]): ExpertDemand[] {
  return experts.map((expert) => ({ expert, rows: 1 }));
}

/** A store whose reads are noted, and fail where `broken` says so. */
function storeOf(layers: ExpertTensors[], slots: number[], broken: () => boolean = () => false) {
  const read: MatrixPart[] = [];
  const plan = new MemoryPlan({ threads: 1, firstId: 0 });
  const store = new ExpertSlots(plan, layers, slots, (parts) => {
    if (broken()) return Promise.reject(new Error("the disk is gone"));
    read.push(...parts);
    return Promise.resolve();
  });
  const want = async (layer: number, experts: number[]) => {
    const { missing } = store.look(layer, demandsOf(experts));
    await store.fetch(layer, missing);
    return missing;
  };
  return { store, read, want };
}

Deno.test("ExpertSlots reads an expert once while it has room", async () => {
  const { store, read, want } = storeOf([layer(3)], [3]);
  assert.deepEqual(await want(0, [2, 0]), [2, 0]);
  assert.deepEqual(await want(0, [0, 1]), [1]);
  // 64 bytes a matrix of 4 × 4 in F32, three matrices each
  assert.deepEqual(
    read.map(({ tensor, offset }) => `${tensor.name} ${offset}`),
    [2, 0, 1].flatMap((expert) => ["gate", "up", "down"].map((name) => `${name} ${64 * expert}`)),
  );
  assert.deepEqual(store.use, { hits: 1, misses: 3, bytesRead: 9 * 64, unpacked: 0 });
});

Deno.test("ExpertSlots gives away the slot that was used least recently, of any layer", async () => {
  const { want } = storeOf([layer(4), layer(4)], [3]);
  await want(0, [0]);
  await want(1, [0]);
  await want(0, [1]);
  assert.deepEqual(await want(0, [0]), [], "still there, and used again");
  assert.deepEqual(await want(0, [2]), [2], "in the place of layer 1's expert 0");
  assert.deepEqual(await want(0, [0, 1, 2]), []);
  assert.deepEqual(await want(1, [0]), [0]);
});

Deno.test("ExpertSlots keeps the experts of one look apart, as many as there are slots", async () => {
  const { store, want } = storeOf([layer(8)], [4]);
  await want(0, [0, 1, 2, 3]);
  await want(0, [3, 4, 5, 2]);
  const addresses = [3, 4, 5, 2].map((expert) => store.block(0, expert).gate.address);
  assert.equal(new Set(addresses).size, 4);
});

Deno.test("ExpertSlots has none of the experts whose read failed, and goes on", async () => {
  let broken = false;
  const { store, want } = storeOf([layer(4)], [2], () => broken);
  await want(0, [0, 1]);
  broken = true;
  await assert.rejects(want(0, [2]), /the disk is gone/);
  broken = false;
  assert.deepEqual(store.look(0, demandsOf([2])).missing, [2]);
  assert.deepEqual(await want(0, [2, 3]), [2, 3]);
  assert.throws(() => store.look(0, demandsOf([4])), RangeError);
});

Deno.test("expertClasses() puts layers together whose experts take any of their slots", () => {
  const classes = expertClasses([layer(4), layer(4, "F16"), layer(4)]);
  assert.deepEqual(classes, [
    { layers: [0, 2], bytes: 3 * 64, experts: 8 },
    { layers: [1], bytes: 2 * 64 + 32, experts: 4 },
  ]);
});

Deno.test("shareSlots() gives every expert a slot, or shares, or none", () => {
  const classes: ExpertClass[] = [
    { layers: [0], bytes: 10, experts: 100 },
    { layers: [1], bytes: 20, experts: 50 },
  ];
  assert.deepEqual(shareSlots(classes, 2000, 8), [100, 50]);
  // The smallest is 8 of each, 240 bytes; half of the rest of 1,760 is half of the other experts.
  assert.deepEqual(shareSlots(classes, 240 + 880, 8), [8 + 46, 8 + 21]);
  assert.deepEqual(shareSlots(classes, 240, 8), [8, 8]);
  assert.equal(shareSlots(classes, 239, 8), undefined);
  assert.deepEqual(shareSlots([], 0, 8), []);
});
