import { type Rope, ropeKernel } from "../kernels/rope_kernel.ts";
import { angleOf, pairsOf, type Rotation } from "../kernels/rope_truth.ts";
import { readHyperParameters } from "../../model/hyperparameters.ts";
import { UnsupportedOperationError } from "../../model/errors.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** Radians by which a pair of a head turns. */
type Angle = (
  at: { firstPosition: number; token: number; head: number; pair: number },
  rotation: Rotation,
) => number;

const right: Angle = ({ firstPosition, token, pair }, rotation) =>
  angleOf(firstPosition + token, pair, rotation);

/** Rotation in plain TypeScript by any angle. */
function rotateBy(angle: Angle): Rope["rotate"] {
  return (x, firstPosition, rotation) => {
    const { heads, headSize } = rotation;
    const out = x.slice();
    for (let row = 0; row < x.length / headSize; row++) {
      pairsOf(rotation).forEach((place, pair) => {
        const at = { firstPosition, token: Math.floor(row / heads), head: row % heads, pair };
        const [cosine, sine] = [Math.cos(angle(at, rotation)), Math.sin(angle(at, rotation))];
        const [first, second] = place.map((i) => row * headSize + i) as [number, number];
        out[first] = x[first]! * cosine - x[second]! * sine;
        out[second] = x[first]! * sine + x[second]! * cosine;
      });
    }
    return out;
  };
}

const rotate = rotateBy(right);

/** A rotary embedding in plain TypeScript, with one of its parts replaced. */
function rope(broken: Partial<Rope>): () => Rope {
  const sound: Rope = {
    rotate,
    read(file) {
      const { ropeDimensions, ropeBase, ropeScale } = readHyperParameters(file);
      return { rotary: ropeDimensions, base: ropeBase, scale: ropeScale };
    },
    kindOf: (architecture) => architecture === "llama" ? "pairs" : "neox",
  };
  return () => ({ ...sound, ...broken });
}

const turnedBy = (angle: Angle) => rope({ rotate: rotateBy(angle) });

export const ropeKernelMutants: BoundMutant[] = mutants(ropeKernel, [
  {
    name: "neighbours turned instead of halves",
    caughtBy: ["F-ROPE-001", "F-ROPE-007"],
    subject: rope({
      rotate: (x, first, rotation) => rotate(x, first, { ...rotation, kind: "pairs" }),
    }),
  },
  {
    name: "the sine's sign flipped",
    caughtBy: ["F-ROPE-001", "F-ROPE-002", "F-ROPE-007"],
    subject: turnedBy((at, rotation) => -right(at, rotation)),
  },
  {
    name: "a base of 10,000 whatever the file says",
    caughtBy: ["F-ROPE-011"],
    subject: rope({ read: (file) => ({ ...rope({})().read(file), base: 10_000 }) }),
  },
  {
    name: "angle of the head's number instead of the position's",
    caughtBy: ["F-ROPE-001", "F-ROPE-009"],
    subject: turnedBy(({ pair, head }, rotation) => angleOf(head, pair, rotation)),
  },
  {
    name: "frequency exponent i / d instead of 2i / d",
    caughtBy: ["F-ROPE-001", "F-ROPE-002"],
    subject: turnedBy((at, rotation) =>
      angleOf(at.firstPosition + at.token, at.pair / 2, { ...rotation, factors: undefined }) /
      (rotation.factors?.[at.pair] ?? 1)
    ),
  },
  {
    name: "positions counted from 1",
    caughtBy: ["F-ROPE-003", "F-ROPE-006"],
    subject: rope({ rotate: (x, first, rotation) => rotate(x, first + 1, rotation) }),
  },
  {
    name: "angles in f32",
    caughtBy: ["F-ROPE-002", "F-ROPE-005"],
    subject: turnedBy((at, rotation) => Math.fround(right(at, rotation))),
  },
  {
    name: "every token of a batch at the first one's position",
    caughtBy: ["F-ROPE-001", "F-ROPE-009"],
    subject: turnedBy((at, rotation) => right({ ...at, token: 0 }, rotation)),
  },
  {
    name: "the whole head turned where a part should",
    caughtBy: ["F-ROPE-008"],
    subject: rope({
      rotate: (x, first, rotation) => rotate(x, first, { ...rotation, rotary: rotation.headSize }),
    }),
  },
  {
    name: "vectors stretched by 1.1, as YaRN stretches them",
    caughtBy: ["F-ROPE-004"],
    subject: rope({
      rotate: (x, first, rotation) => rotate(x.map((value) => value * 1.1), first, rotation),
    }),
  },
  {
    name: "the linear factor multiplies positions",
    caughtBy: ["F-ROPE-010"],
    subject: rope({
      rotate: (x, first, rotation) => rotate(x, first, { ...rotation, scale: 1 / rotation.scale }),
    }),
  },
  {
    name: "frequency factors left out",
    caughtBy: ["F-ROPE-010"],
    subject: rope({
      rotate: (x, first, rotation) => rotate(x, first, { ...rotation, factors: undefined }),
    }),
  },
  {
    name: "a scaling that it does not know taken for none",
    caughtBy: ["F-ROPE-011"],
    subject: rope({
      read(file) {
        try {
          return rope({})().read(file);
        } catch (error) {
          if (!(error instanceof UnsupportedOperationError)) throw error;
          return { rotary: 2, base: 10_000, scale: 1 };
        }
      },
    }),
  },
  {
    name: "every architecture taken for a NEOX one",
    caughtBy: ["F-ROPE-012"],
    subject: rope({ kindOf: () => "neox" }),
  },
]);
