"""Tools, what users ask of them, the calls that follow, and what is said of their results."""

import dataclasses
import random
import re
from typing import Any

from curriculum import Stage
from facts import TOOLS, Split, split_of
from invent import failure_reason, invented_word, result_value, slot_value
from questions import Question, phrased

Message = dict[str, Any]
Tool = dict[str, Any]

FAMILIES: list[dict[str, Any]] = TOOLS["families"]

# A family whose tools could do what another family's are asked for. Where one is offered, "there is
# no tool for that" would be wrong.
STAND_INS: dict[str, set[str]] = {
    "run": {"list", "read", "write", "delete", "fetch", "time", "search"},
    "search": {"weather", "fetch", "play", "time", "read"},
    "fetch": {"search", "weather", "read"},
    "list": {"search", "read"},
    "read": {"fetch", "list"},
    "write": {"note", "message"},
    "note": {"write", "timer", "message"},
    "message": {"note", "write", "timer"},
    "timer": {"time", "note"},
    "time": {"timer"},
}


@dataclasses.dataclass(frozen=True)
class OfferedTool:
    """A tool as the model sees it, and which of its parameters takes which slot of a request."""

    family: dict[str, Any]
    definition: Tool
    parameter_of_slot: dict[str, str]

    @property
    def name(self) -> str:
        return self.definition["function"]["name"]

    def can_answer_bare(self) -> bool:
        return "bare_requests" in self.family


def restyled(chance: random.Random, name: str) -> str:
    """The name as one or another programmer would write it."""
    parts = name.split("_")
    match chance.randrange(10):
        case 0:
            return parts[0] + "".join(part.capitalize() for part in parts[1:])
        case 1:
            return "-".join(parts)
        case 2:
            return "".join(part.capitalize() for part in parts)
        case _:
            return name


def tool_name(chance: random.Random, family: dict[str, Any], split: Split, stage: Stage) -> str:
    """Most names say what the tool does. Some say nothing, so that descriptions are read; some have
    a prefix, as servers of tools give them."""
    kind = chance.random()
    if kind < stage.invented_names:
        return invented_word(chance, split)
    name = restyled(chance, plain_name(chance, family, split, stage))
    if kind < stage.invented_names + stage.prefixed_names:
        return f"{invented_word(chance, split)}_{name}"
    return name


def plain_name(chance: random.Random, family: dict[str, Any], split: Split, stage: Stage) -> str:
    """A name that says what the tool does. None that is held out is composed by accident."""
    if stage.composed == 0 or chance.random() >= stage.composed:
        return chance.choice(family["names"][split.value])
    while True:
        verb, noun = (chance.choice(family["composed"][part]) for part in ("verbs", "nouns"))
        name = chance.choices([f"{verb}_{noun}", f"{noun}_{verb}", noun], weights=[6, 1, 1])[0]
        if name not in family["names"][Split.HELD_OUT.value]:
            return name


def tool_description(
    chance: random.Random, family: dict[str, Any], split: Split, stage: Stage
) -> str:
    if stage.composed == 0 or chance.random() >= stage.composed:
        return chance.choice(family["descriptions"][split.value])
    while True:
        verb, goal = (chance.choice(family["composed"][part]) for part in ("verbs", "objects"))
        verb = verb.replace("_", " ")
        third_person = re.sub(r"^(\w*)(sh|ch|o)\b", r"\1\2e", verb)
        third_person = re.sub(r"^\w+", r"\g<0>s", third_person)
        description = chance.choice(
            [
                f"{third_person.capitalize()} {goal}.",
                f"{verb.capitalize()} {goal}.",
                f"{verb.capitalize()} {goal}",
                f"Use it to {verb} {goal}.",
                f"A tool to {verb} {goal}.",
            ]
        )
        if description not in family["descriptions"][Split.HELD_OUT.value]:
            return description


def make_tool(
    chance: random.Random, family: dict[str, Any], split: Split, stage: Stage
) -> OfferedTool:
    properties: dict[str, Any] = {}
    parameter_of_slot: dict[str, str] = {}
    without_parameters = "bare_requests" in family and chance.random() < 0.15
    for parameter in [] if without_parameters else family["parameters"]:
        name = chance.choice([n for n in parameter["names"] if n not in properties])
        if chance.random() < 0.06:
            name = invented_word(chance, split)
        parameter_of_slot[parameter["slot"]] = name
        numeric = parameter["slot"] == "minutes" and chance.random() < 0.7
        field = {"type": "integer" if numeric else "string"}
        if chance.random() < 0.5:
            field["description"] = chance.choice(parameter["descriptions"])
        properties[name] = field
    if chance.random() < 0.08:
        unused = dict(chance.choice(TOOLS["unused_parameters"]))
        properties[unused.pop("name")] = unused
    function = {
        "name": tool_name(chance, family, split, stage),
        "description": tool_description(chance, family, split, stage),
        "parameters": {"type": "object", "properties": properties},
    }
    return OfferedTool(family, {"type": "function", "function": function}, parameter_of_slot)


