import assert from "node:assert/strict";
import { assertSameBits } from "../../kernels/comparing.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { randomTokens, withModel } from "./helpers.ts";

const LONG = randomTokens(3000, 5);
const blob = await synthesizeBlob({ types: "q4_k_m", layers: 6, seed: 31 });

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test("a signal stops a long prefill with its reason, and the session goes on", async () => {
  await withModel(blob, { threads: 2, batchSize: 64 }, async (model) => {
    const session = model.session();
    await session.sync(LONG.slice(0, 10));
    const controller = new AbortController();
    const reason = new Error("enough");
    const stopped = assert.rejects(
      session.sync(LONG, { signal: controller.signal }),
      (error) => error === reason,
    );
    await pause(60);
    controller.abort(reason);
    await stopped;
    // It was on its way, and it did not go to the end.
    assert.ok(session.tokens.length >= 10 && session.tokens.length < LONG.length);
    assert.deepEqual(session.tokens, LONG.slice(0, session.tokens.length));
    const length = session.tokens.length + 20;
    await using fresh = model.session();
    assertSameBits(
      await session.sync(LONG.slice(0, length)),
      await fresh.sync(LONG.slice(0, length)),
    );
  });
});

Deno.test("a signal that was aborted before stops sync() and logits() at once", async () => {
  await withModel(blob, { threads: 1 }, async (model) => {
    const session = model.session();
    const signal = AbortSignal.abort();
    await assert.rejects(session.sync([1, 2], { signal }), { name: "AbortError" });
    await assert.rejects(session.logits([1, 2], { signal }).next(), { name: "AbortError" });
    assert.deepEqual(session.tokens, []);
    assert.equal((await session.sync([1, 2])).length, 512);
  });
});

Deno.test("aborting one session's pass leaves another's alone", async () => {
  await withModel(blob, { threads: 2, batchSize: 64 }, async (model) => {
    const [stopped, other] = [model.session(), model.session()];
    const tokens = randomTokens(300, 6);
    const expected = await other.sync(tokens);
    await other.sync([1]);
    const controller = new AbortController();
    const first = assert.rejects(
      stopped.sync(LONG, { signal: controller.signal }),
      { name: "AbortError" },
    );
    const second = other.sync(tokens);
    await pause(40);
    controller.abort();
    await first;
    assertSameBits(await second, expected);
  });
});
