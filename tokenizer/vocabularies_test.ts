/** Published vocabularies against the ids that llama.cpp gives for the same files. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openGguf } from "../gguf/mod.ts";
import { createTokenizer, type Tokenizer } from "./mod.ts";

const directory = fileURLToPath(new URL("../../shared/vocab/", import.meta.url));
const ignore = !existsSync(directory);
const suffix = ignore ? " (skipped: no ../shared)" : "";

async function loadTokenizer(name: string): Promise<Tokenizer> {
  await using file = await openGguf(`${directory}${name}.gguf`);
  return createTokenizer(file.metadata);
}

/** The cases as llama.cpp's test reads them: a case is all between two separators' newlines. */
function readCases(name: string): { text: string; expected: number[] }[] {
  const texts = readFileSync(`${directory}${name}.inp`, "utf8").split("\n__ggml_vocab_test__\n");
  const lines = readFileSync(`${directory}${name}.out`, "utf8").split("\n").slice(0, texts.length);
  return lines.map((line, index) => ({
    text: texts[index]!,
    expected: line.split(" ").filter((word) => word !== "").map(Number),
  }));
}

const NAMES = ["deepseek-coder", "falcon", "gpt-2", "llama-spm", "phi-3", "qwen", "starcoder"];

for (const name of NAMES) {
  Deno.test({
    name: `encode() gives llama.cpp's ids for every case of ${name}${suffix}`,
    ignore,
    fn: async () => {
      const tokenizer = await loadTokenizer(name);
      const cases = readCases(name);
      assert.equal(cases.length, 47);
      for (const { text, expected } of cases) {
        const ids = tokenizer.encode(text, { special: false, addBos: false });
        assert.deepEqual(ids, expected, JSON.stringify(text));
        assert.equal(tokenizer.decode(expected), text);
      }
    },
  });
}

// What llama.cpp (of node-llama-cpp 3.22.1) gives with special tokens parsed.
const WITH_SPECIAL: [string, string, number[]][] = [
  ["qwen", "<|im_start|>user\nhi<|im_end|>\n<think>\n", [
    ...[151644, 872, 198, 6023, 151645, 198, 151667, 198],
  ]],
  ["qwen", "<think>\nok</think>\n\n<tool_call>", [151667, 198, 562, 151668, 271, 151657]],
  ["llama-spm", "<s>Hello</s> world", [1, 15043, 2, 29871, 3186]],
  ["llama-spm", "[INST] hi [/INST]", [518, 25580, 29962, 7251, 518, 29914, 25580, 29962]],
  ["phi-3", "<|user|>\n hi<|end|>\n<|assistant|>\nok", [32010, 7251, 32007, 32001, 3431]],
  ["phi-3", "<s> x", [1, 29871, 921]],
  ["falcon", "x<|endoftext|>y", [99, 11, 100]],
  ["deepseek-coder", "Hi ÷ õ", [11041, 207, 32001, 207, 32000]],
];

Deno.test({
  name: `encode() gives llama.cpp's ids for texts with special tokens${suffix}`,
  ignore,
  fn: async () => {
    for (const [name, text, expected] of WITH_SPECIAL) {
      const ids = (await loadTokenizer(name)).encode(text, { addBos: false });
      assert.deepEqual(ids, expected, `${name}: ${JSON.stringify(text)}`);
    }
  },
});

// bos, eos, eot, and the tokens that end generation, as the same llama.cpp has them.
const SPECIAL_IDS: Record<string, [number, number, number | undefined, number[]]> = {
  "qwen": [151643, 151645, 151645, [128247, 151643, 151645, 151662, 151663, 151664]],
  "llama-spm": [1, 2, undefined, [2]],
  "phi-3": [1, 32000, 32007, [2, 32000, 32007]],
  "falcon": [11, 11, 11, [11]],
  "deepseek-coder": [32013, 32014, 32014, [32014]],
};

Deno.test({
  name: `createTokenizer() finds llama.cpp's special tokens${suffix}`,
  ignore,
  fn: async () => {
    for (const [name, [bos, eos, eot, ends]] of Object.entries(SPECIAL_IDS)) {
      const tokenizer = await loadTokenizer(name);
      assert.deepEqual([tokenizer.bos, tokenizer.eos, tokenizer.eot], [bos, eos, eot], name);
      assert.deepEqual([...tokenizer.endOfGeneration].sort((a, b) => a - b), ends, name);
    }
  },
});
