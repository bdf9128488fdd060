import assert from "node:assert/strict";
import { openGguf } from "../../gguf/mod.ts";
import { assertSameBits } from "../../kernels/comparing.ts";
import { route } from "../../kernels/oracles/router.ts";
import { describeArchitecture, readHyperParameters } from "../../model/hyperparameters.ts";
import { referenceLogits } from "../../model/reference.ts";
import { resolveTensors } from "../../model/tensors.ts";
import { loadModel, type Route, type Routing } from "../../mod.ts";
import { synthesizeBlob, type SynthOptions } from "../../synth/mod.ts";
import { changedModel, randomTokens, tensorOf, withModel } from "./helpers.ts";

const MODELS = {
  qwen3moe: { types: "f32", expertsUsed: 3, seed: 1 },
  qwen2moe: { architecture: "qwen2moe", types: "f32", expertsUsed: 3, seed: 2 },
  mixtral: { architecture: "mixtral", types: "f32", layers: 3, seed: 3 },
} as const satisfies Record<string, SynthOptions>;

const TOKENS = randomTokens(24, 4);

/** What the reference's routers choose, by the plain oracle: routes without the shared expert. */
async function expectedRoutes(blob: Blob, tokens: readonly number[]): Promise<Route[]> {
  await using file = await openGguf(blob);
  const sizes = readHyperParameters(file);
  const { experts, expertsUsed: k, normalizeExpertWeights } = sizes;
  const layers: ReturnType<typeof route>[] = [];
  const model = {
    file,
    sizes,
    description: describeArchitecture(file),
    tensors: resolveTensors(file, sizes),
    onRouterLogits(rows: readonly Float64Array[]) {
      const logits = Float32Array.from(rows.flatMap((row) => [...row]));
      layers.push(route(logits, experts, k, normalizeExpertWeights));
    },
  };
  await Array.fromAsync(referenceLogits(model, tokens));
  return tokens.flatMap((token, position) =>
    layers.map(({ ids, weights }, layer) => {
      const own = [position * k, (position + 1) * k] as const;
      const of = (array: Int32Array | Float32Array) => Array.from(array.subarray(...own));
      return { position, token, layer, experts: of(ids), weights: of(weights) };
    })
  );
}

/** Collects routes. */
function listener(): { routes: Route[]; onRouting: (routing: Routing) => void } {
  const routes: Route[] = [];
  return { routes, onRouting: (routing) => void routes.push(...routing) };
}

for (const [name, options] of Object.entries(MODELS)) {
  Deno.test(`sync() tells the experts and the weights that the reference chooses: ${name}`, async () => {
    const blob = await synthesizeBlob(options);
    const expected = await expectedRoutes(blob, TOKENS);
    await withModel(blob, { threads: 2, batchSize: 7 }, async (model) => {
      const { routes, onRouting } = listener();
      const logits = await model.session().sync(TOKENS, { onRouting });
      assert.equal(routes.length, TOKENS.length * model.parameters.layers);
      routes.forEach(({ weights, shared, ...own }, i) => {
        const { weights: expectedWeights, ...rest } = expected[i]!;
        assert.deepEqual(own, rest);
        weights.forEach((weight, j) => {
          // Keys and values are kept in f16, which moves the router's logits by some 1e-3.
          assert.ok(Math.abs(weight - expectedWeights[j]!) < 2e-3, `weight ${j} of route ${i}`);
        });
        assert.equal(shared !== undefined, name === "qwen2moe");
        assert.ok(shared === undefined || shared > 0 && shared < 1);
      });
      // Listening changes nothing.
      assertSameBits(logits, await model.session().sync(TOKENS));
    });
  });
}

Deno.test("sync() tells the shared expert's weight as its gate gives it", async () => {
  const blob = await changedModel(MODELS.qwen2moe, (file) => {
    tensorOf(file, "blk.1.ffn_gate_inp_shexp.weight").data.fill(0);
  });
  await withModel(blob, { threads: 1 }, async (model) => {
    const { routes, onRouting } = listener();
    await model.session().sync(TOKENS, { onRouting });
    for (const { layer, shared } of routes) assert.equal(shared === 0.5, layer === 1);
  });
});

Deno.test("sync() and logits() tell the routes of tokens that are computed, and of no others", async () => {
  await withModel(MODELS.qwen3moe, { threads: 2 }, async (model) => {
    await using session = model.session();
    await session.sync(TOKENS.slice(0, 10));
    const { routes, onRouting } = listener();
    await session.sync(TOKENS.slice(0, 12), { onRouting });
    // The last token is computed again for its logits.
    await session.sync(TOKENS.slice(0, 12), { onRouting });
    const places = routes.map(({ position, layer }) => `${position} ${layer}`);
    assert.deepEqual(places, ["10 0", "10 1", "11 0", "11 1", "11 0", "11 1"]);
    const all = listener();
    await Array.fromAsync(session.logits(TOKENS, all));
    assert.deepEqual(
      all.routes.map(({ token }) => token),
      TOKENS.flatMap((token) => [token, token]),
    );
    assert.deepEqual(all.routes.slice(20, 24), routes.slice(0, 4));
  });
});

Deno.test("a generation tells the routes of its prompt and of what it drew", async () => {
  await withModel(MODELS.mixtral, { threads: 2 }, async (model) => {
    const { routes, onRouting } = listener();
    const prompt = model.tokenizer.encode("the cat");
    const { tokens } = await model.complete("the cat", { maxTokens: 5, onRouting }).finish();
    const all = [...prompt, ...tokens.slice(0, 4)];
    assert.equal(routes.length, 3 * all.length);
    assert.deepEqual(routes.filter(({ layer }) => layer === 2).map(({ token }) => token), all);
  });
});

Deno.test("what onRouting throws ends the call, and the session goes on", async () => {
  await withModel(MODELS.qwen3moe, { threads: 1, batchSize: 8 }, async (model) => {
    await using session = model.session();
    let calls = 0;
    const onRouting = () => {
      if (++calls === 2) throw new Error("enough");
    };
    await assert.rejects(session.sync(TOKENS, { onRouting }), { message: "enough" });
    assert.equal(calls, 2);
    assert.deepEqual(session.tokens, TOKENS.slice(0, 16));
    assertSameBits(await session.sync(TOKENS), await model.session().sync(TOKENS));
  });
});

Deno.test("a stopped pass tells no routes", async () => {
  await using model = await loadModel(await synthesizeBlob(MODELS.qwen3moe), { threads: 1 });
  const { routes, onRouting } = listener();
  const signal = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(model.session().sync(TOKENS, { onRouting, signal }), { message: "stopped" });
  assert.deepEqual(routes, []);
});

Deno.test("a dense model refuses to tell routes", async () => {
  await withModel({ architecture: "qwen3", types: "q8_0" }, { threads: 1 }, async (model) => {
    const { onRouting } = listener();
    const refusal = { name: "RangeError", message: /'onRouting' .* the model has no experts/ };
    await assert.rejects(model.session().sync(TOKENS, { onRouting }), refusal);
    await assert.rejects(Array.fromAsync(model.session().logits(TOKENS, { onRouting })), refusal);
  });
});
