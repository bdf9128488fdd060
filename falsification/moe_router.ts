/**
 * The tests of contract moe-router-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomFloats } from "../kernels/comparing.ts";
import { resolveTensors } from "../model/tensors.ts";
import { readHyperParameters } from "../model/hyperparameters.ts";
import type { GgufFile } from "../gguf/mod.ts";
import type { Falsification } from "./falsification.ts";
import { ownKernels } from "./kernels/own_kernels.ts";

/** The router's choice for T tokens, the strongest expert first. */
export interface Routes {
  /** [tokens, k] */
  readonly ids: Int32Array;
  /** [tokens, k] */
  readonly weights: Float32Array;
}

/** A router under test. */
export interface Router {
  /**
   * @param logits [tokens, experts]
   * @param normalize divide a token's k weights by their sum
   * @throws unless 1 ≤ k ≤ experts
   */
  route(logits: Float32Array, experts: number, k: number, normalize: boolean): Routes;
  /** @throws unless the file's tensors, the router's among them, have the shapes it says */
  check(file: GgufFile): void;
}

/** (experts, k) from the smallest to those of the published models. */
const SIZES = [[1, 1], [2, 1], [5, 5], [8, 2], [60, 4], [128, 8], [512, 10]] as const;
const SEEDS = [1, 2, 3, 4];
const TOKENS = 3;

/** Logits of TOKENS tokens between -scale and scale, for every size and seed. */
function* cases(scale: number) {
  for (const [experts, k] of SIZES) {
    for (const seed of SEEDS) {
      yield { experts, k, logits: randomFloats(seed, TOKENS * experts, scale) };
    }
  }
}

/** Each token's share of an array of [tokens, columns]. */
function rows<Row extends Float32Array | Int32Array>(array: Row, columns: number): Row[] {
  return Array.from(
    { length: array.length / columns },
    (_, token) => array.subarray(token * columns, (token + 1) * columns) as Row,
  );
}

/** Softmax over all experts, in f64, the largest logit subtracted first. */
function probabilities(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

const sum = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);

