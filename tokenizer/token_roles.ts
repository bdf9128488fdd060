import { type Metadata, metadataString } from "../gguf/mod.ts";
import type { TextIndex } from "./text_index.ts";
import { isMatchedWhole, TokenType } from "./token_type.ts";

// Files rarely say which token plays which part, so llama.cpp (src/llama-vocab.cpp) goes by
// their texts, and so does this. First found, first taken; metadata key, then known texts.
const ROLE_TEXTS = {
  eot: [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<｜end▁of▁sentence｜>",
    "<end_of_utterance>",
  ],
  eom: ["<|eom_id|>"],
  fim_pad: ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
  fim_rep: ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
  fim_sep: ["<|file_sep|>"],
} as const;

// Fill-in-the-middle marks end nothing, but are control tokens whatever the file says.
const CONTROL_TEXTS = [
  [
    "<|fim_prefix|>",
    "<fim-prefix>",
    "<fim_prefix>",
    "<｜fim▁begin｜>",
    "<PRE>",
    "▁<PRE>",
    "<|code_prefix|>",
    "<|prefix|>",
  ],
  [
    "<|fim_suffix|>",
    "<fim-suffix>",
    "<fim_suffix>",
    "<｜fim▁hole｜>",
    "<SUF>",
    "▁<SUF>",
    "<|code_suffix|>",
    "<|suffix|>",
  ],
  [
    "<|fim_middle|>",
    "<fim-middle>",
    "<fim_middle>",
    "<｜fim▁end｜>",
    "<MID>",
    "▁<MID>",
    "<|code_middle|>",
    "<|middle|>",
  ],
] as const;

// Whatever type the file gives them: Qwen's "</s>", a plain word by its type, is one as well.
const END_TEXTS = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|return|>",
  "<|call|>",
  "<|flush|>",
  "<|calls|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "</s>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<|end_of_text|>",
  "<end_of_utterance>",
  "<eos>",
  "<turn|>",
  "<|tool_response>",
  "<｜end▁of▁sentence｜>",
  "[e~[",
] as const;

type Roles = Record<keyof typeof ROLE_TEXTS, number | undefined>;

/** Finds the tokens of each role; one found by its text becomes a control token. */
export function resolveRoles(
  index: TextIndex,
  types: Uint8Array,
  idOfKey: (name: string) => number | undefined,
): Roles {
  const byText = (texts: readonly string[]) => {
    const id = texts.map((text) => index.find(text)).find((found) => found >= 0);
    if (id !== undefined) types[id] = TokenType.control;
    return id;
  };
  for (const texts of CONTROL_TEXTS) byText(texts);
  return Object.fromEntries(
    Object.entries(ROLE_TEXTS).map(([role, texts]) => [role, idOfKey(role) ?? byText(texts)]),
  ) as Roles;
}

/** The tokens that end an answer: those of the roles, and those known by their texts. */
export function findEndOfGeneration(
  index: TextIndex,
  types: Uint8Array,
  roleIds: readonly (number | undefined)[],
): ReadonlySet<number> {
  const ends = new Set(roleIds.filter((id) => id !== undefined));
  for (const text of END_TEXTS) {
    const id = index.find(text);
    if (id < 0) continue;
    ends.add(id);
    types[id] = TokenType.control;
  }
  // In these families the token stands between the parts of one answer.
  const has = (text: string) => index.find(text) >= 0;
  const keepGoing = (text: string, type: number) => {
    ends.delete(index.find(text));
    types[index.find(text)] = type;
  };
  const calls = has("<|call|>") || has("<|calls|>");
  const answerGoesOn = calls && (has("<|return|>") || has("<|flush|>"));
  if (answerGoesOn && has("<|end|>")) keepGoing("<|end|>", TokenType.userDefined);
  if (has("<|tool_response>") && has("</s>")) keepGoing("</s>", TokenType.normal);
  return ends;
}

/** Phi-3 was trained with the white space after its special tokens dropped; GGUF has no key. */
export function findStripsRight(
  metadata: Metadata,
  texts: readonly string[],
  types: Uint8Array,
): ReadonlySet<number> {
  const name = metadataString(metadata, "general.name") ?? "";
  if (!/phi-?3/i.test(name)) return new Set();
  const kept = new Set(["<unk>", "<s>", "<|endoftext|>"]);
  const strips = new Set<number>();
  texts.forEach((text, id) => {
    if (isMatchedWhole(types[id]!) && !kept.has(text)) strips.add(id);
  });
  return strips;
}
