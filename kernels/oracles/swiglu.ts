/**
 * The gate of SwiGLU feed-forward layers (Shazeer 2020).
 *
 * @module
 */

/** `silu(gate) * up` with `silu(x) = x / (1 + e^-x)`, element by element. */
export function swiglu(gate: Float32Array, up: Float32Array): Float32Array {
  return gate.map((x, i) => x / (1 + Math.exp(-x)) * up[i]!);
}
