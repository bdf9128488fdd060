"""Renders conversations with Python's jinja2 and prints what chat/template_test.ts expects.

    pip install jinja2==3.1.6
    python3 tools/chat_template_fixtures.py TEMPLATES_DIRECTORY > chat/fixtures/renderings.json

jinja2 is set up as the `transformers` library does it (utils/chat_template_utils.py): a sandbox,
trim_blocks and lstrip_blocks, loop controls, and a `tojson` that escapes neither HTML nor Unicode.
"""

import json
import pathlib
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "  The weather at a place, e.g. \"Zürich\" <now>.\n",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name & country"},
                "unit": {"type": "string", "enum": ["°C", "°F"], "default": None},
                "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 1.5e-7},
                "exact": {"type": "boolean", "default": False},
                "where": {"type": "object", "properties": {"it's": {"type": "number"}}},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
BARE_TOOL = {"type": "function", "function": {"name": "stop"}}
STRICT_TOOL = {
    "type": "function",
    "function": {"name": "add", "strict": True, "parameters": {"type": "object", "properties": {}}},
}


def system(content):
    return {"role": "system", "content": content}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, *calls):
    message = {"role": "assistant", "content": content}
    if calls:
        message["toolCalls"] = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return message


def tool(content):
    return {"role": "tool", "content": content}


MIXED_ARGUMENTS = {
    "text": "two\nlines, 'single' and \"double\"",
    "empty": "",
    "yes": True,
    "no": False,
    "nothing": None,
    "count": -3,
    "ratio": 0.25,
    "tiny": 1e-05,
    "list": [1, "zwei", None, [], {}],
    "object": {"a": {"b": [True]}, "ключ": "値"},
}

CONVERSATIONS = {
    "system and user": {"messages": [system("Be brief."), user("What is 2+2?")]},
    "no system message": {"messages": [user("Hello")]},
    "no generation prompt": {
        "messages": [user("Hello"), assistant("Hi!")],
        "options": {"addGenerationPrompt": False},
    },
    "several turns": {
        "messages": [system("S"), user("1"), assistant("one"), user("2"), assistant("two"), user("3")],
    },
    "empty contents": {"messages": [system(""), user(""), assistant(""), user("")]},
    "a second system message": {"messages": [system("S"), user("1"), system("T"), user("2")]},
    "Unicode and markup": {
        "messages": [user("naïve 😀 日本語 \u2028 \u00a0<|im_end|> {{ x }} {% y %} & < > \\n \\")],
    },
    "spaces around contents": {
        "messages": [system("  s\n"), user("\n u \n"), assistant("\n\n  a  \n"), user("\tu\r\n")],
    },
    "spaces after thinking": {
        "messages": [user("q"), assistant("<think>\n\n  t\n </think>\n\n  indented\n")],
        "options": {"addGenerationPrompt": False},
    },
    "thinking of an earlier turn": {
        "messages": [user("q"), assistant("<think>\nt\n</think>\n\na"), user("r")],
    },
    "thinking kept apart": {
        "messages": [
            user("q"),
            {**assistant("a", ("stop", {})), "reasoningContent": "\n  t \n"},
            tool("r"),
        ],
    },
    "thinking switched off": {"messages": [user("q")], "options": {"variables": {"enable_thinking": False}}},
    "tools": {"messages": [user("Weather?")], "tools": [WEATHER_TOOL, BARE_TOOL, STRICT_TOOL]},
    "tools and a system message": {"messages": [system("S"), user("W?")], "tools": [WEATHER_TOOL]},
    "a tool call and its answer": {
        "messages": [
            user("Weather?"),
            assistant("", ("get_weather", {"city": "Zürich", "days": 2})),
            tool('{"sky": "clear"}'),
            assistant("Clear."),
            user("Thanks"),
        ],
        "tools": [WEATHER_TOOL],
    },
    "two tool calls with text and two answers": {
        "messages": [
            user("Weather?"),
            assistant("  Let me look.\n", ("get_weather", {"city": "Bern"}), ("stop", {})),
            tool("clear"),
            tool("stopped"),
        ],
        "tools": [WEATHER_TOOL, BARE_TOOL],
    },
    "arguments of every kind": {"messages": [user("q"), assistant("", ("f", MIXED_ARGUMENTS)), tool("")]},
    "arguments as JSON text": {
        "messages": [user("q"), assistant("", ("f", '{"city":"Zürich","n":[1,2],"ok":true}')), tool("r")],
    },
}

