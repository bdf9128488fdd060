import assert from "node:assert/strict";
import fc from "fast-check";
import { createSampler } from "./sampler.ts";
import type { SamplingOptions } from "./options.ts";

function sampleMany(logits: number[], options: SamplingOptions, count: number): number[] {
  const sampler = createSampler(options);
  const array = Float32Array.from(logits);
  return Array.from({ length: count }, () => sampler.sample(array, []));
}

/** Pearson's statistic of the draws against the exact probabilities. */
function chiSquare(draws: number[], probabilities: number[]): number {
  return probabilities.reduce((sum, probability, id) => {
    const expected = probability * draws.length;
    const observed = draws.filter((draw) => draw === id).length;
    if (expected === 0) assert.equal(observed, 0, `token ${id} is ruled out`);
    return expected === 0 ? sum : sum + (observed - expected) ** 2 / expected;
  }, 0);
}

Deno.test("sample() draws from the softmax of the logits over the temperature", () => {
  for (const temperature of [0.5, 1, 2]) {
    const logits = [1, 0, -1, 2, 0.5];
    const weights = logits.map((logit) => Math.exp(logit / temperature));
    const total = weights.reduce((sum, weight) => sum + weight);
    const draws = sampleMany(logits, { temperature, seed: 11 }, 20_000);
    const statistic = chiSquare(draws, weights.map((weight) => weight / total));
    // 4 degrees of freedom: exceeded once in a thousand seeds.
    assert(statistic < 18.47, `temperature ${temperature}: chi-square is ${statistic}`);
  }
});

Deno.test("sample() draws from the renormalized distribution of what the filters keep", () => {
  const logits = [0.05, 0.4, 0.15, 0.3, 0.1].map(Math.log);
  const cases: [SamplingOptions, number[]][] = [
    [{ topK: 2 }, [0, 4 / 7, 0, 3 / 7, 0]],
    [{ topP: 0.8 }, [0, 0.4 / 0.85, 0.15 / 0.85, 0.3 / 0.85, 0]],
    [{ minP: 0.3 }, [0, 0.4 / 0.85, 0.15 / 0.85, 0.3 / 0.85, 0]],
    // The filters see the temperature 1; the temperature 0.5 then squares the probabilities.
    [{ topK: 2, temperature: 0.5 }, [0, 16 / 25, 0, 9 / 25, 0]],
  ];
  for (const [options, probabilities] of cases) {
    const draws = sampleMany(logits, { temperature: 1, seed: 5, ...options }, 20_000);
    const statistic = chiSquare(draws, probabilities);
    // 2 degrees of freedom: exceeded once in a thousand seeds.
    assert(statistic < 13.82, `${JSON.stringify(options)}: chi-square is ${statistic}`);
  }
});

Deno.test("sample() repeats its draws for a seed and differs for another", () => {
  const logits = Array.from({ length: 50 }, (_, id) => Math.sin(id));
  const options = { temperature: 1, topK: 40, topP: 0.95 };
  const draws = sampleMany(logits, { ...options, seed: 3 }, 50);
  assert.deepEqual(sampleMany(logits, { ...options, seed: 3 }, 50), draws);
  assert.notDeepEqual(sampleMany(logits, { ...options, seed: 4 }, 50), draws);
});

Deno.test("createSampler() tells the seed it picked, and that seed repeats the run", () => {
  const logits = Float32Array.from({ length: 50 }, (_, id) => Math.sin(id));
  const first = createSampler({ temperature: 1 });
  const second = createSampler({ temperature: 1, seed: first.seed });
  for (let i = 0; i < 20; i++) assert.equal(first.sample(logits, []), second.sample(logits, []));
  assert.notEqual(createSampler().seed, createSampler().seed);
});

Deno.test("sample() is greedy by default and at temperature 0, ties going to the lowest id", () => {
  assert.deepEqual(sampleMany([1, 3, 3, 2], {}, 2), [1, 1]);
  assert.deepEqual(sampleMany([0, 0, 0], { temperature: 0, topK: 2, topP: 0.5 }, 2), [0, 0]);
});

