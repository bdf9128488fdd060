/**
 * What quantization costs the small model:
 * `deno run -A tools/small_model/perplexity.ts small-f32.gguf small-q8_0.gguf small-q4_k_m.gguf`
 * prints each file's perplexity on the evaluation set, and how much larger it is than that of the
 * first: on the answers, which is what the model was trained to say, and on the conversations as a
 * whole.
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

/** The exponential of a mean loss. */
class Perplexity {
  #loss = 0;
  #count = 0;

  /** @param loss of a token, in nats */
  add(loss: number): void {
    this.#loss += loss;
    this.#count++;
  }

  get value(): number {
    return Math.exp(this.#loss / this.#count);
  }
}

/** Perplexities of answers, the token that ends them included, and of all but the first tokens. */
async function measure(model: Model, cases: readonly Case[]): Promise<number[]> {
  const answers = new Perplexity();
  const everything = new Perplexity();
  await using session = model.session();
  for (const { messages, tools = [], answer } of cases) {
    const prompt = model.chatTemplate.render(messages, { tools });
    const encode = (text: string) => model.tokenizer.encode(text, { addBos: false });
    const start = encode(prompt).length;
    const tokens = encode(`${prompt}${answer}<|im_end|>`);
    let position = 0;
    for await (const logits of session.logits(tokens)) {
      position++; // of the token that these logits are for
      if (position === tokens.length) continue;
      const loss = -logProbability(logits, tokens[position]!);
      everything.add(loss);
      if (position >= start) answers.add(loss);
    }
  }
  return [answers.value, everything.value];
}

function logProbability(logits: Float32Array, token: number): number {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return logits[token]! - largest - Math.log(sum);
}

if (import.meta.main) {
  const cases: Case[] = JSON.parse(await Deno.readTextFile(QUESTIONS));
  let first: number[] | undefined;
  for (const path of Deno.args) {
    await using model = await loadModel(path);
    const values = await measure(model, cases);
    const base = first ??= values;
    const [answers, everything] = values.map((value, i) =>
      `${value.toFixed(4)} (${(100 * (value / base[i]! - 1)).toFixed(2)}% more)`
    );
    console.log(`${path}: answers ${answers}, whole conversations ${everything}`);
  }
}
