"""Values for what users ask of tools: invented words, paths, commands, addresses and the like.

The grammar is the same for training and evaluation. Which of its values training may not see is
decided by `split_of`.
"""

import random
import re
from collections.abc import Callable

from facts import CAPITALS, TOOLS, VOCABULARY, Split, split_of

ATOMS: dict[str, list[str]] = TOOLS["atoms"]
ONE_WORD_COUNTRIES = [country for country, _ in CAPITALS if country.isalpha()]
KNOWN_WORDS = {word.lower() for word in VOCABULARY}
STARTS = "b c d f g h j k l m n p r s t v w z br cl dr fl gr kl pr st tr sh th".split()
VOWELS = "a e i o u a e i o ai ee ou".split()
ENDS = ["", "", "", "n", "r", "s", "l", "t", "x", "nd", "rk"]


def syllables(chance: random.Random) -> str:
    count = chance.randint(1, 3)
    return "".join(
        chance.choice(STARTS) + chance.choice(VOWELS) + chance.choice(ENDS) for _ in range(count)
    )


def letters(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 6)))


def piece(chance: random.Random) -> str:
    """Two to five letters out of a word."""
    word = chance.choice(VOCABULARY)
    start = chance.randint(0, len(word) - 2)
    return word[start : start + chance.randint(2, 5)]


def glued(chance: random.Random) -> str:
    """Pieces of words as one word. The vocabulary of tokens is made of such pieces, and each of them
    has to be met often enough to be copied."""
    while True:
        word = "".join(piece(chance) for _ in range(chance.randint(1, 3))).lower()
        if word not in KNOWN_WORDS:
            return word


def nonsense(chance: random.Random) -> str:
    return chance.choices([syllables, glued, letters], weights=[9, 8, 3])[0](chance)


def of_split(invent: Callable[[random.Random], str], chance: random.Random, split: Split) -> str:
    """The first invention that belongs to the split."""
    while True:
        value = invent(chance)
        if split_of(value) is split:
            return value


def invented_word(chance: random.Random, split: Split) -> str:
    """A word that means nothing, such as "drefloun"."""
    return of_split(nonsense, chance, split)


def blended_country(chance: random.Random) -> str:
    """The beginning of one country's name with the end of another's, such as "Frapan"."""
    while True:
        first, second = chance.choice(ONE_WORD_COUNTRIES), chance.choice(ONE_WORD_COUNTRIES)
        blend = first[: chance.randint(1, 4)] + second[-chance.randint(2, 5) :].lower()
        if blend not in ONE_WORD_COUNTRIES:
            return blend


def some_word(chance: random.Random) -> str:
    """A word of any kind, known or not."""
    match chance.randrange(4):
        case 0:
            return chance.choice(ATOMS["word"])
        case 1 | 2:
            return chance.choice(VOCABULARY)
        case _:
            return nonsense(chance)


def identifier(chance: random.Random) -> str:
    """A name as programs have them: a few words in one style or another."""
    parts = [some_word(chance) for _ in range(chance.choice([1, 2, 2, 3]))]
    match chance.randrange(5):
        case 0:
            return parts[0] + "".join(part.capitalize() for part in parts[1:])
        case 1:
            return "".join(part.capitalize() for part in parts)
        case 2:
            return "-".join(parts)
        case _:
            return "_".join(parts)


def sentence(chance: random.Random) -> str:
    """Two to eight words, or things that are not words."""
    makers = [some_word] * 6 + [identifier, path, minutes]
    return " ".join(chance.choice(makers)(chance) for _ in range(chance.randint(2, 8)))


def anything(chance: random.Random) -> str:
    """What someone may want to have repeated."""
    makers = [sentence] * 8 + [identifier] * 3 + list(SLOTS.values())
    return chance.choice(makers)(chance)


def stem(chance: random.Random) -> str:
    """A file's name without its ending."""
    one = chance.choice(ATOMS["stem"]) if chance.random() < 0.5 else syllables(chance)
    match chance.randrange(8):
        case 0:
            return f"{one}{chance.choice('_-')}{chance.choice(ATOMS['stem'])}"
        case 1:
            return f"{one}{chance.randint(1, 99)}"
        case 2:
            return one.capitalize()
        case _:
            return one


def folder_name(chance: random.Random) -> str:
    return chance.choice(ATOMS["folder"]) if chance.random() < 0.6 else syllables(chance)