Deno.test("sample() penalizes the last repeatLastN tokens and does not change its input", () => {
  const logits = Float32Array.from([3, 2.5, 2]);
  const greedy = (options: SamplingOptions, history: number[]) =>
    createSampler(options).sample(logits, history);
  assert.equal(greedy({ repeatPenalty: 2 }, [0]), 1);
  assert.equal(greedy({ repeatPenalty: 2 }, [0, 1]), 2);
  assert.equal(greedy({ repeatPenalty: 2, repeatLastN: 1 }, [0, 2, 1]), 0);
  assert.equal(greedy({ repeatPenalty: 2, repeatLastN: 0 }, [0]), 0);
  const longAgo = [0, ...new Array<number>(64).fill(2)];
  assert.equal(greedy({ repeatPenalty: 2 }, longAgo), 0);
  assert.equal(greedy({ repeatPenalty: 2, repeatLastN: -1 }, longAgo), 1);
  assert.deepEqual([...logits], [3, 2.5, 2]);
});

Deno.test("sample() serves vocabularies of different sizes in turn", () => {
  const sampler = createSampler({ repeatPenalty: 2 });
  assert.equal(sampler.sample(Float32Array.from([3, 2]), [0]), 1);
  assert.equal(sampler.sample(Float32Array.from([3, 1, 2]), [0]), 2);
});

Deno.test("sample() never draws a token that the logits rule out", () => {
  const logits = [-Infinity, -Infinity, -4, -Infinity];
  const variants: SamplingOptions[] = [{}, { topK: 3 }, { topP: 0.9 }, { minP: 0.1 }];
  for (const options of variants) {
    assert.deepEqual(sampleMany(logits, { temperature: 1, ...options }, 5), [2, 2, 2, 2, 2]);
  }
});

Deno.test("sample() gives a token for any finite logits and any options", () => {
  const logit = fc.oneof(
    fc.constantFrom(1e30, -1e30, 0, -0, -Infinity),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  );
  const options = fc.record({
    temperature: fc.constantFrom(1e-3, 0.7, 1, 100),
    topK: fc.integer({ min: 0, max: 1000 }),
    topP: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    repeatPenalty: fc.double({ min: 1, max: 2, noNaN: true }),
    seed: fc.maxSafeNat(),
  });
  const logits = fc.array(logit, { maxLength: 60 }).map((rest) => Float32Array.from([0, ...rest]));
  fc.assert(fc.property(logits, options, (logits, options) => {
    const id = createSampler(options).sample(logits, [0]);
    assert(logits[id]! > -Infinity, `token ${id}`);
  }));
});

Deno.test("sample() all but picks the best at a low temperature and evens out at a high one", () => {
  assert.deepEqual([...new Set(sampleMany([1, 1.1, 0], { temperature: 1e-3 }, 200))], [1]);
  const draws = sampleMany([1, 1.1, 0], { temperature: 1e6, seed: 1 }, 3000);
  // 2 degrees of freedom: exceeded once in a thousand seeds.
  assert(chiSquare(draws, [1 / 3, 1 / 3, 1 / 3]) < 13.82);
});

Deno.test("sample() handles a vocabulary of one token", () => {
  assert.deepEqual(sampleMany([-7], { temperature: 1, topK: 40, topP: 0.5, minP: 0.5 }, 2), [0, 0]);
});

Deno.test("sample() says which logit is broken", () => {
  const sampler = createSampler();
  assert.throws(() => sampler.sample(Float32Array.from([0, NaN]), []), {
    name: "RangeError",
    message: "The logit of token 1 is NaN: the forward pass that computed it went wrong",
  });
  assert.throws(() => sampler.sample(Float32Array.from([Infinity]), []), /token 0 is Infinity/);
  assert.throws(() => sampler.sample(Float32Array.from([-Infinity]), []), /all of the 1 logits/);
  assert.throws(() => sampler.sample(new Float32Array(0), []), /all of the 0 logits/);
});

Deno.test("createSampler() names the option that is out of range", () => {
  const cases: [SamplingOptions, string][] = [
    [{ temperature: -1 }, "'temperature' must be a number from 0 up: got -1"],
    [{ temperature: NaN }, "'temperature' must be a number from 0 up: got NaN"],
    [{ topK: 1.5 }, "'topK' must be a non-negative integer: got 1.5"],
    [{ topP: 0 }, "'topP' must be in (0, 1]: got 0"],
    [{ topP: 1.5 }, "'topP' must be in (0, 1]: got 1.5"],
    [{ minP: -0.1 }, "'minP' must be in [0, 1]: got -0.1"],
    [{ repeatPenalty: 0 }, "'repeatPenalty' must be above 0: got 0"],
    [{ repeatLastN: -2 }, "'repeatLastN' must be an integer from -1 up: got -2"],
    [{ seed: 2 ** 53 }, "'seed' must be an integer in [0, 2^53): got 9007199254740992"],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => createSampler(options), { name: "RangeError", message });
  }
});
