import type { MetadataEntry } from "../../gguf/mod.ts";

/** The parts of a tokenizer.json of Hugging Face's tokenizers that make a vocabulary. */
export interface TokenizerFile {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
  };
  readonly added_tokens: readonly {
    readonly id: number;
    readonly content: string;
    /** Whether it steers the model and is no text that users see. */
    readonly special: boolean;
  }[];
}

/** `enum llama_token_type` of llama.cpp's `include/llama.h`. */
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;

/** The metadata of a byte-level BPE vocabulary with Qwen2's pre-tokenizer, which begins no text with a
 * token of its own. */
export function vocabularyEntries({ model, added_tokens }: TokenizerFile): MetadataEntry[] {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  const types = tokens.map(() => NORMAL);
  for (const { id, content, special } of added_tokens) {
    tokens[id] = content;
    types[id] = special ? CONTROL : USER_DEFINED;
  }
  const id = (token: string) => tokens.lastIndexOf(token);
  return [
    { key: "tokenizer.ggml.model", type: "string", value: "gpt2" },
    { key: "tokenizer.ggml.pre", type: "string", value: "qwen2" },
    { key: "tokenizer.ggml.tokens", type: "array", of: "string", value: tokens },
    { key: "tokenizer.ggml.token_type", type: "array", of: "i32", value: Int32Array.from(types) },
    {
      key: "tokenizer.ggml.merges",
      type: "array",
      of: "string",
      value: model.merges.map((pair) => pair.join(" ")),
    },
    { key: "tokenizer.ggml.eos_token_id", type: "u32", value: id("<|im_end|>") },
    { key: "tokenizer.ggml.padding_token_id", type: "u32", value: id("<|endoftext|>") },
    { key: "tokenizer.ggml.add_bos_token", type: "bool", value: false },
  ];
}
