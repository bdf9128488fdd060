import type { MetadataEntry, NumberType } from "../gguf/mod.ts";
import { QUANTIZATION_VERSION } from "../quantize/mod.ts";
import { partsOf, type SynthArchitecture } from "./options.ts";
import type { Sizes } from "./plan.ts";
import { fileTypeOf } from "./weight_types.ts";

/**
 * The key, ours alone, that marks a model whose weights are random, so that nobody takes its answers
 * for an error.
 */
export const RANDOM_WEIGHTS_KEY = "apr.random_weights";

const TEMPLATE_KEY = "tokenizer.chat_template";

/**
 * The metadata of a random model's file.
 *
 * @param vocabulary The entries of its vocabulary.
 */
export function describeModel(
  sizes: Sizes,
  vocabulary: readonly MetadataEntry[],
): MetadataEntry[] {
  const { architecture, seed, types, chatTemplate } = sizes;
  const declared = declaredName(architecture);
  const addTemplate = chatTemplate !== undefined &&
    !vocabulary.some(({ key }) => key === TEMPLATE_KEY);
  return [
    { key: "general.architecture", type: "string", value: declared },
    { key: "general.type", type: "string", value: "model" },
    { key: "general.name", type: "string", value: `random ${architecture}, seed ${seed}` },
    { key: "general.file_type", type: "u32", value: fileTypeOf(types) },
    { key: "general.quantization_version", type: "u32", value: QUANTIZATION_VERSION },
    { key: RANDOM_WEIGHTS_KEY, type: "bool", value: true },
    ...hyperParameters(sizes),
    ...vocabulary,
    ...(addTemplate ? [{ key: TEMPLATE_KEY, type: "string", value: chatTemplate } as const] : []),
  ];
}

/** What `general.architecture` says, and other keys begin with. */
function declaredName(architecture: SynthArchitecture): string {
  return architecture === "mixtral" ? "llama" : architecture;
}

function hyperParameters(sizes: Sizes): MetadataEntry[] {
  const { architecture } = sizes;
  const { experts, shared } = partsOf(architecture);
  const isMixtral = architecture === "mixtral";
  const number = (key: string, value: number, type: NumberType = "u32"): MetadataEntry => ({
    key: `${declaredName(architecture)}.${key}`,
    type,
    value,
  });
  return [
    number("block_count", sizes.layers),
    number("context_length", sizes.context),
    number("embedding_length", sizes.hidden),
    number("feed_forward_length", isMixtral ? sizes.expertWidth : sizes.feedForwardWidth),
    number("attention.head_count", sizes.heads),
    number("attention.head_count_kv", sizes.kvHeads),
    number("attention.key_length", sizes.headSize),
    number("attention.value_length", sizes.headSize),
    number("attention.layer_norm_rms_epsilon", sizes.rmsEpsilon, "f32"),
    number("rope.freq_base", sizes.ropeBase, "f32"),
    number("rope.dimension_count", sizes.headSize),
    ...(experts
      ? [number("expert_count", sizes.experts), number("expert_used_count", sizes.expertsUsed)]
      : []),
    ...(experts && !isMixtral ? [number("expert_feed_forward_length", sizes.expertWidth)] : []),
    ...(shared ? [number("expert_shared_feed_forward_length", sizes.sharedWidth)] : []),
  ];
}
