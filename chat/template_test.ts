import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { CHATML_TEMPLATE } from "./chatml.ts";
import { ChatTemplateError } from "./error.ts";
import type { Message, ToolDefinition } from "./message.ts";
import { createChatTemplate, type RenderOptions } from "./template.ts";

/** Made by tools/chat_template_fixtures.py with Python's jinja2. */
interface Fixtures {
  conversations: {
    name: string;
    messages: Message[];
    tools?: ToolDefinition[];
    options?: RenderOptions;
    expected: Record<string, string>;
  }[];
  snippets: { source: string; variables: Record<string, unknown>; expected: string }[];
}

const fixtures: Fixtures = JSON.parse(
  readFileSync(new URL("./fixtures/renderings.json", import.meta.url), "utf8"),
);
const templates = new URL("../../shared/templates/", import.meta.url);

for (const file of Object.keys(fixtures.conversations[0]!.expected)) {
  const path = new URL(file, templates);
  const ignore = !existsSync(path);
  const name = `render() gives what jinja2 gives for ${file}`;
  Deno.test({
    name: ignore ? `${name} (skipped: no ../shared)` : name,
    ignore,
    fn: async (test) => {
      const template = createChatTemplate(readFileSync(path, "utf8"));
      for (const { name, messages, tools, options, expected } of fixtures.conversations) {
        await test.step(name, () => {
          const rendered = template.render(messages, { ...options, ...(tools && { tools }) });
          assert.equal(rendered, expected[file]);
        });
      }
    },
  });
}

Deno.test("render() gives what jinja2 gives for values that Python writes in its own way", () => {
  for (const { source, variables, expected } of fixtures.snippets) {
    assert.equal(createChatTemplate(source).render([], { variables }), expected, source);
  }
});

Deno.test("render() writes CHATML_TEMPLATE as ChatML", () => {
  const template = createChatTemplate(CHATML_TEMPLATE);
  const messages = [{ role: "system", content: "S" }, { role: "user", content: " {{ 1 }}\n" }];
  const turns = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n {{ 1 }}\n<|im_end|>\n";
  assert.equal(template.render(messages), turns + "<|im_start|>assistant\n");
  assert.equal(template.render(messages, { addGenerationPrompt: false }), turns);
});

Deno.test("render() hands over ids, names, tokens and extra variables", () => {
  const template = createChatTemplate(
    "{{ bos_token }}{{ messages[0].tool_calls[0].id }} {{ messages[1].tool_call_id }} " +
      "{{ messages[1].name }} {{ style }}{{ eos_token }}",
  );
  const rendered = template.render([
    { role: "assistant", content: "", toolCalls: [{ name: "f", arguments: {}, id: "c1" }] },
    { role: "tool", content: "", toolCallId: "c1", name: "f" },
  ], { bosToken: "<s>", eosToken: "</s>", variables: { style: "formal" } });
  assert.equal(rendered, "<s>c1 c1 f formal</s>");
});

Deno.test("render() keeps arguments that are no JSON object as they are", () => {
  const template = createChatTemplate("{{ messages[0].tool_calls[0].function.arguments }}");
  for (const text of ["{broken", '"quoted"', ""]) {
    const toolCalls = [{ name: "f", arguments: text }];
    assert.equal(template.render([{ role: "assistant", content: "", toolCalls }]), text);
  }
});

Deno.test("render() treats an empty list of tools as none", () => {
  const template = createChatTemplate("{{ tools is defined }}");
  assert.equal(template.render([], { tools: [] }), "False");
});

Deno.test("render() gives today's date to the template", () => {
  const template = createChatTemplate(
    "{{ strftime_now('%A %a %d %B %b %m %Y %y %H:%I%p:%M:%S %% %Q') }}",
  );
  // 4 July 2027 is a Sunday.
  const now = new Date(2027, 6, 4, 15, 5, 9);
  const expected = "Sunday Sun 04 July Jul 07 2027 27 15:03PM:05:09 % %Q";
  assert.equal(template.render([], { now }), expected);
});

Deno.test("render() passes on the message of raise_exception", () => {
  const template = createChatTemplate("{{ raise_exception('Roles must alternate') }}");
  assert.throws(() => template.render([]), {
    name: "ChatTemplateError",
    message: "The chat template refuses the conversation: Roles must alternate",
  });
});

