/**
 * What quantization costs the small model:
 * `deno run -A tools/small_model/perplexity.ts small-f32.gguf small-q8_0.gguf small-q4_k_m.gguf`
 * prints each file's perplexity on the evaluation set, and how much larger it is than that of the
 * first: on the answers, which is what the model was trained to say, and on the conversations as a
 * whole.
 *
 * @module
 */
import { logProbability, PerplexityEstimate } from "../../engine/perplexity.ts";
import { loadModel, type Model } from "../../mod.ts";
import { type Case, readCases } from "./evaluation_set.ts";

/** Perplexities of answers, the token that ends them included, and of all but the first tokens. */
async function measure(model: Model, cases: readonly Case[]): Promise<number[]> {
  const answers = new PerplexityEstimate();
  const everything = new PerplexityEstimate();
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
      const told = logProbability(logits, tokens[position]!);
      everything.add(told);
      if (position >= start) answers.add(told);
    }
  }
  return [answers.perplexity, everything.perplexity];
}

if (import.meta.main) {
  const cases = await readCases();
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
