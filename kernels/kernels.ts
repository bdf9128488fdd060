/**
 * The compiled kernels: which build this machine can run, and instances of it over a memory.
 *
 * @module
 */
import { relaxedSimd } from "wasm-feature-detect";
import type { Operations } from "./operations.ts";

/** The two builds: 128-bit SIMD, and the same with relaxed SIMD's integer dot products. */
export type KernelBuild = "simd" | "relaxed";

/** The fastest build that this engine's WebAssembly can run. */
export async function detectBuild(): Promise<KernelBuild> {
  return await relaxedSimd() ? "relaxed" : "simd";
}

/** Compiles a build. The result can be posted to other threads. */
export async function compileKernels(build: KernelBuild): Promise<WebAssembly.Module> {
  const { BASE64 } = build === "relaxed"
    ? await import("./wasm/relaxed.ts")
    : await import("./wasm/simd.ts");
  const bytes = Uint8Array.from(atob(BASE64), (character) => character.charCodeAt(0));
  return await WebAssembly.compile(bytes);
}

/**
 * An instance of the kernels over `memory`, for one thread.
 *
 * @param memory shared, at least one page
 */
export function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Operations {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return instance.exports as unknown as Operations;
}
