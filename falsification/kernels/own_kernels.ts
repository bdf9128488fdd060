/**
 * The kernels that the engine uses on this machine, over a memory of their own.
 *
 * @module
 */
import { detectBuild } from "../../kernels/kernels.ts";
import type { Operations } from "../../kernels/operations.ts";
import { type KernelMemory, kernelMemory } from "../../kernels/testing.ts";

/** Kernels, and the memory that their arrays are put into. */
export interface OwnKernels {
  readonly kernels: Operations;
  readonly memory: KernelMemory;
}

/** @param bytes room for arrays */
export async function ownKernels(bytes?: number): Promise<OwnKernels> {
  const memory = await kernelMemory(bytes, undefined, [await detectBuild()]);
  return { memory, kernels: memory.builds[0]!.kernels };
}
