/**
 * Models in memory with some of their weights changed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { openGguf, type TensorInfo } from "../../gguf/mod.ts";

/** A change of weights in place; `tensor.shape` has the innermost dimension first. */
export type Patch = (weights: Float32Array, tensor: TensorInfo) => void;

/**
 * The model with a change made to every F32 tensor whose name has one of these roles, in all layers.
 *
 * @param patches by role, such as "attn_q"
 */
export async function patched(
  blob: Blob,
  patches: Readonly<Record<string, Patch>>,
): Promise<Blob> {
  await using file = await openGguf(blob);
  const changes: { offset: number; weights: Float32Array<ArrayBuffer> }[] = [];
  for (const tensor of file.tensors.values()) {
    const patch = patches[tensor.name.replace(/^blk\.\d+\./, "").replace(/\.weight$/, "")];
    if (patch === undefined) continue;
    assert.equal(tensor.type, "F32", tensor.name);
    const weights = new Float32Array(tensor.bytes / 4);
    await file.readTensor(tensor, new Uint8Array(weights.buffer));
    patch(weights, tensor);
    changes.push({ offset: tensor.offset, weights });
  }
  assert.ok(changes.length >= Object.keys(patches).length, "a change fits no tensor");
  const parts: (Blob | Float32Array<ArrayBuffer>)[] = [];
  let end = 0;
  for (const { offset, weights } of changes.sort((a, b) => a.offset - b.offset)) {
    parts.push(blob.slice(end, offset), weights);
    end = offset + weights.byteLength;
  }
  return new Blob([...parts, blob.slice(end)]);
}

/** Multiplies weights; a power of two does so without rounding. */
export function scaledBy(factor: number): Patch {
  return (weights) => weights.forEach((weight, i) => weights[i] = weight * factor);
}

/** Gives all of a tensor's stacked matrices the weights of the first. */
export const likeTheFirst: Patch = (weights, { shape: [columns = 1, rows = 1] }) => {
  for (let at = columns * rows; at < weights.length; at += columns * rows) {
    weights.copyWithin(at, 0, columns * rows);
  }
};
