import { TokenizerError } from "./errors.ts";

/**
 * How byte-level BPE cuts a text into words before it merges bytes within each word. A model was
 * trained with one way of cutting, and GGUF names it in `tokenizer.ggml.pre`.
 */
export interface PreTokenizer {
  /** Each pattern cuts what the patterns before it left whole. */
  readonly patterns: readonly RegExp[];
  /** Whether a word that is itself a token is taken at once, whatever the merges would make. */
  readonly ignoreMerges: boolean;
  /** Whether the model expects a beginning-of-sequence token, where the file does not say. */
  readonly addBos: boolean;
}

// The names and patterns are those of llama.cpp (src/llama-vocab.cpp), which are the patterns of
// the models' own tokenizer.json. Unicode's White_Space stands for \s, which in JavaScript lacks
// U+0085 and has U+FEFF.
const CONTRACTION = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const WORDS = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+`;
const SYMBOLS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
const UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const PREFIX = "[^\\r\\n\\p{L}\\p{N}]?";

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
const QWEN2 = `${WORDS}|\\p{N}|${SYMBOLS}|${SPACES}`;
const LLAMA3 = `${WORDS}|\\p{N}{1,3}|${SYMBOLS}|${SPACES}`;
const DEEPSEEK3 = "[!\"#$%&'()*+,\\-.\\/:;<=>?@\\[\\\\\\]^_`\\{\\|\\}~][A-Za-z]+" +
  "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+" +
  `| ?[\\p{P}\\p{S}]+[\\r\\n]*|${SPACES}`;

interface Row {
  readonly names: readonly string[];
  readonly patterns: readonly string[];
  readonly ignoreMerges?: true;
  readonly addBos?: true;
}

const TABLE: readonly Row[] = [
  {
    names: ["default"],
    patterns: ["[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"],
  },
  {
    names: ["gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "gigachat", "a.x-4.0", "mellum"],
    patterns: [GPT2],
  },
  {
    names: ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"],
    patterns: ["\\p{N}", GPT2],
  },
  { names: ["falcon"], patterns: ["[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"] },
  {
    names: ["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "hunyuan", "grok-2", "solar-open"],
    patterns: [QWEN2],
  },
  {
    names: ["qwen35"],
    patterns: [
      `${CONTRACTION}|${PREFIX}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`,
    ],
  },
  {
    names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"],
    patterns: [LLAMA3],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"], patterns: [LLAMA3] },
  {
    names: ["deepseek-coder"],
    patterns: [
      "[\\r\\n]",
      "\\s?\\p{L}+",
      "\\s?\\p{P}+",
      "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+",
      "\\p{N}",
    ],
  },
  {
    names: ["deepseek-v3", "hunyuan-dense"],
    patterns: ["\\p{N}{1,3}", "[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+", DEEPSEEK3],
  },
  {
    names: ["bailingmoe", "bailingmoe2", "llada-moe"],
    patterns: [`${WORDS}|\\p{N}|${SYMBOLS}|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+`],
  },
  {
    names: ["seed-coder"],
    patterns: [`${WORDS}|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${SPACES}`],
  },
  {
    names: ["gpt-4o", "llama4", "minimax-m2"],
    patterns: [
      `${PREFIX}${UPPER}*${LOWER}+(?:${CONTRACTION})?|${PREFIX}${UPPER}+${LOWER}*(?:${CONTRACTION})?` +
      `|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n\\/]*|${SPACES}`,
    ],
  },
  {
    names: ["tekken"],
    patterns: [
      `${PREFIX}${UPPER}*${LOWER}+|${PREFIX}${UPPER}+${LOWER}*|\\p{N}` +
      `| ?[^\\s\\p{L}\\p{N}]+[\\r\\n\\/]*|${SPACES}`,
    ],
    ignoreMerges: true,
    addBos: true,
  },
];

/** The names of every pre-tokenizer that {@link findPreTokenizer} knows. */
export const preTokenizerNames: readonly string[] = TABLE.flatMap((row) => row.names);

/**
 * The pre-tokenizer of a name in `tokenizer.ggml.pre`; without a name, the one that llama.cpp
 * falls back to.
 *
 * @throws {TokenizerError} If the name is unknown.
 */
export function findPreTokenizer(name = "default"): PreTokenizer {
  const row = TABLE.find(({ names }) => names.includes(name));
  if (!row) {
    const key = "tokenizer.ggml.pre";
    throw new TokenizerError(
      `'${key}' is ${JSON.stringify(name.slice(0, 40))}, a pre-tokenizer that is not supported; ` +
        `supported are ${preTokenizerNames.join(", ")}.`,
      key,
    );
  }
  return {
    patterns: row.patterns.map(compile),
    ignoreMerges: row.ignoreMerges ?? false,
    addBos: row.addBos ?? false,
  };
}

function compile(pattern: string): RegExp {
  const source = pattern.replaceAll("\\s", "\\p{White_Space}")
    .replaceAll("\\S", "\\P{White_Space}");
  return new RegExp(source, "gu");
}

/**
 * Cuts a text into words. What no pattern matches stays as words of its own, so that the words
 * together are the text.
 *
 * @throws {TokenizerError} If one word is too long for the regular expression engine.
 */
export function splitWords(text: string, { patterns }: PreTokenizer): string[] {
  try {
    return patterns.reduce<string[]>(
      (pieces, pattern) => pieces.flatMap((piece) => splitByPattern(piece, pattern)),
      text === "" ? [] : [text],
    );
  } catch (error) {
    // V8 keeps a way back for each character of a match, in a stack of limited size.
    if (!(error instanceof RangeError)) throw error;
    throw new TokenizerError(
      `A text of ${text.length} characters has a run without a word boundary that is too long ` +
        "to encode; break it up.",
    );
  }
}

function splitByPattern(text: string, pattern: RegExp): string[] {
  const pieces: string[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    pieces.push(match[0]);
  }
  if (end < text.length) pieces.push(text.slice(end));
  return pieces;
}
