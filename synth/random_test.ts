import assert from "node:assert/strict";
import { createRandomWords, randomWordsOf } from "./random.ts";

Deno.test("createRandomWords() gives the published sequence", () => {
  // Outputs of sfc32 from the state (0, 12345, 0, 1) after 12 rounds: sfc32_test.go of
  // maloquacious/prng.
  const words = new Uint32Array(10);
  createRandomWords([0, 12345, 0])(words);
  assert.deepEqual([...words], [
    235160590,
    2967261163,
    116171463,
    2882324903,
    362604721,
    4227106926,
    1933307004,
    1608300071,
    2256615412,
    2701957640,
  ]);
});

Deno.test("createRandomWords() gives the same words in one array as in several", () => {
  const whole = new Uint32Array(100);
  createRandomWords([1, 2, 3])(whole);
  const inParts = new Uint32Array(100);
  const random = createRandomWords([1, 2, 3]);
  for (const [from, to] of [[0, 1], [1, 64], [64, 64], [64, 100]]) {
    random(inParts.subarray(from, to));
  }
  assert.deepEqual(inParts, whole);
});

Deno.test("randomWordsOf() depends on all of the seed and on the tensor's name", () => {
  const first = (seed: number, name: string) => {
    const words = new Uint32Array(4);
    randomWordsOf(seed, name)(words);
    return words.join();
  };
  const seeds = [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
  const names = ["blk.0.attn_q.weight", "blk.1.attn_q.weight", "blk.0.attn_k.weight"];
  const all = seeds.flatMap((seed) => names.map((name) => first(seed, name)));
  assert.equal(new Set(all).size, seeds.length * names.length);
  assert.equal(first(7, "output.weight"), first(7, "output.weight"));
});
