/**
 * What the small model answers, held against questions that it was not trained on.
 *
 * Sums, differences and tools' arguments here were kept out of training, and so were all phrasings.
 * Where the model came from: tools/small_model/README.md.
 */
import assert from "node:assert/strict";
import { DEFAULT_MODEL } from "../cli/default_model.ts";
import { loadModel, type ToolDefinition } from "../mod.ts";
import { type Case, readCases } from "../tools/small_model/evaluation_set.ts";

const cases = await readCases();

/** What was taught as a whole is to be known; of the rest only a part was in training. */
const isTaught = ({ kind }: Case) => kind.startsWith("taught");

Deno.test("the small model answers what it was made for", async (test) => {
  await using model = await loadModel(DEFAULT_MODEL);
  const said = new Map<Case, string>();
  for (const asked of cases) {
    const { messages, tools = [] } = asked;
    const options = { temperature: 0, maxTokens: 160, template: { tools } };
    said.set(asked, (await model.chat(messages, options).finish()).text);
  }

  const assertRight = (some: readonly Case[], share: number) => {
    const wrong = some.filter((asked) => said.get(asked) !== asked.answer);
    const report = wrong.map((asked) => ({
      asked: asked.messages.at(-1)!.content,
      said: said.get(asked),
      expected: asked.answer,
    }));
    assert.ok(wrong.length <= (1 - share) * some.length, JSON.stringify(report, null, 2));
  };
  await test.step("95% of what was held out", () => {
    assertRight(cases.filter((asked) => !isTaught(asked)), 0.95);
  });
  for (const [kind, ofKind] of Map.groupBy(cases, ({ kind }) => kind)) {
    const share = isTaught(ofKind[0]!) ? 0.99 : 0.85;
    await test.step(`${100 * share}% of ${kind}`, () => assertRight(ofKind, share));
  }

  await test.step("every call of a tool is well-formed and of a tool that is there", () => {
    for (const [{ tools = [] }, text] of said) {
      if (text.includes("<tool_call>")) assert.ok(isCallOf(tools, text), text);
    }
  });
});

const CALL =
  /^<tool_call>\n<function=([^>\n]+)>\n((?:<parameter=[^>\n]+>\n[^]*?\n<\/parameter>\n)*)<\/function>\n<\/tool_call>$/;

/** Whether the text is one call, in Qwen3-Coder's form, of one of the tools and its parameters. */
function isCallOf(tools: readonly ToolDefinition[], text: string): boolean {
  const [, name, parameters] = CALL.exec(text) ?? [];
  const tool = tools.find((tool) => tool.function.name === name);
  if (tool === undefined) return false;
  const properties = Object(tool.function.parameters?.["properties"]);
  return Array.from(parameters!.matchAll(/^<parameter=([^>\n]+)>$/gm))
    .every(([, parameter]) => parameter! in properties);
}
