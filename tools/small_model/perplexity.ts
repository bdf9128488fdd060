/**
 * What quantization costs the small model:
 * `deno run -A tools/small_model/perplexity.ts small-f32.gguf small-q8_0.gguf small-q4_k_m.gguf`
 * prints each file's perplexity on the answers of the evaluation set, and how much larger it is than
 * that of the first.
 *
 * @module
 */
import { loadModel, type Message, type Model, type ToolDefinition } from "../../mod.ts";

/** A conversation so far, and what is to be said next. */
interface Case {
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolDefinition[];
  readonly answer: string;
}

const QUESTIONS = new URL("../../tests/fixtures/small_model/questions.json", import.meta.url);

/** exp of the mean loss of an answer's tokens, the one that ends it included. */
async function perplexity(model: Model, cases: readonly Case[]): Promise<number> {
  let loss = 0; // in nats
  let count = 0;
  await using session = model.session();
  for (const { messages, tools = [], answer } of cases) {
    const prompt = model.chatTemplate.render(messages, { tools });
    const encode = (text: string) => model.tokenizer.encode(text, { addBos: false });
    const start = encode(prompt).length;
    const tokens = encode(`${prompt}${answer}<|im_end|>`);
    let position = 0;
    for await (const logits of session.logits(tokens)) {
      position++; // of the token that these logits are for
      if (position < start || position === tokens.length) continue;
      loss -= logProbability(logits, tokens[position]!);
      count++;
    }
  }
  return Math.exp(loss / count);
}

function logProbability(logits: Float32Array, token: number): number {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return logits[token]! - largest - Math.log(sum);
}

if (import.meta.main) {
  const cases: Case[] = JSON.parse(await Deno.readTextFile(QUESTIONS));
  let first: number | undefined;
  for (const path of Deno.args) {
    await using model = await loadModel(path);
    const value = await perplexity(model, cases);
    first ??= value;
    console.log(`${path}: ${value.toFixed(4)}, ${(100 * (value / first - 1)).toFixed(2)}% more`);
  }
}
