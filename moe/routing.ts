/**
 * What routers chose, as it comes out of the engine.
 *
 * @module
 */

/** The experts that one token went through in one layer. */
export interface Route {
  /** the token's place in its sequence, from 0 */
  readonly position: number;
  /** its id */
  readonly token: number;
  /** from 0 */
  readonly layer: number;
  /** numbers of the experts, strongest first */
  readonly experts: readonly number[];
  /** what each one's output was multiplied by */
  readonly weights: readonly number[];
  /** what the output of the expert that all tokens share was multiplied by; only where there is one */
  readonly shared?: number;
}

/** What the routers of all layers chose for the tokens of one forward pass. */
export interface RoutingRecord {
  /** [layers, tokens, k] */
  readonly experts: Int32Array<ArrayBuffer>;
  /** [layers, tokens, k] as they were applied, after any division by their sum */
  readonly weights: Float32Array<ArrayBuffer>;
  /** [layers, tokens]: the sigmoid of the gate; empty without a shared expert */
  readonly shared: Float32Array<ArrayBuffer>;
}

/** Room for the choices of one forward pass. */
export function createRoutingRecord(
  { layers, tokens, k, shared }: { layers: number; tokens: number; k: number; shared: boolean },
): RoutingRecord {
  return {
    experts: new Int32Array(layers * tokens * k),
    weights: new Float32Array(layers * tokens * k),
    shared: new Float32Array(shared ? layers * tokens : 0),
  };
}

/**
 * Which experts some tokens that follow one another went through. Iterating gives the routes token by
 * token, and of each token layer by layer; the arrays hold the same, layer by layer.
 *
 * ```ts ignore
 * await session.sync(tokens, {
 *   onRouting(routing) {
 *     for (const { position, layer, experts, weights } of routing) {
 *       console.log(position, layer, experts, weights);
 *     }
 *   },
 * });
 * ```
 */
export class Routing implements Iterable<Route>, RoutingRecord {
  /** The place of the first token in its sequence, from 0. */
  readonly position: number;
  /** The tokens' ids. */
  readonly tokens: readonly number[];
  /** Layers of the model. */
  readonly layers: number;
  /** Experts that a token goes through in each layer. */
  readonly expertsUsed: number;
  /** [layers, tokens, expertsUsed]: numbers of the experts, strongest first. */
  readonly experts: Int32Array<ArrayBuffer>;
  /** [layers, tokens, expertsUsed]: what each one's output was multiplied by. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** [layers, tokens]: the same of the expert that all tokens share; empty where there is none. */
  readonly shared: Float32Array<ArrayBuffer>;

  /**
   * Routings come from {@linkcode Session.sync}.
   *
   * @ignore
   */
  constructor(
    position: number,
    tokens: readonly number[],
    expertsUsed: number,
    { experts, weights, shared }: RoutingRecord,
  ) {
    this.position = position;
    this.tokens = tokens;
    this.layers = experts.length / (tokens.length * expertsUsed);
    this.expertsUsed = expertsUsed;
    this.experts = experts;
    this.weights = weights;
    this.shared = shared;
  }

  /** The route of each token through each layer. */
  *[Symbol.iterator](): Generator<Route, void, void> {
    const { position, tokens, layers, expertsUsed: k, experts, weights, shared } = this;
    for (const [i, token] of tokens.entries()) {
      for (let layer = 0; layer < layers; layer++) {
        const row = layer * tokens.length + i;
        const own = [row * k, (row + 1) * k] as const;
        yield {
          position: position + i,
          token,
          layer,
          experts: Array.from(experts.subarray(...own)),
          weights: Array.from(weights.subarray(...own)),
          ...(shared.length > 0 ? { shared: shared[row]! } : {}),
        };
      }
    }
  }
}
