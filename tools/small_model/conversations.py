"""Conversations for training: questions in a row, with and without tools."""

import dataclasses
import random

from curriculum import Stage
from facts import TOOLS, Split
from questions import Question, any_question
from tool_talk import (
    Message,
    OfferedTool,
    Tool,
    call_message,
    make_request,
    make_tools,
    question_about_tools,
    request_without_tool,
    result_and_answer,
)


@dataclasses.dataclass(frozen=True)
class Conversation:
    """Messages in the form of OpenAI's API, and the tools that are offered."""

    messages: list[Message]
    tools: list[Tool]


def said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def system_messages(chance: random.Random, share: float, split: Split) -> list[Message]:
    """A system message, or none in all but this share of conversations."""
    if chance.random() >= share:
        return []
    return [said("system", chance.choice(TOOLS["systems"][split.value]))]


def turns_of(question: Question) -> list[Message]:
    return [said("user", question.text), said("assistant", question.answer)]


def question_turns(chance: random.Random, stage: Stage) -> list[Message]:
    return turns_of(any_question(chance, Split.TRAIN, stage))


def refused_turns(chance: random.Random, offered: list[OfferedTool], stage: Stage) -> list[Message]:
    """A request that there is no tool for; a question where there is a tool for everything."""
    request = request_without_tool(chance, offered, Split.TRAIN, stage)
    if request is None:
        return question_turns(chance, stage)
    return [said("user", request), said("assistant", TOOLS["no_tool_answer"])]


def turns_about_tools(chance: random.Random, offered: list[OfferedTool]) -> list[Message]:
    return turns_of(question_about_tools(chance, offered, Split.TRAIN))


def call_turns(chance: random.Random, offered: list[OfferedTool]) -> list[Message]:
    """Request, call, result and answer."""
    tool = chance.choice(offered)
    request = make_request(chance, tool, Split.TRAIN)
    result, answer = result_and_answer(chance, tool, request, Split.TRAIN)
    return [
        said("user", request.text),
        call_message(tool, request),
        said("tool", result),
        said("assistant", answer),
    ]


def plain_conversation(chance: random.Random, stage: Stage) -> Conversation:
    """Questions in a row; one in a hundred is long, so that far positions are met."""
    messages = system_messages(chance, 0.12, Split.TRAIN)
    turns = chance.choices([1, 2, 3, 4, 6], weights=[40, 25, 18, 12, 5])[0]
    if chance.random() < 0.01:
        turns = chance.randint(15, 50)
    for _ in range(turns):
        kind = chance.random()
        if kind < 0.02:
            messages += refused_turns(chance, [], stage)
        elif kind < 0.02 + stage.about_no_tools:
            messages += turns_about_tools(chance, [])
        else:
            messages += question_turns(chance, stage)
    return Conversation(messages, [])


def tool_conversation(chance: random.Random, stage: Stage) -> Conversation:
    """One to six tools, and turns of which most call one."""
    count = chance.choices([1, 2, 3, 4, 6], weights=stage.tool_counts)[0]
    offered = make_tools(chance, Split.TRAIN, count, stage)
    messages = system_messages(chance, 0.4, Split.TRAIN)
    weights = [stage.calls, stage.refused, stage.questions_beside_tools, stage.about_tools]
    counts = range(1, 1 + len(stage.tool_turns))
    for _ in range(chance.choices(counts, weights=stage.tool_turns)[0]):
        match chance.choices(["call", "refused", "question", "about"], weights=weights)[0]:
            case "call":
                messages += call_turns(chance, offered)
            case "refused":
                messages += refused_turns(chance, offered, stage)
            case "about":
                messages += turns_about_tools(chance, offered)
            case _:
                messages += question_turns(chance, stage)
    return Conversation(messages, [tool.definition for tool in offered])


def any_conversation(chance: random.Random, stage: Stage) -> Conversation:
    with_tools = chance.random() < stage.tools
    return (tool_conversation if with_tools else plain_conversation)(chance, stage)
