import { route } from "../../kernels/oracles/router.ts";
import { moeRouter, type Router, type Routes } from "../moe_router.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

/** A router in plain TypeScript, with one of its parts replaced. */
function router(broken: Partial<Router>): () => Router {
  return () => ({ route, check: () => {}, ...broken });
}

/** Softmax without subtracting the largest logit. */
function withoutMaximum(logits: Float32Array): Float32Array {
  const powers = logits.map((logit) => Math.fround(Math.exp(logit)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The k largest by `order`, each weighing what `weigh` says. */
function choose(
  logits: Float32Array,
  experts: number,
  k: number,
  order: (row: Float32Array) => number[],
  weigh: (row: Float32Array, chosen: number[]) => number[],
): Routes {
  const tokens = logits.length / experts;
  const all = Array.from({ length: tokens }, (_, token) => {
    const row = logits.subarray(token * experts, (token + 1) * experts);
    const chosen = order(row).slice(0, k);
    return { chosen, weights: weigh(row, chosen) };
  });
  return {
    ids: Int32Array.from(all.flatMap(({ chosen }) => chosen)),
    weights: Float32Array.from(all.flatMap(({ weights }) => weights)),
  };
}

const falling = (row: Float32Array) =>
  Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

export const moeRouterMutants: BoundMutant[] = mutants(moeRouter, [
  {
    name: "without renormalization",
    caughtBy: ["F-ROUTER-003", "F-ROUTER-009"],
    subject: router({ route: (logits, experts, k) => route(logits, experts, k, false) }),
  },
  {
    name: "softmax over the chosen experts only",
    caughtBy: ["F-ROUTER-001"],
    subject: router({ route: (logits, experts, k) => route(logits, experts, k, true) }),
  },
  {
    name: "softmax without the largest logit subtracted",
    caughtBy: ["F-ROUTER-007"],
    subject: router({
      route: (logits, experts, k, normalize) =>
        choose(logits, experts, k, falling, (row, chosen) => {
          const all = withoutMaximum(row);
          const own = chosen.map((id) => all[id]!);
          return normalize ? own.map((weight) => weight / total(own)) : own;
        }),
    }),
  },
  {
    name: "the higher expert first on a tie",
    caughtBy: ["F-ROUTER-006"],
    subject: router({
      route: (logits, experts, k, normalize) => {
        const flipped = Float32Array.from(logits).reverse();
        const { ids, weights } = route(flipped, experts, k, normalize);
        // Token order turned round too: turn it back.
        const tokens = logits.length / experts;
        const order = Array.from(
          { length: tokens * k },
          (_, i) => (tokens - 1 - Math.floor(i / k)) * k + i % k,
        );
        return {
          ids: Int32Array.from(order, (i) => experts - 1 - ids[i]!),
          weights: Float32Array.from(order, (i) => weights[i]!),
        };
      },
    }),
  },
  {
    name: "one expert too few",
    caughtBy: ["F-ROUTER-002"],
    subject: router({
      route: (logits, experts, k, normalize) =>
        route(logits, experts, Math.max(1, k - 1), normalize),
    }),
  },
  {
    name: "weights of the batch's first token for all",
    caughtBy: ["F-ROUTER-005"],
    subject: router({
      route: (logits, experts, k, normalize) => {
        const routes = route(logits, experts, k, normalize);
        return { ...routes, weights: routes.weights.map((_, i) => routes.weights[i % k]!) };
      },
    }),
  },
  {
    name: "an epsilon added to every probability",
    caughtBy: ["F-ROUTER-008"],
    subject: router({
      route: (logits, experts, k, normalize) => {
        const routes = route(logits, experts, k, normalize);
        return { ...routes, weights: routes.weights.map((weight) => weight + 1e-7) };
      },
    }),
  },
  {
    name: "any shape of router taken",
    caughtBy: ["F-ROUTER-010"],
    subject: router({}),
  },
]);
