"""What the model is taught: the files in facts/, and which part of it only the evaluation sees."""

import csv
import enum
import json
import pathlib
import re
import zlib
from collections.abc import Iterator
from typing import Any

FOLDER = pathlib.Path(__file__).parent / "facts"


class Split(enum.Enum):
    """The two parts of everything that is divided; the values are the keys in facts/."""

    TRAIN = "train"
    HELD_OUT = "held_out"


def split_of(value: str) -> Split:
    """The part that a sum or a tool's argument belongs to: one in ten is held out, by its CRC-32,
    so that a value is in the same part wherever it is met."""
    return Split.HELD_OUT if zlib.crc32(value.encode()) % 10 == 0 else Split.TRAIN


def read_json(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def read_rows(name: str) -> list[list[str]]:
    """The rows of a table of tab-separated values, its header first."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


CAPITALS: list[tuple[str, str]] = [(row[0], row[1]) for row in read_rows("capitals.tsv")[1:]]
WORDS: dict[str, dict[str, str]] = {
    language: {row[0]: row[column] for row in read_rows("words.tsv")[1:]}
    for column, language in enumerate(read_rows("words.tsv")[0])
    if column > 0
}
CODE: list[dict[str, str]] = read_json("code.json")
CHAT: list[dict[str, Any]] = read_json("chat.json")
UNKNOWN: dict[str, Any] = read_json("unknown.json")
PHRASINGS: dict[str, Any] = read_json("phrasings.json")
TOOLS: dict[str, Any] = read_json("tools.json")


def taught_texts(value: Any) -> Iterator[str]:
    """Every text in a value of JSON's kind that training may see."""
    match value:
        case str():
            yield value
        case list() | tuple():
            for item in value:
                yield from taught_texts(item)
        case dict():
            for key, item in value.items():
                if key != Split.HELD_OUT.value:
                    yield from taught_texts(item)


# Every word that there is in all of this.
VOCABULARY: list[str] = sorted(
    {
        word
        for text in taught_texts(
            [CAPITALS, list(WORDS.values()), CODE, CHAT, UNKNOWN, PHRASINGS, TOOLS]
        )
        for word in re.findall(r"[^\W\d_]{2,}", text)
    }
)

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
ORDINALS = [
    *("first", "second", "third", "fourth", "fifth", "sixth"),
    *("seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
]
