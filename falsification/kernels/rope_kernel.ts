/**
 * The tests of contract rope-kernel-v1.
 *
 * @module
 */
import assert from "node:assert/strict";
import { normalizeArchitecture } from "../../contracts/mod.ts";
import type { GgufFile, MetadataValue } from "../../gguf/mod.ts";
import { assertClose, assertSameBits } from "../../kernels/comparing.ts";
import { ARCHITECTURES } from "../../model/architectures.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import { writeRopeAngles } from "../../model/rope_angles.ts";
import type { Falsification } from "../falsification.ts";
import { ownKernels } from "./own_kernels.ts";
import {
  cases,
  dot,
  length,
  pairsOf,
  POSITIONS,
  type RopeKind,
  type Rotation,
  ROUNDING,
  TOKENS,
  turned,
} from "./rope_truth.ts";

/** What a file says of rotation. */
export type FileRotation = Pick<Rotation, "rotary" | "base" | "scale">;

/** A rotary embedding under test. */
export interface Rope {
  /**
   * @param x [tokens, heads, headSize], token t at position firstPosition + t
   * @returns the same, turned
   */
  rotate(x: Float32Array, firstPosition: number, rotation: Rotation): Float32Array;
  /** @throws {UnsupportedOperationError} If the file wants a scaling other than the linear one. */
  read(file: GgufFile): FileRotation;
  /** The kind of an architecture's GGUF files; undefined for one that can't be run. */
  kindOf(architecture: string): RopeKind | undefined;
}

/** The same file, with some keys under its architecture's prefix replaced, or removed. */
function withKeys(file: GgufFile, keys: Record<string, MetadataValue | undefined>): GgufFile {
  const prefix = file.metadata.get("general.architecture") as string;
  const metadata = new Map(file.metadata);
  for (const [key, value] of Object.entries(keys)) {
    if (value === undefined) metadata.delete(`${prefix}.${key}`);
    else metadata.set(`${prefix}.${key}`, value);
  }
  return new Proxy(file, {
    get: (target, key) => key === "metadata" ? metadata : Reflect.get(target, key),
  });
}

/** What leaves positions as they are. */
const UNSCALED = {
  "rope.scaling.type": undefined,
  "rope.scaling.factor": undefined,
  "rope.scale_linear": undefined,
};