def folder(chance: random.Random) -> str:
    names = [folder_name(chance) for _ in range(chance.choice([1, 1, 1, 2, 2, 3]))]
    prefix = chance.choices(["", "./", "/", "../", "~/"], weights=[12, 1, 3, 1, 1])[0]
    return prefix + "/".join(names)


def path(chance: random.Random) -> str:
    file = f"{stem(chance)}.{chance.choice(ATOMS['extension'])}"
    return file if chance.random() < 0.5 else f"{folder(chance)}/{file}"


def words(chance: random.Random) -> str:
    """One to four words, an invented one now and then."""
    return " ".join(
        chance.choice(ATOMS["word"]) if chance.random() < 0.6 else some_word(chance)
        for _ in range(chance.randint(1, 4))
    )


def command(chance: random.Random) -> str:
    makers = {"path": path, "folder": folder, "stem": stem, "word": word, "number": minutes}
    pattern = chance.choice(ATOMS["command"])
    return re.sub(r"\{(\w+)\}", lambda slot: makers[slot[1]](chance), pattern)


def word(chance: random.Random) -> str:
    return chance.choice(ATOMS["word"]) if chance.random() < 0.5 else syllables(chance)


def minutes(chance: random.Random) -> str:
    return str(chance.randint(1, 120))


def city(chance: random.Random) -> str:
    return chance.choice(ATOMS["city"]) if chance.random() < 0.5 else syllables(chance).capitalize()


def person(chance: random.Random) -> str:
    known = chance.random() < 0.6
    return chance.choice(ATOMS["person"]) if known else syllables(chance).capitalize()


def url(chance: random.Random) -> str:
    host = f"{word(chance)}.{chance.choice(['com', 'org', 'net', 'io', 'dev'])}"
    tail = "" if chance.random() < 0.5 else f"/{word(chance)}"
    return f"https://{host}{tail}"


SLOTS = {
    "folder": folder,
    "path": path,
    "text": words,
    "words": words,
    "command": command,
    "minutes": minutes,
    "city": city,
    "person": person,
    "url": url,
}


def slot_value(chance: random.Random, slot: str, split: Split) -> str:
    """A value for a tool's parameter."""
    return of_split(SLOTS[slot], chance, split)


def failure_reason(chance: random.Random, split: Split) -> str:
    """Why a tool failed."""
    if split is Split.HELD_OUT or chance.random() < 0.4:
        return chance.choice(TOOLS["failures"][split.value])
    subject = chance.choice([some_word, identifier, path, url])(chance)
    return chance.choice(
        [
            f"{subject} not found",
            f"no such {subject}",
            f"cannot open {subject}",
            f"{subject} is missing",
            f"unknown {subject}",
            f"{subject} is not {some_word(chance)}",
            f"{some_word(chance)} {some_word(chance)}",
            f"exit code {minutes(chance)}",
            f"status {chance.randint(100, 599)}",
        ]
    )


def file_lines(chance: random.Random) -> str:
    """The files of a folder, one on a line."""
    return "\n".join(
        f"{stem(chance)}.{chance.choice(ATOMS['extension'])}"
        if chance.random() < 0.85
        else folder_name(chance)
        for _ in range(chance.randint(1, 5))
    )


def weather(chance: random.Random) -> str:
    sky, degrees = chance.choice(ATOMS["sky"]), chance.randint(-15, 38)
    return chance.choice(
        [f"{sky}, {degrees}°C", f"{degrees} degrees, {sky}", f"{sky}, {degrees} C"]
    )


def clock(chance: random.Random) -> str:
    time = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}"
    return time if chance.random() < 0.7 else f"{time}:{chance.randint(0, 59):02}"


def output(chance: random.Random) -> str:
    """What a command prints: a line or two."""
    line = chance.choice([words, path, syllables, minutes])
    lines = [line(chance) for _ in range(chance.choice([1, 1, 2, 3]))]
    return "\n".join(lines)


def text(chance: random.Random) -> str:
    sentence = words(chance)
    return sentence if chance.random() < 0.6 else f"{sentence.capitalize()}."


def done(chance: random.Random) -> str:
    return chance.choice(TOOLS["done"][Split.TRAIN.value])


RESULTS = {
    "files": file_lines,
    "text": text,
    "output": output,
    "weather": weather,
    "clock": clock,
    "done": done,
}


def result_value(chance: random.Random, kind: str, split: Split) -> str:
    """What a tool answers. Only "done" has too few values to hold some out."""
    return done(chance) if kind == "done" else of_split(RESULTS[kind], chance, split)
