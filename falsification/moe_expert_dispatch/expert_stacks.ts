/**
 * One layer's experts as a file has them, and what f64 mathematics says that they compute.
 *
 * @module
 */
import { type Role, tensorName } from "../../contracts/mod.ts";
import type { GgufFile } from "../../gguf/mod.ts";
import { randomFloats } from "../../kernels/comparing.ts";
import { WEIGHT_FORMATS, type WeightType } from "../../kernels/formats.ts";
import { dequantizeRow } from "../../kernels/oracles/dequantize.ts";
import { roundActivations } from "../../kernels/oracles/quantize.ts";
import { architectureOf } from "../../model/hyperparameters.ts";
import { BLOCK_SIZES } from "../qwen3moe_shapes/block_sizes.ts";

/** The matrices of an expert. */
export const PARTS = ["gate", "up", "down"] as const;

/** A matrix of an expert. */
export type Part = (typeof PARTS)[number];

/** The experts of one layer: gate and up [hidden, width, experts], down [width, hidden, experts]. */
export interface ExpertStacks {
  readonly hidden: number;
  readonly width: number;
  readonly experts: number;
  readonly types: Readonly<Record<Part, WeightType>>;
  /** `bytes` bytes of a stack, from byte `offset` on */
  read(part: Part, offset: number, bytes: number): Promise<Uint8Array>;
}

/** How large a layer's experts are. */
export type StackSizes = Pick<ExpertStacks, "hidden" | "width" | "experts">;

/** [inputs, outputs] of an expert's matrix */
export function matrixShape({ hidden, width }: StackSizes, part: Part): [number, number] {
  return part === "down" ? [width, hidden] : [hidden, width];
}

/** Bytes of one expert's matrix. */
export function expertBytes(stacks: Omit<ExpertStacks, "read">, part: Part): number {
  const [columns, rows] = matrixShape(stacks, part);
  const block = BLOCK_SIZES[stacks.types[part]];
  return columns / block.elements * block.bytes * rows;
}

/** Experts of weights between -1/2 and 1/2, in F32, for a seed. */
export function randomStacks(seed: number, sizes: StackSizes): ExpertStacks {
  const { hidden, width, experts } = sizes;
  const stacks = PARTS.map((_, i) => randomFloats(seed + i, hidden * width * experts, 0.5));
  return {
    ...sizes,
    types: { gate: "F32", up: "F32", down: "F32" },
    read(part, offset, bytes) {
      return Promise.resolve(new Uint8Array(stacks[PARTS.indexOf(part)]!.buffer, offset, bytes));
    },
  };
}

/** The experts of one layer of a mixture. */
export function stacksOfFile(file: GgufFile, layer: number): ExpertStacks {
  const { architecture } = architectureOf(file);
  const tensor = (part: Part) => {
    const role: Role = `ffn_${part}_exps`;
    return file.tensors.get(tensorName(architecture, role, "gguf", { layer })!)!;
  };
  const type = (part: Part) => tensor(part).type as WeightType;
  const [hidden = 1, width = 1, experts = 1] = tensor("gate").shape;
  return {
    hidden,
    width,
    experts,
    types: { gate: type("gate"), up: type("up"), down: type("down") },
    read: (part, offset, bytes) => file.readTensor(tensor(part), new Uint8Array(bytes), offset),
  };
}

/**
 * What an expert makes of one token: down · (silu(gate · x) * (up · x)), sums in f64, each vector
 * rounded to the form that the matrix takes it in.
 *
 * @param x [hidden]
 * @returns [hidden]
 */
export async function expertOutput(
  stacks: ExpertStacks,
  expert: number,
  x: Float32Array,
): Promise<Float64Array> {
  const gate = await multiply(stacks, "gate", expert, x);
  const up = await multiply(stacks, "up", expert, x);
  const hidden = gate.map((value, i) => value / (1 + Math.exp(-value)) * up[i]!);
  return await multiply(stacks, "down", expert, Float32Array.from(hidden));
}

async function multiply(
  stacks: ExpertStacks,
  part: Part,
  expert: number,
  x: Float32Array,
): Promise<Float64Array> {
  const type = stacks.types[part];
  const [columns, rows] = matrixShape(stacks, part);
  const bytes = expertBytes(stacks, part);
  const matrix = await stacks.read(part, expert * bytes, bytes);
  const factors = roundActivations(WEIGHT_FORMATS[type].activation, x);
  return Float64Array.from({ length: rows }, (_, row) => {
    const from = row * bytes / rows;
    const weights = dequantizeRow(type, matrix.subarray(from, from + bytes / rows), columns);
    return weights.reduce((sum, weight, i) => sum + weight * factors[i]!, 0);
  });
}