/** The tests of moe-router-v1. */
export const moeRouter: Falsification<Router> = {
  contract: "moe-router-v1",

  subject: async () => {
    const { kernels, memory } = await ownKernels();
    return {
      route(logits, experts, k, normalize) {
        memory.reset();
        const tokens = logits.length / experts;
        const from = memory.put(logits);
        const [ids, weights] = [memory.reserve(4 * tokens * k), memory.reserve(4 * tokens * k)];
        kernels.route(0, tokens, from, ids, weights, experts, k, normalize ? 1 : 0);
        memory.assertGuards();
        return {
          ids: new Int32Array(memory.bytes(ids, 4 * tokens * k).buffer),
          weights: memory.floats(weights, tokens * k),
        };
      },
      check: (file) => void resolveTensors(file, readHyperParameters(file)),
    };
  },

  tests: [
    {
      id: "F-ROUTER-001",
      title: "softmax runs over all experts before the choice",
      run({ route }) {
        for (const { logits, experts, k } of cases(6)) {
          const { ids, weights } = route(logits, experts, k, false);
          rows(logits, experts).forEach((row, token) => {
            const expected = probabilities(row);
            for (let j = token * k; j < (token + 1) * k; j++) {
              const probability = expected[ids[j]!]!;
              const error = Math.abs(weights[j]! - probability);
              assert.ok(
                error <= 3e-6 * probability + 1e-12,
                `expert ${ids[j]} of ${experts} weighs ${
                  weights[j]
                }, its probability is ${probability}`,
              );
            }
          });
        }
      },
    },
    {
      id: "F-ROUTER-002",
      title: "exactly k distinct experts are chosen, and none is likelier than those",
      run({ route }) {
        for (const { logits, experts, k } of cases(6)) {
          const { ids, weights } = route(logits, experts, k, true);
          assert.equal(ids.length, TOKENS * k);
          assert.equal(weights.length, TOKENS * k);
          rows(ids, k).forEach((chosen, token) => {
            const own = rows(logits, experts)[token]!;
            assert.equal(new Set(chosen).size, k, `chose ${chosen.join()}`);
            assert.ok(chosen.every((id) => id >= 0 && id < experts), `chose ${chosen.join()}`);
            const least = Math.min(...Array.from(chosen, (id) => own[id]!));
            const passedOver = own.filter((logit, id) => !chosen.includes(id) && logit > least);
            assert.equal(passedOver.length, 0, `${passedOver.length} larger logits were left out`);
          });
        }
      },
    },
    {
      id: "F-ROUTER-003",
      title: "normalized weights sum to 1",
      run({ route }) {
        for (const scale of [0.01, 6, 60]) {
          for (const { logits, experts, k } of cases(scale)) {
            for (const weights of rows(route(logits, experts, k, true).weights, k)) {
              assert.ok(
                Math.abs(sum(weights) - 1) <= 1e-6,
                `${k} of ${experts} sum to ${sum(weights)}`,
              );
            }
          }
        }
      },
    },
    {
      id: "F-ROUTER-004",
      title: "normalizing keeps the order and the ratios of the weights",
      run({ route }) {
        for (const { logits, experts, k } of cases(6)) {
          const plain = route(logits, experts, k, false);
          const normalized = route(logits, experts, k, true);
          assert.deepEqual(normalized.ids, plain.ids);
          rows(plain.weights, k).forEach((before, token) => {
            const after = rows(normalized.weights, k)[token]!;
            for (let j = 0; j < k; j++) {
              assert.ok(j === 0 || after[j]! <= after[j - 1]!, "a later expert weighs more");
              const expected = before[j]! / sum(before);
              assert.ok(
                Math.abs(after[j]! - expected) <= 1e-6,
                `weight ${j} is ${after[j]}, its share is ${expected}`,
              );
            }
          });
        }
      },
    },
    {
      id: "F-ROUTER-005",
      title: "the same logits give the same bits, alone or among others",
      run({ route }) {
        for (const { logits, experts, k } of cases(6)) {
          const together = route(logits, experts, k, true);
          assert.deepEqual(route(logits, experts, k, true), together);
          const alone = rows(logits, experts).map((row) => route(row.slice(), experts, k, true));
          assert.deepEqual(alone.flatMap(({ ids }) => [...ids]), [...together.ids]);
          assert.deepEqual(alone.flatMap(({ weights }) => [...weights]), [...together.weights]);
        }
      },
    },
    {
      id: "F-ROUTER-006",
      title: "on a tie the expert with the lower number comes first",
      run({ route }) {
        const choose = (logits: number[], k: number) => [
          ...route(Float32Array.from(logits), logits.length, k, true).ids,
        ];
        assert.deepEqual(choose([1, 1, 1, 1], 2), [0, 1]);
        assert.deepEqual(choose([0, 2, 1, 2, 1], 3), [1, 3, 2]);
        assert.deepEqual(choose([-0, 0, -0, 0], 4), [0, 1, 2, 3]);
        // A full row of 128 equal logits, as a router of zeros gives.
        assert.deepEqual(choose(new Array(128).fill(0.25), 8), [0, 1, 2, 3, 4, 5, 6, 7]);
      },
    },
    {
      id: "F-ROUTER-007",
      title: "logits of 88 and far beyond overflow nothing",
      run({ route }) {
        // e^89 is no f32. By hand: e^0, e^-1, e^-2 of 1.503215 in all.
        for (const base of [89, 1e4, -1e4, 3e38]) {
          const step = base === 3e38 ? 0 : 1;
          const logits = Float32Array.of(base, base - step, base - 2 * step);
          const { ids, weights } = route(logits, 3, 3, false);
          const expected = step === 0
            ? [1 / 3, 1 / 3, 1 / 3]
            : [0.66524096, 0.24472847, 0.09003057];
          assert.deepEqual([...ids], [0, 1, 2]);
          weights.forEach((weight, j) =>
            assert.ok(
              Math.abs(weight - expected[j]!) <= 1e-6,
              `${weight} at logits around ${base}`,
            )
          );
        }
      },
    },
    {
      id: "F-ROUTER-008",
      title: "probabilities that vanish in f32 leave one expert with the whole weight",
      run({ route }) {
        const logits = new Float32Array(128).fill(-200);
        logits[77] = 50;
        for (const normalize of [true, false]) {
          const { ids, weights } = route(logits, 128, 8, normalize);
          // e^-250 is below the smallest f32, so the others are 0, not noise.
          assert.deepEqual([...ids], [77, 0, 1, 2, 3, 4, 5, 6]);
          assert.deepEqual([...weights], [1, 0, 0, 0, 0, 0, 0, 0]);
        }
      },
    },
    {
      id: "F-ROUTER-009",
      title: "a router whose weights are all zero shares evenly",
      run({ route }) {
        for (const [experts, k] of SIZES) {
          const logits = new Float32Array(TOKENS * experts);
          for (const weight of route(logits, experts, k, true).weights) {
            assert.ok(Math.abs(weight - 1 / k) <= 1e-7, `${weight} instead of 1/${k}`);
          }
          for (const weight of route(logits, experts, k, false).weights) {
            assert.ok(Math.abs(weight - 1 / experts) <= 1e-7, `${weight} instead of 1/${experts}`);
          }
        }
      },
    },
    {
      id: "F-ROUTER-010",
      title: "a router tensor of another shape is refused by its name",
      of: "mixture",
      run({ check }, { file }) {
        const name = "blk.0.ffn_gate_inp.weight";
        const tensor = file.tensors.get(name)!;
        const [hidden, experts] = tensor.shape as [number, number];
        check(file);
        for (const shape of [[experts, hidden + 1], [hidden, experts + 1], [hidden], []]) {
          const tensors = new Map(file.tensors).set(name, { ...tensor, shape });
          const misshapen = new Proxy(file, {
            get: (target, key) => key === "tensors" ? tensors : Reflect.get(target, key),
          });
          assert.throws(() => check(misshapen), new RegExp(`'${name}' has the shape`));
        }
      },
    },
  ],
};
