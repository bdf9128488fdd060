import assert from "node:assert/strict";
import { MemoryPlan } from "../../kernels/memory_plan.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import { resolveTensors } from "../../model/tensors.ts";
import { placeWeights } from "../../model/weights.ts";
import { openGguf } from "../../gguf/mod.ts";
import { loadModel } from "../../mod.ts";
import type { ExpertClass } from "../../moe/expert_store.ts";
import { layoutSynth, synthesizeBlob } from "../../synth/mod.ts";

const PAGE = 65536;

Deno.test("placeWeights() finds room for vectors at home however full matrices make it", async () => {
  const { header, size } = layoutSynth({ layers: 6, types: "q4_k_m" });
  await using file = await openGguf(new Blob([header, new Uint8Array(size - header.length)]));
  const sizes = readHyperParameters(file);
  const tensors = resolveTensors(file, sizes);
  const all = (classes: readonly ExpertClass[]) => classes.map(({ experts }) => experts);
  const unread = () => Promise.reject(new Error("nothing is read here"));
  const access = { read: unread, pack: () => {}, mapping: undefined };
  for (let maxWindowBytes = 10 * PAGE; maxWindowBytes < 30 * PAGE; maxWindowBytes += 64) {
    const plan = new MemoryPlan({ threads: 1, firstId: 0, maxWindowBytes });
    const home = plan.open();
    const { resident } = placeWeights(plan, home, tensors, sizes, all, access);
    assert.ok(resident.vectorPlaces.every(({ window }) => window === home));
  }
});

Deno.test("loadModel() says what does not fit into a window, and what to do", async () => {
  const blob = await synthesizeBlob({});
  await assert.rejects(
    loadModel(blob, { maxWindowBytes: PAGE, threads: 1 }),
    {
      name: "RangeError",
      message: /do not fit into a window .*: choose a smaller context or batch/,
    },
  );
  for (const maxWindowBytes of [0, NaN, 1.5, 2 ** 33]) {
    await assert.rejects(loadModel(blob, { maxWindowBytes }), /'maxWindowBytes' must be a whole/);
  }
});

Deno.test("session() refuses a cache that no memory holds, and the model goes on", async () => {
  await using model = await loadModel(
    await synthesizeBlob({ context: 2 ** 24, headSize: 256, kvHeads: 4 }),
    { threads: 2 },
  );
  const tooLarge = model.session({ context: 2 ** 24 });
  await assert.rejects(tooLarge.sync([1]), /do not fit into a window .*: choose a smaller context/);
  assert.equal((await model.session({ context: 64 }).sync([1])).length, 512);
  await tooLarge[Symbol.asyncDispose]();
});
