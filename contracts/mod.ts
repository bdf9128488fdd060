/**
 * What tensors are called, and what shape they have. The contract `tensor-names-v1.yaml` says the
 * names for every architecture, in the two places where a model is stored (GGUF files and Hugging
 * Face checkpoints), `qwen3moe-shapes-v1.yaml` the shapes, and the rest of the engine asks here, by
 * role.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeArchitecture, resolveNames, tensorName } from "./mod.ts";
 *
 * const architecture = normalizeArchitecture("qwen3moe");
 * assert.equal(architecture, "qwen3_moe");
 * assert.equal(tensorName(architecture, "attn_q", "gguf", { layer: 0 }), "blk.0.attn_q.weight");
 *
 * const { missing, unmapped } = resolveNames(architecture, ["blk.0.ffn_up.weight"], 1);
 * assert.deepEqual(unmapped, ["blk.0.ffn_up.weight"]); // a mixture has no dense feed-forward
 * assert.ok(missing.some(({ name }) => name === "blk.0.ffn_up_exps.weight"));
 * ```
 *
 * That an architecture has names here does not mean that there is a forward pass for it.
 *
 * @module
 */

export * from "./names.ts";
export { type Instance, type InstanceKey, INSTANCES } from "./instances.ts";
export { SHAPES, type ShapeSizes } from "./tensor_shapes.ts";
export {
  type Architecture,
  ARCHITECTURES,
  CONTRACT,
  CONTRACT_VERSION,
  FUSED_PARTS,
  type FusedRole,
  GLOBAL_ROLES,
  type GlobalRole,
  LAYER_ROLES,
  type LayerRole,
  type Role,
} from "./tensor_names.ts";
