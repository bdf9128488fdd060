/** Whether the small model is prompted with the text that it was trained on. */
import assert from "node:assert/strict";
import { createChatTemplate } from "../chat/mod.ts";
import type { Message, ToolDefinition } from "../mod.ts";

/** A conversation, and what training made of it (tools/small_model/rendered.py). */
interface Rendered {
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDefinition[];
  readonly text: string;
}

const read = (path: string) => Deno.readTextFile(new URL(path, import.meta.url));
const template = createChatTemplate(await read("../tools/small_model/chat_template.jinja"));
const conversations: Rendered[] = JSON.parse(await read("./fixtures/small_model/rendered.json"));

Deno.test("the small model's template renders what it was trained on, byte for byte", () => {
  assert.equal(conversations.length, 40);
  for (const { messages, tools, text } of conversations) {
    assert.equal(template.render(messages, { tools, addGenerationPrompt: false }), text);
  }
});

Deno.test("the small model's template puts results of several calls into one turn", () => {
  const messages: Message[] = [
    { role: "user", content: "Both, please." },
    {
      role: "assistant",
      content: "Yes.",
      toolCalls: [
        { name: "list", arguments: {} },
        { name: "wait", arguments: { minutes: 2, until: "noon" } },
      ],
    },
    { role: "tool", content: "a.ts" },
    { role: "tool", content: "ok" },
  ];
  assert.equal(
    template.render(messages),
    `<|im_start|>user
Both, please.<|im_end|>
<|im_start|>assistant
Yes.
<tool_call>
<function=list>
</function>
</tool_call>
<tool_call>
<function=wait>
<parameter=minutes>
2
</parameter>
<parameter=until>
noon
</parameter>
</function>
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
a.ts
</tool_response>
<tool_response>
ok
</tool_response><|im_end|>
<|im_start|>assistant
`,
  );
});
