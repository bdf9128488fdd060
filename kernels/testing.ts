/**
 * For tests of kernels: a memory whose arrays are surrounded by guard bytes, with the builds
 * instantiated over it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { SCRATCH_BYTES } from "./constants.ts";
import { compileKernels, instantiateKernels, type KernelBuild } from "./kernels.ts";
import type { Operations } from "./operations.ts";

const PAGE_BYTES = 65536;

/** Read as f32, four guard bytes are NaN: what leaks into a result shows. */
const GUARD = 0xff;
const GUARD_BYTES = 64;

/** A memory to run kernels in. */
export interface KernelMemory {
  /** the builds over this memory */
  readonly builds: readonly { readonly build: KernelBuild; readonly kernels: Operations }[];
  /** copies an array in and returns its address, a multiple of 16 */
  put(array: Float32Array | Int32Array | Uint16Array | Uint8Array): number;
  /** reserves room, filled with guard bytes; the address is a multiple of 16 */
  reserve(bytes: number): number;
  /** copies of what lies at an address */
  floats(address: number, length: number): Float32Array;
  bytes(address: number, length: number): Uint8Array;
  /** fails if anything was written between the arrays */
  assertGuards(): void;
  /** forgets all arrays */
  reset(): void;
}

/**
 * Makes a memory.
 *
 * @param bytes room for arrays
 * @param base where that room begins, to test addresses above 2 GiB
 * @param wanted the builds to instantiate
 */
export async function kernelMemory(
  bytes: number = 16 * PAGE_BYTES,
  base: number = PAGE_BYTES,
  wanted: readonly KernelBuild[] = ["simd", "relaxed"],
): Promise<KernelMemory> {
  const room = base + SCRATCH_BYTES;
  const memory = new WebAssembly.Memory({
    initial: Math.ceil((room + bytes) / PAGE_BYTES),
    maximum: 65536,
    shared: true,
  });
  const builds = await Promise.all(wanted.map(async (build) => {
    const kernels = instantiateKernels(await compileKernels(build), memory);
    kernels.setScratch(base);
    return { build, kernels };
  }));

  const all = new Uint8Array(memory.buffer);
  let end = room;
  let guards: number[] = [];

  function guard(): void {
    const next = Math.ceil((end + GUARD_BYTES) / GUARD_BYTES) * GUARD_BYTES;
    assert(next <= all.length, "the test memory is too small");
    all.fill(GUARD, end, next);
    guards.push(end, next);
    end = next;
  }

  function reserve(length: number): number {
    if (guards.length === 0) guard();
    const address = end;
    end += length;
    assert(end <= all.length, "the test memory is too small");
    all.fill(GUARD, address, end);
    guard();
    return address;
  }

  return {
    builds,
    reserve,
    put(array) {
      const address = reserve(array.byteLength);
      all.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), address);
      return address;
    },
    floats: (address, length) => new Float32Array(all.slice(address, address + 4 * length).buffer),
    bytes: (address, length) => all.slice(address, address + length),
    assertGuards() {
      for (let i = 0; i < guards.length; i += 2) {
        const written = all.subarray(guards[i], guards[i + 1]).findIndex((byte) => byte !== GUARD);
        assert.equal(written, -1, "a kernel wrote outside its arrays");
      }
    },
    reset() {
      end = room;
      guards = [];
    },
  };
}
