/**
 * The tests of contract attention-kernel-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { assertClose, assertSameBits } from "../../kernels/comparing.ts";
import { MAX_HEAD_SIZE } from "../../kernels/constants.ts";
import {
  type AttentionCase,
  attentionTruth,
  cases,
  firstElements,
  type HeadShape,
  inQ8_0,
  randomCase,
  SHAPES,
  SPANS,
  tokensOf,
} from "./attention_truth.ts";
import type { Falsification } from "../falsification.ts";
import { type Attention, engineAttention } from "./own_attention.ts";
import { ownKernels } from "./own_kernels.ts";

/** One head's part of queries, keys, values or results: heads are their rows. */
function rowOf(x: Float32Array, row: number, headSize: number): Float32Array {
  return x.slice(row * headSize, (row + 1) * headSize);
}

/** Fails unless the tokens of a case have the same bits one by one. */
function assertAlone(attend: Attention["attend"], attended: AttentionCase): void {
  const { heads, headSize, firstPosition } = attended;
  const row = heads * headSize;
  const tokens = Array.from({ length: tokensOf(attended) }, (_, token) => token);
  const alone = tokens.flatMap((token) => {
    const q = attended.q.slice(token * row, (token + 1) * row);
    return [...attend({ ...attended, q, firstPosition: firstPosition + token })];
  });
  assertSameBits(attend(attended), Float32Array.from(alone));
}