def make_tools(chance: random.Random, split: Split, count: int, stage: Stage) -> list[OfferedTool]:
    """Tools of different families with different names."""
    tools: dict[str, OfferedTool] = {}
    for family in chance.sample(FAMILIES, count):
        tool = make_tool(chance, family, split, stage)
        while tool.name in tools:
            tool = make_tool(chance, family, split, stage)
        tools[tool.name] = tool
    return list(tools.values())


@dataclasses.dataclass(frozen=True)
class Request:
    """What a user asks for, and the arguments that it names by their slots."""

    text: str
    arguments: dict[str, str]


def in_request(chance: random.Random, slot: str, value: str) -> str:
    """The value as the user writes it: texts often stand in quotes, paths at times."""
    if slot == "text":
        quote = chance.choice(['"', '"', "'", ""])
    elif slot in ("path", "folder", "words"):
        quote = chance.choices(["", '"', "'", "`"], weights=[12, 1, 1, 1])[0]
    else:
        quote = ""
    return f"{quote}{value}{quote}"


PREFIXES = ["Please ", "please ", "Can you ", "Could you ", "I want you to ", "Now ", "Ok, "]


def varied(chance: random.Random, text: str) -> str:
    """The request with a polite beginning, or without its full stop, now and then."""
    if chance.random() < 0.2 and re.match(r"(?!What|Which|How|Is|Do|Please)[A-Z][a-z]+ ", text):
        text = chance.choice(PREFIXES) + text[0].lower() + text[1:]
    return text.removesuffix(".") if chance.random() < 0.2 else text


def make_request(chance: random.Random, tool: OfferedTool, split: Split) -> Request:
    family = tool.family
    bare = not tool.parameter_of_slot and family["parameters"]
    if bare or (tool.can_answer_bare() and chance.random() < 0.3):
        text = chance.choice(family["bare_requests"][split.value])
        slots = tool.parameter_of_slot
        return Request(varied(chance, text), {slot: family["bare_value"] for slot in slots})
    arguments = {
        parameter["slot"]: slot_value(chance, parameter["slot"], split)
        for parameter in family["parameters"]
    }
    written = {slot: in_request(chance, slot, value) for slot, value in arguments.items()}
    return Request(varied(chance, phrased(chance, family["requests"], split, **written)), arguments)


def call_message(tool: OfferedTool, request: Request) -> Message:
    """The assistant's turn that calls the tool; arguments in the order of the definition."""
    arguments = {name: request.arguments[slot] for slot, name in tool.parameter_of_slot.items()}
    call = {"type": "function", "function": {"name": tool.name, "arguments": arguments}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def result_and_answer(
    chance: random.Random, tool: OfferedTool, request: Request, split: Split
) -> tuple[str, str]:
    """What the tool gives back, and the sentence that tells it to the user."""
    if chance.random() < 0.1:
        reason = failure_reason(chance, split)
        prefix = chance.choice(["Error: ", "error: ", "ERROR: "])
        return prefix + reason, TOOLS["failure_answer"].format(reason=reason)
    result = result_value(chance, tool.family["result"], split)
    slots = {"result": result, "lines": result.replace("\n", ", "), **request.arguments}
    return result, tool.family["answer"].format(**slots)


def request_without_tool(
    chance: random.Random, offered: list[OfferedTool], split: Split, stage: Stage
) -> str | None:
    """A request that none of the tools can fulfil; None if they can do everything."""
    able = {tool.family["intent"] for tool in offered}
    for intent in list(able):
        able |= STAND_INS.get(intent, set())
    families = [family for family in FAMILIES if family["intent"] not in able]
    if not families:
        return None
    return make_request(
        chance, make_tool(chance, chance.choice(families), split, stage), split
    ).text


def question_about_tools(
    chance: random.Random, offered: list[OfferedTool], split: Split
) -> Question:
    """Which tools there are, what one is for and takes, and which it is that a description means."""
    about, answers = TOOLS["about"], TOOLS["about"]["answers"]
    if not offered:
        text = phrased(chance, about["names"], split)
        return Question("about tools", text, answers["no_names"])
    function = chance.choice(offered).definition["function"]
    kind = chance.choices(["names", "purpose", "search", "parameters"], weights=[2, 2, 4, 2])[0]
    parameters = list(function["parameters"]["properties"])
    answer = answers["no_parameters" if kind == "parameters" and not parameters else kind]
    slots = {
        "names": listed([tool.name for tool in offered]),
        "name": function["name"],
        "description": function["description"],
        "parameters": listed(parameters),
    }
    text = phrased(chance, about[kind], split, **slots)
    return Question("about tools", text, answer.format(**slots))


def listed(items: list[str]) -> str:
    """ "a", "a and b", "a, b and c". """
    return " and ".join(part for part in [", ".join(items[:-1]), *items[-1:]] if part)


def is_new(request: Request) -> bool:
    """Whether training has not seen one of the arguments."""
    return any(split_of(value) is Split.HELD_OUT for value in request.arguments.values())
