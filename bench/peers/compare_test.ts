import assert from "node:assert/strict";
import { compare, type Match } from "./compare.ts";
import type { Contender } from "./contender.ts";
import type { Prompt, Workload } from "./workload.ts";

/** A contender whose speed is the seed of the workload. */
function contender(name: string, log: string[], failing = NaN): Contender {
  return {
    name,
    measure({ threads, warmUp, measured }) {
      const seed = measured.decoded;
      log.push(`${seed} ${name} ${threads}`);
      assert.equal(warmUp.decoded, -1);
      if (seed === failing) return Promise.reject(new Error("no memory"));
      const speeds = { prefill64: seed, prefill512: seed, decode: seed };
      return Promise.resolve({ speeds, about: name });
    },
    async [Symbol.asyncDispose]() {},
  };
}

function workload(repetition: number): Workload {
  const prompt: Prompt = { tokens: [], text: "" };
  return { short: prompt, long: prompt, before: prompt, decoded: repetition };
}

function match(...contenders: Contender[]): Match {
  return { title: "model", activeBytesPerToken: 1, contenders, warmUp: workload(-1), workload };
}

const options = {
  threads: [1, 2],
  repetitions: 2,
  hasTime: () => true,
  tell: () => {},
  signal: new AbortController().signal,
};

Deno.test("engines take turns, every other repetition in the opposite order", async () => {
  const log: string[] = [];
  await compare([match(contender("a", log), contender("b", log))], options);
  assert.deepEqual(log, [
    ...["0 a 1", "0 b 1", "0 a 2", "0 b 2"],
    ...["1 b 2", "1 a 2", "1 b 1", "1 a 1"],
  ]);
});

Deno.test("an engine that fails is not asked again, and the others go on", async () => {
  const log: string[] = [];
  const { comparisons } = await compare(
    [match(contender("a", log), contender("b", log, 0))],
    { ...options, threads: [1] },
  );
  assert.deepEqual(log, ["0 a 1", "0 b 1", "1 a 1"]);
  const [a, b] = comparisons[0]!.entries;
  assert.deepEqual(a!.samples.map((sample) => sample?.speeds.decode), [0, 1]);
  assert.equal(a!.failure, undefined);
  assert.deepEqual(b!.samples, []);
  assert.equal(b!.failure, "no memory");
});

Deno.test("repetitions end when the time is up", async () => {
  const log: string[] = [];
  const asked: number[] = [];
  const { repetitions } = await compare([match(contender("a", log))], {
    ...options,
    threads: [1],
    repetitions: 5,
    hasTime: (done) => asked.push(done) < 3,
  });
  assert.equal(repetitions, 3);
  assert.deepEqual(asked, [1, 2, 3]);
  assert.equal(log.length, 3);
});

Deno.test("a comparison that is interrupted ends with the reason", async () => {
  const controller = new AbortController();
  const log: string[] = [];
  const stopping: Contender = {
    ...contender("a", log),
    measure() {
      controller.abort(new Error("interrupted"));
      return Promise.reject(new Error("killed"));
    },
  };
  const matches = [match(stopping, contender("b", log))];
  await assert.rejects(
    compare(matches, { ...options, signal: controller.signal }),
    /interrupted/,
  );
  assert.deepEqual(log, []);
});
