"""The evaluation set, and how many of its cases a model gets right.

    python evaluation.py tests/fixtures/small_model/questions.json

writes the set as JSON. A case is right if greedy decoding gives its answer to the token. Nothing has
to be generated to know that: it does exactly if, with the answer put in, the likeliest token is the
answer's at every place.
"""

import collections
import dataclasses
import json
import pathlib
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer

import questions
from batches import assemble, encode
from conversations import Conversation, said
from curriculum import FIRST
from facts import TOOLS, Split
from model import SmallModel
from render import Piece, answer_text, text_of
from tool_talk import (
    Message,
    OfferedTool,
    Tool,
    call_message,
    is_new,
    make_request,
    make_tools,
    question_about_tools,
    request_without_tool,
    result_and_answer,
)

HELD_OUT = Split.HELD_OUT
CASES_OF_A_KIND = 36


@dataclasses.dataclass(frozen=True)
class Case:
    """kind: what it belongs to. messages: the conversation so far. tools: what is offered. answer:
    the assistant's turn, as it is rendered."""

    kind: str
    messages: list[Message]
    tools: list[Tool]
    answer: str


def question_case(
    question: questions.Question, kind: str | None = None, tools: Sequence[OfferedTool] = ()
) -> Case:
    definitions = [tool.definition for tool in tools]
    return Case(kind or question.kind, [said("user", question.text)], definitions, question.answer)


def tool_case(chance: random.Random) -> Case:
    """A request with arguments that training has not seen, among one to four tools."""
    while True:
        tools = make_tools(chance, HELD_OUT, chance.randint(1, 4), FIRST)
        tool = chance.choice(tools)
        request = make_request(chance, tool, HELD_OUT)
        if is_new(request) or not tool.family["parameters"]:
            answer = answer_text(call_message(tool, request))
            definitions = [tool.definition for tool in tools]
            return Case("tools", [said("user", request.text)], definitions, answer)


def response_case(chance: random.Random) -> Case:
    """What a tool answered, to be put into a sentence."""
    tools = make_tools(chance, HELD_OUT, chance.randint(1, 3), FIRST)
    tool = chance.choice(tools)
    request = make_request(chance, tool, HELD_OUT)
    result, answer = result_and_answer(chance, tool, request, HELD_OUT)
    messages = [said("user", request.text), call_message(tool, request), said("tool", result)]
    return Case("tool responses", messages, [tool.definition for tool in tools], answer)


def no_tool_case(chance: random.Random) -> Case:
    """A request that none of the tools fits."""
    while True:
        tools = make_tools(chance, HELD_OUT, chance.randint(0, 3), FIRST)
        text = request_without_tool(chance, tools, HELD_OUT, FIRST)
        if text is not None:
            definitions = [tool.definition for tool in tools]
            return Case("no tool", [said("user", text)], definitions, TOOLS["no_tool_answer"])


def question_beside_tools_case(chance: random.Random) -> Case:
    question = questions.any_question(chance, HELD_OUT, FIRST)
    tools = make_tools(chance, HELD_OUT, chance.randint(1, 3), FIRST)
    return question_case(question, "questions beside tools", tools)


def about_tools_case(chance: random.Random) -> Case:
    tools = make_tools(chance, HELD_OUT, chance.randint(0, 3), FIRST)
    return question_case(question_about_tools(chance, tools, HELD_OUT), tools=tools)


def several_turns_case(chance: random.Random) -> Case:
    """The third question of a conversation."""
    asked = [questions.any_question(chance, HELD_OUT, FIRST) for _ in range(3)]
    messages: list[Message] = []
    for question in asked:
        messages += [said("user", question.text), said("assistant", question.answer)]
    return Case("several turns", messages[:-1], [], asked[-1].answer)


SINGLE: list[Callable[[random.Random, Split], questions.Question]] = [
    questions.sum_question,
    questions.difference_question,
    questions.beyond_question,
    questions.country_question,
    questions.day_question,
    questions.month_question,
    questions.code_question,
    questions.chat_question,
    questions.unknown_question,
]
OTHERS = [
    tool_case,
    response_case,
    no_tool_case,
    question_beside_tools_case,
    several_turns_case,
]


def make_cases(seed: int) -> Iterator[Case]:
    """So many distinct cases of each kind that the model is for, and every capital and word that was
    taught."""
    chance = random.Random(seed)
    for maker in [*(single(maker) for maker in SINGLE), *OTHERS]:
        yield from distinct(maker, chance)
    yield from taught_cases(seed)


def single(
    maker: Callable[[random.Random, Split], questions.Question],
) -> Callable[[random.Random], Case]:
    return lambda chance: question_case(maker(chance, HELD_OUT))


def distinct(maker: Callable[[random.Random], Case], chance: random.Random) -> list[Case]:
    cases: dict[str, Case] = {}
    for _ in range(20 * CASES_OF_A_KIND):
        case = maker(chance)
        cases[json.dumps([case.messages, case.tools])] = case
        if len(cases) == CASES_OF_A_KIND:
            break
    return list(cases.values())


def taught_cases(seed: int) -> Iterator[Case]:
    """Every capital, and every word in every language."""
    chance = random.Random(seed + 1)
    for question in questions.taught_capitals(chance):
        yield question_case(question, "taught capitals")
    for question in questions.taught_words(chance):
        yield question_case(question, "taught words")


def every_case(seed: int) -> list[Case]:
    """What training reports on: `make_cases`, and what is only asked so that copying is learned."""
    chance = random.Random(seed + 2)
    makers = [single(questions.repeat_question), about_tools_case]
    return [*make_cases(seed), *(case for maker in makers for case in distinct(maker, chance))]


@torch.no_grad()
def right_cases(model: SmallModel, tokenizer: Tokenizer, cases: list[Case]) -> list[bool]:
    """For each case whether the model answers it."""
    samples = []
    for case in cases:
        prompt = text_of(Conversation(case.messages, case.tools)) + "<|im_start|>assistant\n"
        answer = f"{case.answer}<|im_end|>"
        samples.append(encode(tokenizer, [Piece(prompt, False), Piece(answer, True)]))
    right = torch.ones(len(cases), dtype=torch.bool)
    for start in range(0, len(samples), 100):
        part = assemble(samples[start : start + 100], None)
        logits, _ = model(part.batch, part.wanted)
        wrong = logits.argmax(-1) != part.targets
        right[start + part.owner[wrong]] = False
    return right.tolist()


def accuracies(cases: list[Case], right: list[bool]) -> dict[str, float]:
    """The share of right cases of each kind."""
    by_kind: dict[str, list[bool]] = collections.defaultdict(list)
    for case, is_right in zip(cases, right):
        by_kind[case.kind].append(is_right)
    return {kind: sum(results) / len(results) for kind, results in by_kind.items()}


def as_json(case: Case) -> dict[str, Any]:
    """The case with messages in the form of chat/message.ts."""
    messages = [library_message(message) for message in case.messages]
    offer = {"tools": case.tools} if case.tools else {}
    return {"kind": case.kind, "messages": messages, **offer, "answer": case.answer}


def library_message(message: Message) -> Message:
    if "tool_calls" not in message:
        return message
    calls = [call["function"] for call in message["tool_calls"]]
    return {"role": message["role"], "content": message["content"], "toolCalls": calls}


EVALUATION_SEED = 7

if __name__ == "__main__":
    lines = ",\n".join(
        json.dumps(as_json(c), ensure_ascii=False) for c in make_cases(EVALUATION_SEED)
    )
    pathlib.Path(sys.argv[1]).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
