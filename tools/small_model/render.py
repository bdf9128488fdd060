"""A conversation's text, byte for byte what chat_template.jinja makes of it.

It is written here once more because training needs to know which part of the text the assistant
says. tests/small_model_template_test.ts holds the two against each other.
"""

import dataclasses
from typing import Any

from conversations import Conversation
from tool_talk import Message, Tool


@dataclasses.dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether the model is to learn to say it."""

    text: str
    is_answer: bool


def tool_text(tool: Tool) -> str:
    function = tool["function"]
    fields = "".join(
        parameter_text(name, field) for name, field in function["parameters"]["properties"].items()
    )
    return (
        f"\n<function>\n<name>{function['name']}</name>"
        f"\n<description>{function['description']}</description>"
        f"\n<parameters>{fields}\n</parameters>\n</function>"
    )


def parameter_text(name: str, field: dict[str, str]) -> str:
    description = field.get("description")
    told = f"\n<description>{description}</description>" if description else ""
    return f"\n<parameter>\n<name>{name}</name>\n<type>{field['type']}</type>{told}\n</parameter>"


def system_text(system: str | None, tools: list[Tool]) -> str:
    listed = f"<tools>{''.join(map(tool_text, tools))}\n</tools>" if tools else None
    parts = [part for part in (system, listed) if part is not None]
    body = "\n\n".join(parts)
    return f"<|im_start|>system\n{body}<|im_end|>\n" if parts else ""


def call_text(call: dict[str, Any]) -> str:
    called = call["function"]
    parameters = "".join(
        f"\n<parameter={name}>\n{value}\n</parameter>"
        for name, value in called["arguments"].items()
    )
    return f"\n<tool_call>\n<function={called['name']}>{parameters}\n</function>\n</tool_call>"


def answer_text(message: Message) -> str:
    """What follows "<|im_start|>assistant\\n"."""
    calls = message.get("tool_calls", [])
    content = [f"\n{message['content']}"] if message["content"] or not calls else []
    return "".join([*content, *map(call_text, calls)]).removeprefix("\n")


def render(conversation: Conversation) -> list[Piece]:
    """The pieces of the text in their order. A tool's result is alone in its turn."""
    messages = conversation.messages
    has_system = messages[0]["role"] == "system"
    opening = system_text(messages[0]["content"] if has_system else None, conversation.tools)
    pieces = [Piece(opening, False)]
    for message in messages[1 if has_system else 0 :]:
        match message["role"]:
            case "user":
                pieces.append(Piece(f"<|im_start|>user\n{message['content']}<|im_end|>\n", False))
            case "tool":
                response = f"<tool_response>\n{message['content']}\n</tool_response>"
                pieces.append(Piece(f"<|im_start|>user\n{response}<|im_end|>\n", False))
            case "assistant":
                pieces.append(Piece("<|im_start|>assistant\n", False))
                pieces.append(Piece(f"{answer_text(message)}<|im_end|>", True))
                pieces.append(Piece("\n", False))
    return pieces


def text_of(conversation: Conversation) -> str:
    return "".join(piece.text for piece in render(conversation))
