import assert from "node:assert/strict";
import { assertSameBits, randomFloats } from "./comparing.ts";
import { compileKernels, instantiateKernels, type KernelBuild } from "./kernels.ts";
import type { Operations } from "./operations.ts";

const SCRATCH = 65536;

interface Case {
  readonly name: string;
  /** in f32, of three arrays, all of which the call uses to the end; the first is its result */
  readonly lengths: readonly [number, number, number];
  call(kernels: Operations, a: number, b: number, c: number): void;
}

const CASES: readonly Case[] = [
  {
    name: "rmsNorm()",
    lengths: [22, 22, 11],
    call: (kernels, a, b, c) => kernels.rmsNorm(0, 2, b, c, a, 11, 1e-6),
  },
  {
    name: "ropeNeox()",
    lengths: [42, 28, 0],
    call: (kernels, a, b) => kernels.ropeNeox(0, 2, a, b, 1, 21, 14),
  },
  {
    name: "ropePairs()",
    lengths: [28, 28, 0],
    call: (kernels, a, b) => kernels.ropePairs(0, 2, a, b, 1, 14, 14),
  },
  {
    name: "appendKeysF16()",
    lengths: [512, 56, 0],
    // a cache of 2 heads with a block of positions of 4 elements
    call: (kernels, a, b) => kernels.appendKeysF16(0, 7, b, a, 121, 2, 4, 128),
  },
  {
    name: "appendValuesF16()",
    lengths: [512, 56, 0],
    call: (kernels, a, b) => kernels.appendValuesF16(0, 7, b, a, 121, 2, 4, 128),
  },
  {
    name: "attentionF16()",
    lengths: [24, 256, 256],
    // 3 tokens of 2 heads, a cache of 1 head
    call: (kernels, a, b, c) => kernels.attentionF16(0, 1, a, b, c, a, 125, 3, 2, 1, 4, 128, 0.3),
  },
  {
    name: "attendSpansF16()",
    lengths: [160, 256, 8],
    call: (kernels, a, b, c) => kernels.attendSpansF16(0, 1, c, b, b, a, 127, 2, 1, 4, 128, 0.3),
  },
  {
    name: "appendKeysQ8_0()",
    lengths: [2176, 448, 0],
    // a cache of 2 heads with a block of positions of 32 elements
    call: (kernels, a, b) => kernels.appendKeysQ8_0(0, 7, b, a, 121, 2, 32, 128),
  },
  {
    name: "appendValuesQ8_0()",
    lengths: [2176, 448, 0],
    call: (kernels, a, b) => kernels.appendValuesQ8_0(0, 7, b, a, 121, 2, 32, 128),
  },
  {
    name: "attentionQ8_0()",
    lengths: [192, 1088, 1088],
    // 3 tokens of 2 heads, a cache of 1 head
    call: (kernels, a, b, c) => kernels.attentionQ8_0(0, 1, a, b, c, a, 125, 3, 2, 1, 32, 128, 0.3),
  },
  {
    name: "attendSpansQ8_0()",
    lengths: [384, 1088, 64],
    call: (kernels, a, b, c) => kernels.attendSpansQ8_0(0, 1, c, b, b, a, 127, 2, 1, 32, 128, 0.3),
  },
  {
    name: "mergeSpans()",
    lengths: [8, 320, 0],
    call: (kernels, a, b) => kernels.mergeSpans(0, 1, b, a, 600, 2, 1, 4),
  },
  {
    name: "softmax()",
    lengths: [22, 22, 0],
    call: (kernels, a, b) => kernels.softmax(0, 2, b, a, 11),
  },
  {
    name: "swiglu()",
    lengths: [22, 22, 22],
    call: (kernels, a, b, c) => kernels.swiglu(0, 2, b, c, a, 11),
  },
  {
    name: "route()",
    lengths: [6, 22, 6],
    call: (kernels, a, b, c) => kernels.route(0, 2, b, c, a, 11, 3, 0),
  },
  {
    name: "combineExperts()",
    lengths: [22, 66, 6],
    call: (kernels, a, b, c) => kernels.combineExperts(0, 2, a, b, c, 3, 11),
  },
  { name: "add()", lengths: [22, 22, 0], call: (kernels, a, b) => kernels.add(0, 2, a, b, 11) },
  {
    name: "addBias()",
    lengths: [22, 11, 0],
    call: (kernels, a, b) => kernels.addBias(0, 2, a, b, 11),
  },
];

/** Runs a case with its arrays one after another, array `last` where the memory ends. */
function run(
  { call, lengths }: Case,
  memory: WebAssembly.Memory,
  kernels: Operations,
  last: number,
): Float32Array {
  let end = memory.buffer.byteLength;
  const arrays: Float32Array[] = [];
  for (const i of [last, (last + 1) % 3, (last + 2) % 3]) {
    end -= 4 * lengths[i]!;
    const array = new Float32Array(memory.buffer, end, lengths[i]);
    array.set(randomFloats(i, lengths[i]!, 3));
    // With its lower half zero a small f32 is two small f16, too.
    new Uint32Array(memory.buffer, end, lengths[i]).forEach((bits, at, all) => {
      all[at] = bits & 0xffff0000;
    });
    arrays[i] = array;
  }
  const before = arrays[0]!.slice();
  call(kernels, ...arrays.map((array) => array.byteOffset) as [number, number, number]);
  assert.notDeepEqual(arrays[0], before);
  return arrays[0]!.slice();
}

async function instantiate(pages: number, build: KernelBuild) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  const kernels = instantiateKernels(await compileKernels(build), memory);
  kernels.setScratch(SCRATCH);
  return { memory, kernels };
}

for (const build of ["simd", "relaxed"] as const) {
  const near = await instantiate(16, build);
  // 4 GiB, where an address beyond the end wraps to 0, and a page less, where it traps. Pages that
  // nothing touches cost nothing.
  const others = [await instantiate(65535, build), await instantiate(65536, build)];
  for (const each of CASES) {
    Deno.test(`${each.name} works up to the last byte of 4 GiB and reads none beyond (${build})`, () => {
      const expected = run(each, near.memory, near.kernels, 0);
      for (const { memory, kernels } of others) {
        for (const last of [0, 1, 2]) assertSameBits(run(each, memory, kernels, last), expected);
      }
    });
  }
}
