import assert from "node:assert/strict";
import { assertSameBits } from "../../kernels/comparing.ts";
import { type KvFormat, loadModel, MemoryBudgetError } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { randomTokens } from "./helpers.ts";

const MIB = 2 ** 20;

/** 192 experts in two classes, by the type of their down matrices; some 40 MiB. */
const OPTIONS = {
  layers: 6,
  experts: 32,
  expertsUsed: 4,
  hidden: 256,
  expertWidth: 512,
  types: "q4_k_m",
  seed: 3,
} as const;

async function smallest(blob: Blob, context: number, kv: KvFormat = "f16"): Promise<number> {
  const options = { memory: 1, context, kv, threads: 2 };
  const error = await loadModel(blob, options).catch((error) => error);
  assert.ok(error instanceof MemoryBudgetError, String(error));
  assert.match(error.message, /needs at least \d+ MiB \(memory, --memory \d+MiB\)/);
  return error.smallest;
}

for (const architecture of ["qwen3moe", "qwen2moe", "mixtral"] as const) {
  Deno.test(`a budget changes no bit of the logits, down to the smallest that works: ${architecture}`, async () => {
    const blob = await synthesizeBlob({ ...OPTIONS, architecture });
    const tokens = randomTokens(40, 5);
    const least = await smallest(blob, 64);
    let expected: Float32Array | undefined;
    const hitRates: number[] = [];
    for (const memory of [undefined, least + 8 * MIB, least]) {
      await using model = await loadModel(blob, {
        threads: 2,
        context: 64,
        ...(memory === undefined ? {} : { memory }),
      });
      await using session = model.session();
      await session.sync(tokens.slice(0, 30));
      let logits = new Float32Array();
      for (let end = 31; end <= 40; end++) {
        logits = await session.sync(tokens.slice(0, end)) as never;
      }
      expected ??= logits;
      assertSameBits(logits, expected);
      const { hits, misses, bytesRead } = model.expertUse;
      assert.ok(misses > 0 && bytesRead > 0);
      hitRates.push(hits / (hits + misses));
    }
    // Less memory, fewer hits: the budget was felt.
    assert.ok(hitRates[0]! > hitRates[1]! && hitRates[1]! > hitRates[2]!, hitRates.join());
  });
}

Deno.test("a budget just below the smallest is refused, and the smallest is not", async () => {
  const blob = await synthesizeBlob(OPTIONS);
  const least = await smallest(blob, 64);
  await assert.rejects(
    loadModel(blob, { memory: least - 1, context: 64, threads: 2 }),
    { name: "MemoryBudgetError", smallest: least, budget: least - 1 },
  );
  await using model = await loadModel(blob, { memory: least, context: 64, threads: 2 });
  assert.equal((await model.session().sync(randomTokens(64))).length, 512);
  assert.ok(await smallest(blob, 4096) > least, "a longer context needs more");
});

Deno.test("sessions share the budget's room for the KV cache", async () => {
  const blob = await synthesizeBlob(OPTIONS);
  await using model = await loadModel(blob, {
    memory: await smallest(blob, 64),
    context: 64,
    threads: 2,
  });
  const tokens = randomTokens(40);
  await using first = model.session();
  await first.sync(tokens);
  const second = model.session();
  await assert.rejects(second.sync(tokens), { name: "MemoryBudgetError" });
  // The first goes on, and what the second held is given back when it is closed.
  await second[Symbol.asyncDispose]();
  await first.sync([...tokens, 1]);
  await first[Symbol.asyncDispose]();
  await using third = model.session();
  await third.sync(tokens);
});

Deno.test("a KV cache in q8_0 takes 34 bytes where f16 takes 64", async () => {
  const blob = await synthesizeBlob({ ...OPTIONS, context: 65_536 });
  const bytesOf = async (kv: KvFormat) =>
    await smallest(blob, 49_152, kv) - await smallest(blob, 16_384, kv);
  const [f16, q8_0] = [await bytesOf("f16"), await bytesOf("q8_0")];
  // Attention's notes on spans of positions take the same room in both, less than a hundredth of this.
  assert.ok(Math.abs(q8_0 / f16 - 34 / 64) < 0.005, `${q8_0} and ${f16}`);
});

Deno.test("loadModel() chooses a shorter context where the budget has no room for the usual one", async () => {
  const blob = await synthesizeBlob({ ...OPTIONS, context: 65_536 });
  const roomy = await loadModel(blob, { threads: 2 });
  assert.equal(roomy.session().context, 32_768);
  await roomy[Symbol.asyncDispose]();
  const memory = await smallest(blob, 2048);
  await using tight = await loadModel(blob, { memory, threads: 2 });
  const { context } = tight.session();
  assert.ok(context >= 1024 && context < 32_768, String(context));
});

Deno.test("loadModel() asks for a number of bytes", async () => {
  for (const memory of [0, -1, NaN, 1.5]) {
    await assert.rejects(loadModel(new Blob([]), { memory }), /'memory' must be a whole number/);
  }
});