/** The tests of attention-kernel-v1. */
export const attentionKernel: Falsification<Attention> = {
  contract: "attention-kernel-v1",

  subject: async () => engineAttention(await ownKernels(8 << 20)),

  tests: [
    {
      id: "F-ATTENTION-001",
      title: "attention is the values' mean, weighted by the softmax of scaled scores",
      run({ attend }) {
        for (const attended of cases()) {
          // Scores stay below 3 and are summed in f32, which leaves some 4e-7 of each weight open,
          // and a power 2e-7. No value exceeds 1.
          assertClose(attend(attended), attentionTruth(attended), () => 1e-6);
        }
      },
    },
    {
      id: "F-ATTENTION-002",
      title: "what lies at later positions changes no bit",
      run({ attend }) {
        for (const shape of SHAPES) {
          for (const firstPosition of [0, 60]) {
            const attended = randomCase(shape, firstPosition, 9);
            const expected = attend(attended);
            const row = shape.heads * shape.headSize;
            for (let token = 0; token < 9; token++) {
              const seen = (firstPosition + token + 1) * shape.kvHeads * shape.headSize;
              const [keys, values] = [attended.keys.slice(), attended.values.slice()];
              keys.fill(NaN, seen);
              values.fill(NaN, seen);
              const out = attend({ ...attended, keys, values });
              const upTo = (x: Float32Array) => x.slice(0, (token + 1) * row);
              assertSameBits(upTo(out), upTo(expected));
            }
          }
        }
      },
    },
    {
      id: "F-ATTENTION-003",
      title: "a token at position 0 gets its own value, unchanged",
      run({ attend }) {
        for (const shape of SHAPES) {
          const attended = randomCase(shape, 0, 1);
          const out = attend(attended);
          for (let head = 0; head < shape.heads; head++) {
            const kvHead = Math.floor(head / (shape.heads / shape.kvHeads));
            const value = rowOf(attended.values, kvHead, shape.headSize);
            assertSameBits(rowOf(out, head, shape.headSize), value);
          }
        }
      },
    },
    {
      id: "F-ATTENTION-004",
      title: "among equal keys every value weighs the same",
      run({ attend }) {
        for (const { keys, ...attended } of cases()) {
          const row = attended.kvHeads * attended.headSize;
          const equal = { ...attended, keys: keys.map((_, i) => keys[i % row]!) };
          const weights = (scores: readonly number[]) => scores.map(() => 1 / scores.length);
          // All powers are e^0 = 1: only sums of values and one division round.
          assertClose(attend(equal), attentionTruth(equal, { weights }), () => 2 ** -22);
        }
      },
    },
    {
      id: "F-ATTENTION-005",
      title: "a key 200 ahead of all others brings its value unmixed, wherever it stands",
      run({ attend }) {
        const shape: HeadShape = { heads: 4, kvHeads: 2, headSize: 64 };
        // e^-200 is 0 in f32. The score of the key e_0 is 200 sqrt(d) / sqrt(d).
        const run = (at: number, firstPosition: number, tokens: number) => {
          const attended: AttentionCase = {
            ...randomCase(shape, firstPosition, tokens),
            q: firstElements(tokens * 4, 64, () => 1600),
            keys: firstElements((firstPosition + tokens) * 2, 64, (row) => row >> 1 === at ? 1 : 0),
          };
          const out = attend(attended);
          for (let i = 0; i < tokens * 4; i++) {
            const value = rowOf(attended.values, 2 * at + (i % 4 >> 1), 64);
            assertSameBits(rowOf(out, i, 64), value);
          }
        };
        for (const at of [0, 1, 7, 31, 63, 64, 127, 128]) {
          run(at, at, 1);
          run(at, 520, 1);
          run(at, 128, 9);
          run(at, 505, 9);
        }
      },
    },
    {
      id: "F-ATTENTION-006",
      title: "query head h reads key-value head h / (heads / kvHeads)",
      run({ attend }) {
        for (const [heads, kvHeads] of [[4, 2], [6, 3], [32, 4], [12, 4], [5, 5]] as const) {
          const shape = { heads, kvHeads, headSize: 16 };
          // Head g's keys favour position g by 200, and its value at position p is 100 p + g + 1.
          const of = (row: number) => [Math.floor(row / kvHeads), row % kvHeads] as const;
          const out = attend({
            ...shape,
            firstPosition: kvHeads - 1,
            q: firstElements(heads, 16, () => 800),
            keys: firstElements(kvHeads ** 2, 16, (row) => of(row)[0] === of(row)[1] ? 1 : 0),
            values: firstElements(kvHeads ** 2, 16, (row) => 100 * of(row)[0] + of(row)[1] + 1),
          });
          const group = heads / kvHeads;
          const actual = Array.from({ length: heads }, (_, head) => out[head * 16]);
          const expected = actual.map((_, head) => 101 * Math.floor(head / group) + 1);
          assert.deepEqual(actual, expected, `${heads} heads share ${kvHeads}`);
        }
      },
    },
    {
      id: "F-ATTENTION-007",
      title: "scores are divided by the root of the head size",
      run({ attend }) {
        for (const headSize of [2, 4, 20, 64, 80, 128, 256]) {
          // Scores 0 and ln 3 after the division: weights 1/4 and 3/4 of 4 and 8.
          const out = attend({
            heads: 1,
            kvHeads: 1,
            headSize,
            firstPosition: 1,
            q: firstElements(1, headSize, () => Math.sqrt(headSize) * Math.log(3)),
            keys: firstElements(2, headSize, (position) => position),
            values: firstElements(2, headSize, (position) => position === 0 ? 4 : 8),
          });
          assert.ok(Math.abs(out[0]! - 7) <= 2 ** -20, `${out[0]} at head size ${headSize}`);
        }
      },
    },
    {
      id: "F-ATTENTION-008",
      title: "scores of 89 and far beyond overflow nothing",
      run({ attend }) {
        for (const offset of [0, 89, 104, 1e4, -1e4, 1e6, -1e6, 1e30, -1e30]) {
          // Scores offset and offset + 1, exact up to 1e6: weights 1 and e of 1 + e. At 1e30 the
          // 1 is lost, and both weigh the same.
          const second = Math.abs(offset) < 1e7 ? 0.7310585786 : 0.5;
          const keys = new Float32Array(128);
          keys.set([0, 1], 0);
          keys.set([1, 1], 64);
          const q = new Float32Array(64);
          q.set([8, 8 * offset]);
          const values = firstElements(2, 64, (position) => position === 0 ? 4 : 8);
          const shape = { heads: 1, kvHeads: 1, headSize: 64, firstPosition: 1 };
          const [out] = attend({ ...shape, q, keys, values });
          const error = Math.abs(out! - (4 + 4 * second));
          assert.ok(error <= 2e-6, `${out} at scores around ${offset}`);
        }
        // Every score 10 above the one before, through blocks of positions.
        const shape: HeadShape = { heads: 2, kvHeads: 1, headSize: 64 };
        const rising: AttentionCase = {
          ...randomCase(shape, 139, 1),
          q: firstElements(2, 64, () => 80),
          keys: firstElements(140, 64, (position) => position),
        };
        assertClose(attend(rising), attentionTruth(rising), () => 1e-6);
      },
    },
    {
      id: "F-ATTENTION-009",
      title: "tokens one by one have the bits of the batch",
      run({ attend }) {
        for (const shape of SHAPES) {
          for (const [firstPosition, tokens] of SPANS) {
            assertAlone(attend, randomCase(shape, firstPosition, tokens));
          }
        }
      },
    },
    {
      id: "F-ATTENTION-010",
      title: "heads and tokens do not see one another's queries",
      run({ attend }) {
        for (const shape of SHAPES) {
          const { heads, headSize } = shape;
          const attended = randomCase(shape, 60, 9);
          const expected = attend(attended);
          for (const changed of [0, heads - 1, 4 * heads, 9 * heads - 1]) {
            const from = changed * headSize;
            const own = (i: number) => i >= from && i < from + headSize;
            const q = attended.q.map((value, i) => own(i) ? 3 - value : value);
            const out = attend({ ...attended, q });
            assertSameBits(out.filter((_, i) => !own(i)), expected.filter((_, i) => !own(i)));
            assert.notDeepEqual(out.filter((_, i) => own(i)), expected.filter((_, i) => own(i)));
          }
        }
      },
    },
    {
      id: "F-ATTENTION-011",
      title: "a result lies between the least and the largest value seen",
      run({ attend }) {
        for (const scale of [1, 50]) {
          for (const { q, ...attended } of cases()) {
            // Values between 1 and 3: a weight too much or too little leads out of that.
            const values = attended.values.map((value) => 2 + value);
            const out = attend({ ...attended, q: q.map((x) => scale * x), values });
            const outside = out.find((x) => !(x >= 1 - 1e-6 && x <= 3 + 1e-6));
            assert.equal(outside, undefined);
          }
        }
      },
    },
    {
      id: "F-ATTENTION-012",
      title: "heads wider than the scratch are refused",
      run({ attend }) {
        const of = (headSize: number) => randomCase({ heads: 1, kvHeads: 1, headSize }, 0, 1);
        attend(of(MAX_HEAD_SIZE));
        assert.throws(() => attend(of(MAX_HEAD_SIZE + 1)), WebAssembly.RuntimeError);
        assert.throws(() => attend(of(2 * MAX_HEAD_SIZE)), WebAssembly.RuntimeError);
      },
    },
    {
      id: "F-ATTENTION-013",
      title: "attention to q8_0 is attention to the values that q8_0 keeps",
      run({ attend }) {
        for (const shape of SHAPES.filter(({ headSize }) => headSize % 32 === 0)) {
          for (const [firstPosition, tokens] of SPANS) {
            const attended = randomCase(shape, firstPosition, tokens);
            // The tolerance is that of F-ATTENTION-001; unrounded values are some 1e-3 away.
            assertClose(
              attend({ ...attended, format: "q8_0" }),
              attentionTruth(inQ8_0(attended)),
              () => 1e-6,
            );
          }
        }
      },
    },
    {
      id: "F-ATTENTION-014",
      title: "tokens one by one have the bits of the batch, to q8_0 as well",
      run({ attend }) {
        for (const shape of SHAPES.filter(({ headSize }) => headSize % 32 === 0)) {
          for (const [firstPosition, tokens] of SPANS) {
            assertAlone(attend, { ...randomCase(shape, firstPosition, tokens), format: "q8_0" });
          }
        }
      },
    },
  ],
};
