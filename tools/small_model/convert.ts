/**
 * Makes a GGUF file in F32 of the checkpoint that export.py wrote:
 * `deno run -A tools/small_model/convert.ts CHECKPOINT MODEL.gguf`.
 *
 * @module
 */
import {
  normalizeArchitecture,
  requiredRoles,
  type Role,
  tensorName,
} from "../../contracts/mod.ts";
import { fileSink, layoutGguf, type MetadataEntry, writeGguf } from "../../gguf/mod.ts";
import { type Float32Tensor, readSafetensors } from "./safetensors.ts";
import { type TokenizerFile, vocabularyEntries } from "./vocabulary.ts";

/** What convert.ts reads of a checkpoint's config.json. */
interface Configuration {
  readonly num_hidden_layers: number;
  readonly max_position_embeddings: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly num_experts: number;
  readonly num_experts_per_tok: number;
  readonly moe_intermediate_size: number;
  readonly vocab_size: number;
}

const ARCHITECTURE = normalizeArchitecture("qwen3moe");

const ABOUT: readonly MetadataEntry[] = [
  { key: "general.architecture", type: "string", value: "qwen3moe" },
  { key: "general.type", type: "string", value: "model" },
  { key: "general.name", type: "string", value: "apr-moe small" },
  { key: "general.author", type: "string", value: "the @apr/moe project" },
  { key: "general.license", type: "string", value: "MIT" },
  {
    key: "general.description",
    type: "string",
    value: "A small mixture of experts, trained from scratch on generated text to show the " +
      "library: sums and differences up to 99, capitals, common words in French, German and " +
      "Spanish, days and months, short functions, tool calls.",
  },
  // enum llama_ftype: all F32.
  { key: "general.file_type", type: "u32", value: 0 },
];

function hyperParameters(config: Configuration): MetadataEntry[] {
  const number = (key: string, value: number, type: "u32" | "f32" = "u32"): MetadataEntry => ({
    key: `qwen3moe.${key}`,
    type,
    value,
  });
  return [
    number("block_count", config.num_hidden_layers),
    number("context_length", config.max_position_embeddings),
    number("embedding_length", config.hidden_size),
    number("feed_forward_length", config.intermediate_size),
    number("attention.head_count", config.num_attention_heads),
    number("attention.head_count_kv", config.num_key_value_heads),
    number("attention.key_length", config.head_dim),
    number("attention.value_length", config.head_dim),
    number("attention.layer_norm_rms_epsilon", config.rms_norm_eps, "f32"),
    number("rope.freq_base", config.rope_theta, "f32"),
    number("rope.dimension_count", config.head_dim),
    number("expert_count", config.num_experts),
    number("expert_used_count", config.num_experts_per_tok),
    number("expert_feed_forward_length", config.moe_intermediate_size),
    number("vocab_size", config.vocab_size),
  ];
}

/** A tensor of the GGUF file, and the tensors of the checkpoint whose data follow one another in it. */
interface ConvertedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly Float32Tensor[];
}

/** The tensors that the contract of names requires, in the order that GGUF files have them. */
function convertTensors(
  checkpoint: Map<string, Float32Tensor>,
  { num_hidden_layers, num_experts }: Configuration,
): ConvertedTensor[] {
  const left = new Set(checkpoint.keys());
  const take = (role: Role, position: { layer?: number; expert?: number }): Float32Tensor => {
    const name = tensorName(ARCHITECTURE, role, "hf", position);
    const tensor = checkpoint.get(name!);
    if (tensor === undefined) throw new Error(`the checkpoint has no ${name}`);
    left.delete(name!);
    return tensor;
  };
  const convert = (role: Role, layer?: number): ConvertedTensor => {
    const position = layer === undefined ? {} : { layer };
    const name = tensorName(ARCHITECTURE, role, "gguf", position)!;
    if (!role.endsWith("_exps")) {
      const part = take(role, position);
      return { name, shape: part.shape, parts: [part] };
    }
    const parts = Array.from(
      { length: num_experts },
      (_, expert) => take(role, { ...position, expert }),
    );
    return { name, shape: [...parts[0]!.shape, num_experts], parts };
  };

  const required = requiredRoles(ARCHITECTURE);
  const [embedding, ...afterLayers] = required.global;
  const tensors = [
    convert(embedding!),
    ...Array.from(
      { length: num_hidden_layers },
      (_, layer) => required.layer.map((role) => convert(role, layer)),
    ).flat(),
    ...afterLayers.map((role) => convert(role)),
    convert("output"),
  ];
  if (left.size > 0) throw new Error(`the checkpoint has more: ${[...left].join(", ")}`);
  return tensors;
}

async function convert(checkpoint: string, target: string): Promise<void> {
  const json = async (name: string) => JSON.parse(await Deno.readTextFile(`${checkpoint}/${name}`));
  const config: Configuration = await json("config.json");
  const tokenizer: TokenizerFile = await json("tokenizer.json");
  const { chat_template } = await json("tokenizer_config.json");
  const weights = readSafetensors(await Deno.readFile(`${checkpoint}/model.safetensors`));
  const tensors = convertTensors(weights, config);
  const layout = layoutGguf({
    metadata: [
      ...ABOUT,
      ...hyperParameters(config),
      ...vocabularyEntries(tokenizer),
      { key: "tokenizer.chat_template", type: "string", value: chat_template },
    ],
    tensors: tensors.map(({ name, shape }) => ({ name, type: "F32", shape })),
  });
  const parts = new Map(tensors.map((tensor) => [tensor.name, tensor.parts]));
  await using sink = await fileSink(target);
  await writeGguf(sink, layout, ({ name }) => parts.get(name)!.map(({ bytes }) => bytes));
}

if (import.meta.main) {
  const [checkpoint, target] = Deno.args;
  if (checkpoint === undefined || target === undefined) {
    throw new Error("convert.ts needs the checkpoint's folder and the file to write");
  }
  await convert(checkpoint, target);
}