/** The tests of rope-kernel-v1. */
export const ropeKernel: Falsification<Rope> = {
  contract: "rope-kernel-v1",

  subject: async () => {
    const { kernels, memory } = await ownKernels();
    return {
      rotate(x, firstPosition, { kind, heads, headSize, rotary, base, scale, factors }) {
        memory.reset();
        const tokens = x.length / (heads * headSize);
        const angles = new Float32Array(tokens * rotary);
        writeRopeAngles(angles, firstPosition, tokens, {
          ropeBase: base,
          ropeDimensions: rotary,
          ropeScale: scale,
          frequencyFactors: factors,
        });
        const [at, by] = [memory.put(x), memory.put(angles)];
        const operation = kind === "neox" ? "ropeNeox" : "ropePairs";
        kernels[operation](0, tokens, at, by, heads, headSize, rotary);
        memory.assertGuards();
        return memory.floats(at, x.length);
      },
      read(file) {
        const { ropeDimensions, ropeBase, ropeScale } = readHyperParameters(file);
        return { rotary: ropeDimensions, base: ropeBase, scale: ropeScale };
      },
      kindOf: (architecture) => ARCHITECTURES[normalizeArchitecture(architecture)]?.rope,
    };
  },

  tests: [
    {
      id: "F-ROPE-001",
      title: "pair i of position p turns by p * base^(-2i / d)",
      run({ rotate }) {
        for (const base of [1e4, 1e6, 1e7]) {
          for (const { rotation, x } of cases(base)) {
            for (const position of POSITIONS) {
              const expected = turned(x, position, rotation);
              // A pair of elements below 1 is at most sqrt(2) long.
              assertClose(rotate(x, position, rotation), expected, () => Math.SQRT2 * ROUNDING);
            }
          }
        }
      },
    },
    {
      id: "F-ROPE-002",
      title: "angles are right at position 99,999 and base 1e7",
      run({ rotate }) {
        // d = 14: the frequencies are 1e7^(-i / 7) = 10^-i. A pair (1, 0) becomes (cos, sin).
        const shape = { heads: 1, headSize: 14, rotary: 14, base: 1e7, scale: 1 };
        const x = Float32Array.from({ length: 14 }, (_, i) => i % 2 === 0 ? 1 : 0);
        const expected = [99_999, 9999.9, 999.99, 99.999, 9.9999, 0.99999, 0.099999]
          .flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
        const out = rotate(x, 99_999, { ...shape, kind: "pairs" });
        // Half a step of f32 below 1 is 2^-25.
        assertClose(out, Float32Array.from(expected), () => 2 ** -25 + 1e-9);
      },
    },
    {
      id: "F-ROPE-003",
      title: "position 0 turns nothing",
      run({ rotate }) {
        for (const { rotation, x } of cases()) {
          const first = x.slice(0, rotation.heads * rotation.headSize);
          assertSameBits(rotate(first, 0, rotation), first);
        }
      },
    },
    {
      id: "F-ROPE-004",
      title: "every pair keeps its length",
      run({ rotate }) {
        for (const { rotation, x } of cases()) {
          for (const position of POSITIONS) {
            const out = rotate(x, position, rotation);
            for (let head = 0; head < x.length; head += rotation.headSize) {
              for (const [a, b] of pairsOf(rotation)) {
                const before = Math.hypot(x[head + a]!, x[head + b]!);
                const after = Math.hypot(out[head + a]!, out[head + b]!);
                assert.ok(
                  Math.abs(after - before) <= ROUNDING * before,
                  `a pair of length ${before} has length ${after} at position ${position}`,
                );
              }
            }
          }
        }
      },
    },
    {
      id: "F-ROPE-005",
      title: "a query and a key meet by the difference of their positions alone",
      run({ rotate }) {
        for (const { rotation, x } of cases()) {
          const alone = { ...rotation, heads: 1 };
          const [q, k] = [x.slice(0, rotation.headSize), x.slice(-rotation.headSize)];
          const meet = (m: number, n: number) => dot(rotate(q, m, alone), rotate(k, n, alone));
          for (const difference of [0, 1, 5, 1000]) {
            const expected = meet(difference, 0);
            for (const shift of [1, 64, 4095, 90_000]) {
              const score = meet(difference + shift, shift);
              // Four rotations, each off by ROUNDING of its length at most.
              assert.ok(
                Math.abs(score - expected) <= 4 * ROUNDING * length(q) * length(k),
                `${difference} apart: ${expected}, and ${score} from position ${shift} on`,
              );
            }
          }
        }
      },
    },
    {
      id: "F-ROPE-006",
      title: "turning by m and then by n is turning by m + n",
      run({ rotate }) {
        for (const { rotation, x } of cases()) {
          const first = x.slice(0, rotation.heads * rotation.headSize);
          for (const [m, n] of [[1, 1], [3, 1000], [4095, 60_000]] as const) {
            const twice = rotate(rotate(first, m, rotation), n, rotation);
            const tolerance = () => 3 * Math.SQRT2 * ROUNDING;
            assertClose(twice, rotate(first, m + n, rotation), tolerance);
          }
        }
      },
    },
    {
      id: "F-ROPE-007",
      title: "NEOX turns halves, pairs turns neighbours, both from the first to the second",
      run({ rotate }) {
        // A base of 1 turns all pairs alike, and a scale of 2 / pi makes position 1 a quarter turn:
        // (a, b) becomes (-b, a).
        const quarter = { heads: 1, headSize: 6, rotary: 4, base: 1, scale: 2 / Math.PI };
        const x = Float32Array.of(1, 2, 3, 4, 5, 6);
        const close = (kind: RopeKind, expected: number[]) =>
          assertClose(
            rotate(x, 1, { ...quarter, kind }),
            Float32Array.from(expected),
            () => 5 * ROUNDING,
          );
        close("neox", [-3, -4, 1, 2, 5, 6]);
        close("pairs", [-2, 1, -4, 3, 5, 6]);
      },
    },
    {
      id: "F-ROPE-008",
      title: "elements beyond the rotary ones stay as they are",
      run({ rotate }) {
        let seen = 0;
        for (const { rotation, x } of cases()) {
          const { headSize, rotary } = rotation;
          const out = rotate(x, 1234, rotation);
          for (let head = 0; head < x.length; head += headSize) {
            const rest = (values: Float32Array) => values.slice(head + rotary, head + headSize);
            assertSameBits(rest(out), rest(x));
            seen += rest(x).length;
          }
        }
        assert.ok(seen > 0, "no head had a rest");
      },
    },
    {
      id: "F-ROPE-009",
      title: "heads of a token turn alike, and a token alone as in a batch",
      run({ rotate }) {
        for (const { rotation, x } of cases()) {
          const { heads, headSize } = rotation;
          const row = heads * headSize;
          const together = rotate(x, 500, rotation);
          for (let token = 0; token < TOKENS; token++) {
            const own = (values: Float32Array) => values.slice(token * row, (token + 1) * row);
            assertSameBits(rotate(own(x), 500 + token, rotation), own(together));
          }
          const alike = Float32Array.from({ length: row }, (_, i) => x[i % headSize]!);
          const out = rotate(alike, 500, rotation);
          assertSameBits(out.map((_, i) => out[i % headSize]!), out);
        }
      },
    },
    {
      id: "F-ROPE-010",
      title: "a linear factor divides positions, a frequency factor those of its pair",
      run({ rotate }) {
        for (const { rotation, x } of cases()) {
          const first = x.slice(0, rotation.heads * rotation.headSize);
          const close = (actual: Float32Array, expected: Float32Array) =>
            assertClose(actual, expected, () => 2 * Math.SQRT2 * ROUNDING);
          close(rotate(first, 4000, { ...rotation, scale: 8 }), rotate(first, 500, rotation));

          const factors = Float32Array.from(
            { length: rotation.rotary / 2 },
            (_, i) => 2 ** (i % 4),
          );
          const out = rotate(first, 4000, { ...rotation, factors });
          pairsOf(rotation).forEach((pair, i) => {
            const plain = rotate(first, 4000 / factors[i]!, rotation);
            const own = (values: Float32Array) => Float32Array.from(pair, (at) => values[at]!);
            close(own(out), own(plain));
          });
        }
      },
    },
    {
      id: "F-ROPE-011",
      title: "base, dimensions and linear factor are the file's, and another scaling is refused",
      of: "model",
      run({ read }, { file }) {
        const of = (keys: Record<string, MetadataValue | undefined>) =>
          read(withKeys(file, { ...UNSCALED, ...keys }));
        for (const base of [10_000, 12_345, 1e7]) {
          assert.equal(of({ "rope.freq_base": base }).base, base);
        }
        assert.equal(of({ "rope.dimension_count": 2 }).rotary, 2);
        assert.equal(of({}).scale, 1);
        const scaled = (type: string) =>
          of({ "rope.scaling.type": type, "rope.scaling.factor": 4 }).scale;
        assert.equal(scaled("none"), 1);
        assert.equal(scaled("linear"), 4);
        // Older files say no type, and older ones yet have another key.
        assert.equal(of({ "rope.scaling.factor": 4 }).scale, 4);
        assert.equal(of({ "rope.scale_linear": 4 }).scale, 4);
        for (const type of ["yarn", "longrope", "anything"]) {
          assert.throws(() => scaled(type), {
            name: "UnsupportedOperationError",
            message: new RegExp(type),
          });
        }
      },
    },
    {
      id: "F-ROPE-012",
      title: "Qwen's files turn halves, llama's turn neighbours",
      run({ kindOf }) {
        for (const architecture of ["qwen2", "qwen3", "qwen3moe"]) {
          assert.equal(kindOf(architecture), "neox", architecture);
        }
        assert.equal(kindOf("llama"), "pairs");
      },
    },
  ],
};
