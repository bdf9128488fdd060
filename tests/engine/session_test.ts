import assert from "node:assert/strict";
import { assertSameBits } from "../../kernels/comparing.ts";
import { ContextLengthError, loadModel } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { randomTokens, withModel } from "./helpers.ts";

const A = randomTokens(90, 1);
const B = randomTokens(90, 2);
const blob = await synthesizeBlob({ types: "q8_0", seed: 21 });

Deno.test("sync() reuses, extends and rebuilds what is cached", async () => {
  await withModel(blob, { threads: 1, batchSize: 16 }, async (model) => {
    const session = model.session();
    assert.deepEqual(session.tokens, []);
    assert.equal(session.argMax, -1);
    assert.equal(session.cachedPrefix([]), 0);
    await session.sync(A.slice(0, 40));
    assert.deepEqual(session.tokens, A.slice(0, 40));
    assert.equal(session.cachedPrefix(A), 40);
    assert.equal(session.cachedPrefix(A.slice(0, 40)), 39);
    await session.sync(A);
    assert.deepEqual(session.tokens, A);
    const branch = [...A.slice(0, 10), ...B];
    assert.equal(session.cachedPrefix(branch), 10);
    await session.sync(branch);
    assert.deepEqual(session.tokens, branch);
    await session.sync(A.slice(0, 5));
    assert.deepEqual(session.tokens, A.slice(0, 5));
  });
});

Deno.test("argMax is the first of the largest logits", async () => {
  await withModel(blob, { threads: 2 }, async (model) => {
    const session = model.session();
    for (const length of [1, 2, 50]) {
      const logits = await session.sync(A.slice(0, length));
      assert.equal(logits.length, 512);
      assert.equal(session.argMax, logits.indexOf(Math.max(...logits)));
    }
  });
});

Deno.test("logits() gives the positions from any on, whatever is cached", async () => {
  await withModel(blob, { threads: 2, batchSize: 16 }, async (model) => {
    const all = await Array.fromAsync(model.session().logits(A));
    assert.equal(all.length, A.length);
    const session = model.session();
    for (const from of [70, 0, 20, 89]) {
      const rows = await Array.fromAsync(session.logits(A, { from }));
      assert.equal(rows.length, A.length - from);
      rows.forEach((row, i) => assertSameBits(row, all[from + i]!));
    }
    await session.sync(B);
    const [row] = await Array.fromAsync(session.logits(A, { from: 89 }));
    assertSameBits(row!, all[89]!);
    for (const from of [-1, 0.5, 90]) {
      await assert.rejects(session.logits(A, { from }).next(), { name: "RangeError" });
    }
  });
});

Deno.test("sync() takes logits back, and their memory for the new ones", async () => {
  await withModel(blob, { threads: 1, batchSize: 16 }, async (model) => {
    const session = model.session();
    const expected = await session.sync(A.slice(0, 41));
    const old = await session.sync(A.slice(0, 40));
    const logits = await session.sync(A.slice(0, 41), { reuse: old });
    assertSameBits(logits, expected);
    assert.equal(old.length, 0);
    for (const reuse of [old, new Float32Array(511), expected.subarray(1)]) {
      await assert.rejects(session.sync(A, { reuse }), { name: "RangeError", message: /'reuse'/ });
    }
    assertSameBits(await session.sync(A.slice(0, 41)), expected);
  });
});

Deno.test("sync() refuses what fits neither the context nor the vocabulary, and goes on", async () => {
  await withModel(blob, { threads: 1, context: 64 }, async (model) => {
    const session = model.session({ context: 32 });
    const expected = await session.sync(A.slice(0, 32));
    await assert.rejects(session.sync(A.slice(0, 33)), (error) => {
      assert.ok(error instanceof ContextLengthError && error instanceof RangeError);
      assert.deepEqual([error.tokens, error.context], [33, 32]);
      return true;
    });
    for (const token of [-1, 512, 1.5, NaN]) {
      await assert.rejects(session.sync([1, token]), { name: "RangeError", message: /vocabulary/ });
    }
    await assert.rejects(session.sync([]), { name: "RangeError", message: /at least one token/ });
    assert.equal(session.tokens.length, 32);
    assertSameBits(await session.sync(A.slice(0, 32)), expected);
    assert.equal(model.session().context, 64);
    for (const context of [0, -1, 1.5, 4097]) {
      assert.throws(() => model.session({ context }), { name: "RangeError", message: /'context'/ });
    }
  });
});

Deno.test("sessions do not disturb one another", async () => {
  await withModel(blob, { threads: 2, batchSize: 16 }, async (model) => {
    const [a, b] = [model.session(), model.session({ context: 128 })];
    const [expectedA, expectedB] = [await a.sync(A), await b.sync(B)];
    const [c, d] = [model.session(), model.session({ context: 128 })];
    for (const length of [20, 21, 60, 89]) {
      await Promise.all([c.sync(A.slice(0, length)), d.sync(B.slice(0, length))]);
    }
    const [logitsC, logitsD] = await Promise.all([c.sync(A), d.sync(B)]);
    assertSameBits(logitsC, expectedA);
    assertSameBits(logitsD, expectedB);
  });
});

Deno.test("calls on one session run in turn, with the tokens of the moment they were made", async () => {
  await withModel(blob, { threads: 1, batchSize: 16 }, async (model) => {
    const session = model.session();
    const tokens = A.slice(0, 30);
    const first = session.sync(tokens);
    tokens[0] = 511 - tokens[0]!;
    const [logits, ...others] = await Promise.all([first, session.sync(B), session.sync(A)]);
    await using fresh = model.session();
    assertSameBits(logits, await fresh.sync(A.slice(0, 30)));
    assertSameBits(others[0]!, await fresh.sync(B));
    assertSameBits(others[1]!, await fresh.sync(A));
    assert.deepEqual(session.tokens, A);
  });
});

Deno.test("logits() yields what sync() gives at each position", async () => {
  await withModel(blob, { threads: 2, batchSize: 50 }, async (model) => {
    const [all, single] = [model.session(), model.session()];
    let position = 0;
    for await (const logits of all.logits(A)) {
      position++;
      if (position % 9 === 0) assertSameBits(logits, await single.sync(A.slice(0, position)));
      // Other work on the session between two of its rows does not show.
      if (position === 64) await all.sync(B);
    }
    assert.equal(position, A.length);
    await assert.rejects(all.logits([]).next(), /at least one token/);
  });
});

Deno.test("a session disposed of, and one of a model disposed of, say so", async () => {
  const model = await loadModel(blob, { threads: 2 });
  const [ended, open, unused] = [model.session(), model.session(), model.session()];
  await ended.sync(A);
  const rows = ended.logits(A);
  await rows.next();
  await ended[Symbol.asyncDispose]();
  await ended[Symbol.asyncDispose]();
  await assert.rejects(ended.sync(A), { name: "DisposedError", message: /^The session / });
  await assert.rejects(ended.logits(A).next(), { name: "DisposedError", message: /^The session / });
  await assert.rejects(async () => {
    for await (const _ of rows);
  }, { name: "DisposedError", message: /^The session / });
  const running = assert.rejects(open.sync(randomTokens(4000)), {
    name: "DisposedError",
    message: /^The model /,
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await model[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  await running;
  await assert.rejects(open.sync(A), { name: "DisposedError", message: /^The model / });
  await assert.rejects(unused.sync(A), { name: "DisposedError", message: /^The model / });
  await open[Symbol.asyncDispose]();
});
