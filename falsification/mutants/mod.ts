import { attentionKernelMutants } from "./attention_kernel.ts";
import { kvCacheMutants } from "./kv_cache.ts";
import { moeExpertDispatchMutants } from "./moe_expert_dispatch.ts";
import { ggufFormatMutants } from "./gguf_format.ts";
import { moeRouterMutants } from "./moe_router.ts";
import { rmsnormKernelMutants } from "./rmsnorm_kernel.ts";
import { ropeKernelMutants } from "./rope_kernel.ts";
import { siluKernelMutants } from "./silu_kernel.ts";
import { softmaxKernelMutants } from "./softmax_kernel.ts";
import { swigluKernelMutants } from "./swiglu_kernel.ts";
import { mixtralForwardMutants } from "./mixtral_forward.ts";
import { qwen2MoeForwardMutants } from "./qwen2_moe_forward.ts";
import { qwen3MoeForwardMutants } from "./qwen3_moe_forward.ts";
import type { BoundMutant } from "./mutant.ts";
import { quantizedDotMutants } from "./quantized_dot.ts";
import { quantizerMutants } from "./quantizer.ts";
import { qwen3moeShapesMutants } from "./qwen3moe_shapes.ts";
import { tensorNamesMutants } from "./tensor_names.ts";
import { tokenizerMutants } from "./tokenizer.ts";

/** Every implementation that is broken on purpose. */
export const MUTANTS: readonly BoundMutant[] = [
  ...attentionKernelMutants,
  ...kvCacheMutants,
  ...moeExpertDispatchMutants,
  ...moeRouterMutants,
  ...quantizedDotMutants,
  ...quantizerMutants,
  ...rmsnormKernelMutants,
  ...ropeKernelMutants,
  ...siluKernelMutants,
  ...softmaxKernelMutants,
  ...swigluKernelMutants,
  ...qwen3moeShapesMutants,
  ...tensorNamesMutants,
  ...ggufFormatMutants,
  ...tokenizerMutants,
  ...qwen3MoeForwardMutants,
  ...qwen2MoeForwardMutants,
  ...mixtralForwardMutants,
];
