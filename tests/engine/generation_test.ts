import assert from "node:assert/strict";
import { ContextLengthError, Session } from "../../mod.ts";
import { synthesizeBlob } from "../../synth/mod.ts";
import { changedModel, setKey, withModel } from "./helpers.ts";

const OPTIONS = { types: "q8_0", seed: 41 } as const;
const blob = await synthesizeBlob(OPTIONS);
const PROMPT = "the hare and the tortoise";

Deno.test("complete() repeats itself, greedy or by a seed", async () => {
  await withModel(blob, { threads: 2 }, async (model) => {
    const tokens = async (options: { temperature?: number; seed?: number }) =>
      (await model.complete(PROMPT, { maxTokens: 12, temperature: 0, ...options }).finish()).tokens;
    assert.deepEqual(await tokens({}), await tokens({}));
    const drawn = await tokens({ temperature: 1, seed: 5 });
    assert.deepEqual(await tokens({ temperature: 1, seed: 5 }), drawn);
    assert.notDeepEqual(await tokens({ temperature: 1, seed: 6 }), drawn);
  });
});

Deno.test("a generation's result sums up what it yielded", async () => {
  await withModel(blob, { threads: 1 }, async (model) => {
    const generation = model.complete(PROMPT, { maxTokens: 10, temperature: 0 });
    assert.throws(() => generation.result, /has not ended/);
    let text = "";
    for await (const piece of generation) text += piece;
    const { result } = generation;
    assert.equal(result.text, text);
    assert.equal(model.tokenizer.decode(result.tokens, { special: false }), text);
    assert.equal(result.tokens.length, 10);
    assert.equal(result.finishReason, "length");
    assert.equal(result.prefill.tokens, model.tokenizer.encode(PROMPT).length);
    // The prompt's pass gives the first token.
    assert.equal(result.decode.tokens, 9);
    assert.ok(result.timeToFirstTokenSeconds > 0);
    assert.ok(result.prefill.tokensPerSecond > 0 && result.decode.tokensPerSecond > 0);
    await assert.rejects(generation.finish(), /can be iterated once/);
    const none = await model.complete(PROMPT, { maxTokens: 0 }).finish();
    assert.deepEqual([none.text, none.tokens, none.finishReason], ["", [], "length"]);
    assert.equal(none.prefill.tokensPerSecond, 0);
    await assert.rejects(model.complete(PROMPT, { maxTokens: -1 }).finish(), /'maxTokens'/);
    await assert.rejects(model.complete("").finish(), { name: "RangeError", message: /empty/ });
  });
});

Deno.test("a generation stops before the token that ends the turn", async () => {
  let tokens: readonly number[] = [];
  await withModel(blob, { threads: 1 }, async (model) => {
    tokens = (await model.complete(PROMPT, { maxTokens: 30, temperature: 0 }).finish()).tokens;
  });
  const at = tokens.findIndex((token, i) => i >= 3 && tokens.indexOf(token) === i);
  const key = "tokenizer.ggml.eos_token_id";
  const ending = await changedModel(OPTIONS, (file) => {
    setKey(file, key, { key, type: "u32", value: tokens[at]! });
  });
  await withModel(ending, { threads: 1 }, async (model) => {
    const result = await model.complete(PROMPT, { maxTokens: 30, temperature: 0 }).finish();
    assert.equal(result.finishReason, "stop");
    assert.deepEqual(result.tokens, tokens.slice(0, at));
  });
});

Deno.test("a generation ends where the context does, and refuses a prompt beyond it", async () => {
  await withModel(blob, { threads: 1 }, async (model) => {
    const prompt = model.tokenizer.encode(PROMPT);
    const session = model.session({ context: prompt.length + 4 });
    const result = await model.complete(PROMPT, { session, temperature: 0 }).finish();
    assert.equal(result.finishReason, "length");
    // The last token is drawn from a full cache and needs no place in it.
    assert.equal(result.tokens.length, 5);
    const short = model.session({ context: prompt.length - 1 });
    await assert.rejects(model.complete(PROMPT, { session: short }).finish(), ContextLengthError);
  });
});

Deno.test("a signal ends a generation, which keeps what it has", async () => {
  await withModel(blob, { threads: 2 }, async (model) => {
    const controller = new AbortController();
    const { signal } = controller;
    const generation = model.complete(PROMPT, { signal, temperature: 0 });
    let text = "";
    for await (const piece of generation) {
      text += piece;
      if (text.length > 20) controller.abort();
    }
    assert.equal(generation.result.finishReason, "abort");
    assert.equal(generation.result.text, text);
    const none = await model.complete(PROMPT, { signal }).finish();
    assert.deepEqual([none.tokens, none.finishReason], [[], "abort"]);
  });
});

Deno.test("leaving a generation early disposes of its session, but not of the caller's", async () => {
  const dispose = Session.prototype[Symbol.asyncDispose];
  let disposed = 0;
  Session.prototype[Symbol.asyncDispose] = function () {
    disposed++;
    return dispose.call(this);
  };
  try {
    await withModel(blob, { threads: 1 }, async (model) => {
      for await (const _ of model.complete(PROMPT, { temperature: 0 })) break;
      assert.equal(disposed, 1);
      const session = model.session();
      for await (const _ of model.complete(PROMPT, { session, temperature: 0 })) break;
      assert.equal(disposed, 1);
      const again = await model.complete(PROMPT, { session, maxTokens: 1 }).finish();
      assert.equal(again.prefill.tokens, 1);
    });
  } finally {
    Session.prototype[Symbol.asyncDispose] = dispose;
  }
});
