/**
 * Falsification: the tests that the contracts name, as functions that try to refute them. They run
 * in `deno test`, where `falsify` is called, and against implementations that are broken on purpose.
 *
 * ```ts
 * import { FALSIFICATION_TESTS, falsify, ModelUnderTest } from "./mod.ts";
 *
 * await using model = await ModelUnderTest.open(); // or a user's file
 * const tests = FALSIFICATION_TESTS.filter(({ contract }) => contract === "moe-router-v1");
 * for await (const { id, status, reason } of falsify(tests, model)) console.log(id, status, reason);
 * ```
 *
 * @module
 */
import { attentionKernel } from "./kernels/attention_kernel.ts";
import { bind, type BoundTest } from "./falsification.ts";
import { moeExpertDispatch } from "./moe_expert_dispatch/moe_expert_dispatch.ts";
import { ggufFormat } from "./gguf_format/gguf_format.ts";
import { kvCache } from "./kv_cache/kv_cache.ts";
import { mixtralForward } from "./mixtral_forward.ts";
import { moeRouter } from "./moe_router.ts";
import { qwen2MoeForward } from "./qwen2_moe_forward.ts";
import { quantizedDot } from "./quantized_dot/quantized_dot.ts";
import { quantizer } from "./quantizer/quantizer.ts";
import { rmsnormKernel } from "./kernels/rmsnorm_kernel.ts";
import { ropeKernel } from "./kernels/rope_kernel.ts";
import { siluKernel } from "./kernels/silu_kernel.ts";
import { softmaxKernel } from "./kernels/softmax_kernel.ts";
import { swigluKernel } from "./kernels/swiglu_kernel.ts";
import { qwen3MoeForward } from "./qwen3_moe_forward/qwen3_moe_forward.ts";
import { qwen3moeShapes } from "./qwen3moe_shapes/qwen3moe_shapes.ts";
import { tensorNames } from "./tensor_names/tensor_names.ts";
import { tokenizer } from "./tokenizer/tokenizer.ts";

export type { BoundTest } from "./falsification.ts";
export { falsify, type Verdict } from "./falsify.ts";
export { type ModelKind, ModelUnderTest } from "./model.ts";

/** Every falsification test, contract by contract. */
export const FALSIFICATION_TESTS: readonly BoundTest[] = [
  ...bind(attentionKernel),
  ...bind(kvCache),
  ...bind(moeExpertDispatch),
  ...bind(moeRouter),
  ...bind(quantizedDot),
  ...bind(quantizer),
  ...bind(rmsnormKernel),
  ...bind(ropeKernel),
  ...bind(siluKernel),
  ...bind(softmaxKernel),
  ...bind(swigluKernel),
  ...bind(qwen3MoeForward),
  ...bind(qwen2MoeForward),
  ...bind(mixtralForward),
  ...bind(qwen3moeShapes),
  ...bind(tensorNames),
  ...bind(ggufFormat),
  ...bind(tokenizer),
];