Deno.test("render() says what a template did wrong", () => {
  const cases: [string, RegExp][] = [
    ["{{ 'a' + 1 }}", /^The chat template failed: "\+" cannot join StringValue and IntegerValue$/],
    ["{{ missing() }}", /^The chat template failed: Cannot call something that is not a function/],
    ["{{ missing.strip() }}", /^The chat template failed: UndefinedValue has no method strip/],
    ["{{ 'a' | frobnicate }}", /^The chat template failed: .*frobnicate/],
    ["{{ range }}", /^The chat template failed: A function cannot be written as text/],
  ];
  for (const [source, message] of cases) {
    const template = createChatTemplate(source);
    assert.throws(() => template.render([]), { name: "ChatTemplateError", message }, source);
  }
});

Deno.test("createChatTemplate() names the line of a mistake", () => {
  const cases: [string, RegExp][] = [
    ["a\n\n{{ 'x }}", /on line 3, at {{ 'x }}: Unexpected end of input/],
    ["{% if true %}\n{% endfor %}{% endif %}", /on line 2, at {% endfor %}/],
    ["{{ '{% }}' }}\n{# {{ #}\n{{ a b }}", /on line 3, at {{ a b }}/],
    ["{% generation %}\n{% endgeneration %}\n{{ $ }}", /on line 3, at {{ \$ }}/],
    ["{% generation %}{% endgeneration %}\n{% for %}\n{% for %}", /on line 2, at {% for %}/],
    ["{{ {'a': {'b': 1}} ~ '{%' }}\n{% for %}", /on line 2, at {% for %}/],
    ["{% include 'x' %}", /on line 1, at {% include 'x' %}: Unknown statement type: include/],
    ["{% if x %}\nb", /it ends before a tag is closed/],
  ];
  for (const [source, message] of cases) {
    assert.throws(() => createChatTemplate(source), { name: "ChatTemplateError", message }, source);
  }
});

Deno.test("createChatTemplate() refuses a template too large to be one", () => {
  const mebibyte = 2 ** 20;
  assert.throws(() => createChatTemplate("a".repeat(mebibyte)), /1048576 characters/);
  assert.throws(() => createChatTemplate(" ".repeat(5000)), /white space in a row/);
  assert.throws(() => createChatTemplate("{{" + "(".repeat(100_000)), ChatTemplateError);
});

Deno.test("render() ends templates that would run, grow or recurse without end", () => {
  const nest = (levels: number, body: string) =>
    "{% for i in range(99999) %}".repeat(levels) + body + "{% endfor %}".repeat(levels);
  const doubling = (initial: string, step: string, end: string) =>
    `{% set ns = namespace(v=${initial}) %}{% for i in range(60) %}{% set ns.v = ${step} %}` +
    `{% endfor %}${end}`;
  const sources = [
    nest(4, ""),
    nest(3, "{% macro m() %}" + "{{ 1 }}".repeat(2000) + "{% endmacro %}"),
    "{{ range(1000000000) | length }}",
    "{{ range(0, 1, 0) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    doubling("'ab'", "ns.v + ns.v", "{{ ns.v }}"),
    doubling("'ab'", "ns.v ~ ns.v", "{{ ns.v }}"),
    doubling("[1, 2]", "ns.v + ns.v", "{{ ns.v | length }}"),
    doubling("[1]", "[ns.v, ns.v]", "{{ ns.v | tojson(indent=1) }}"),
    doubling("[1]", "{'a': ns.v, 'b': ns.v}", "{{ ns.v }}"),
    doubling("[1]", "[ns.v, ns.v]", "{{ ns.v | join }}"),
    doubling("[1]", "[ns.v, ns.v]", "{{ 'a' + ns.v }}"),
    doubling("[1]", "[ns.v, ns.v]", "{{ raise_exception(ns.v) }}"),
    "{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}",
    "{{ 'a' | indent(width=1000000000, first=true) }}",
    "{{ 'a'.replace('', messages[0].content).replace('b', messages[0].content) }}",
  ];
  const messages = [{ role: "user", content: "b".repeat(100_000) }];
  for (const source of sources) {
    const template = createChatTemplate(source);
    const start = performance.now();
    assert.throws(() => template.render(messages), ChatTemplateError, source.slice(0, 200));
    const seconds = (performance.now() - start) / 1000;
    assert(seconds < 30, `${seconds} s for ${source.slice(0, 200)}`);
  }
});

Deno.test("render() serves a conversation of thousands of messages", () => {
  const source = "{% for m in messages %}{% if loop.index0 < messages | length - 1 and " +
    "messages[loop.index0 + 1].role != m.role %}{{ m.role + m.content | trim }}{% endif %}{% endfor %}";
  const count = 5001;
  const content = "word ".repeat(200);
  const messages = Array.from({ length: count }, (_, index) => (
    { role: index % 2 ? "assistant" : "user", content }
  ));
  const rendered = createChatTemplate(source).render(messages);
  assert.equal(rendered.length, 2500 * ("user".length + "assistant".length + 2 * (1000 - 1)));
});
