"""Writes conversations of training and the text that training saw of them, for
tests/small_model_template_test.ts to hold against the chat template.

    python rendered.py tests/fixtures/small_model/rendered.json
"""

import json
import pathlib
import random
import sys

from conversations import plain_conversation, tool_conversation
from curriculum import FIRST
from evaluation import library_message
from render import text_of

SEED = 12
OF_EACH_KIND = 20

if __name__ == "__main__":
    chance = random.Random(SEED)
    entries = []
    for make in [plain_conversation, tool_conversation]:
        for _ in range(OF_EACH_KIND):
            conversation = make(chance, FIRST)
            entry = {
                "messages": [library_message(message) for message in conversation.messages],
                "tools": conversation.tools,
                "text": text_of(conversation),
            }
            entries.append(json.dumps(entry, ensure_ascii=False))
    body = ",\n".join(entries)
    pathlib.Path(sys.argv[1]).write_text(f"[\n{body}\n]\n", encoding="utf-8")