# What the published templates leave untouched of Python's ways: source, then variables.
SNIPPETS = [
    ("{{ true }} {{ none }} {{ missing }} {{ [1, 'a', none, 2.0] }} {{ {'k': false} }}", {}),
    ("{{ [\"it's\", 'say \"hi\"', 'both \\' and \"', 'back\\\\slash', 'tab\\t'] }}", {}),
    ("{{ value }} {{ value | string }} {{ value ~ '' }} {{ value | tojson }}", {"value": 1e-05}),
    ("{{ value }}|{{ [value] }}|{{ value | tojson }}", {"value": "\u00e9\u2028\u0007\ud55c😀"}),
    ("{{ value | tojson(ensure_ascii=true) }}", {"value": ["é😀", {"ü": 1}]}),
    ("{{ value | tojson(indent=2) }}", {"value": {"a": [1, {"b": []}], "c": {}}}),
    ("{{ value | tojson(sort_keys=true, separators=(',', ':')) }}", {"value": {"b": 1, "a": [2, 3]}}),
    ("{{ 1 ~ true ~ missing ~ none ~ 0.5 }} {{ ('a' + 'b') | upper }} {{ [1] + [2] }}", {}),
    ("[{{ value.strip() }}] [{{ value.lstrip('x') }}] [{{ value.rstrip(' x\n') }}]", {"value": "xx a x\n"}),
    ("[{{ value | trim }}] [{{ value.strip() }}]", {"value": "\ufeff\u00a0 a\x1f"}),
    ("{{ [1, true, 'a'] | join(', ') }} {{ 'abc' | join('-') }} {{ [] | join }}", {}),
    ("{%- for i in range(3) -%} {{ i }}{% if not loop.last %},{% endif %} {%- endfor -%}", {}),
    ("{% if true %}\n  a\n{% endif %}\n  {% if true %}b{% endif %}\n\n{# note #}\n  c {{- ' d ' -}} \n e\n", {}),
    ("{% macro m(x, y='z') %}[{{ x }}{{ y }}]{% endmacro %}{{ m(1) }}{{ m('a', y=false) }}", {}),
    ("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", {}),
    ("{% set x = 0 %}{% for i in [1, 2] %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}", {}),
    ("{% for k, v in {'a': 1}.items() %}{{ y is defined }}{{ k }}{{ v }}{% set y = 1 %}{% else %}-{% endfor %}", {}),
    ("{% for i in [1, 2, 3] if i != 2 %}{{ y is defined }}{{ loop.index }}{% set y = 1 %}{% endfor %}", {}),
    ("{{ bos_token }}|{{ eos_token }}|{{ 'a' if false }}|{{ 7 // 2 }}|{{ 7 / 2 }}|{{ 4 / 2 }}", {}),
]


def to_template_message(message):
    """The message under the names that templates read."""
    result = {"role": message["role"], "content": message["content"]}
    if "reasoningContent" in message:
        result["reasoning_content"] = message["reasoningContent"]
    if "toolCalls" in message:
        result["tool_calls"] = [
            {"type": "function", "function": {"name": call["name"], "arguments": parsed(call["arguments"])}}
            for call in message["toolCalls"]
        ]
    return result


def parsed(arguments):
    return json.loads(arguments) if isinstance(arguments, str) else arguments


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    result = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    return result


def rendering(source, case):
    options = case.get("options", {})
    return environment().from_string(source).render(
        messages=[to_template_message(message) for message in case["messages"]],
        add_generation_prompt=options.get("addGenerationPrompt", True),
        bos_token="",
        eos_token="",
        **({"tools": case["tools"]} if "tools" in case else {}),
        **options.get("variables", {}),
    )


def main():
    templates = sorted(pathlib.Path(sys.argv[1]).glob("*.jinja"))
    conversations = [
        {
            "name": name,
            **case,
            "expected": {path.name: rendering(path.read_text("utf-8"), case) for path in templates},
        }
        for name, case in CONVERSATIONS.items()
    ]
    snippets = [
        {
            "source": source,
            "variables": variables,
            "expected": rendering(source, {"messages": [], "options": {"variables": variables}}),
        }
        for source, variables in SNIPPETS
    ]
    print(json.dumps({"conversations": conversations, "snippets": snippets}, indent=1))


main()
