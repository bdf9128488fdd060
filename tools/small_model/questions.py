"""Questions that need no tool, each with its one right answer.

Every kind is a function from a source of chance and a split to a `Question`. A kind whose facts are
taught as a whole (capitals, words) holds out phrasings; sums and differences hold out pairs too.
"""

import dataclasses
import random
from collections.abc import Callable, Iterator

from curriculum import Stage
from facts import (
    CAPITALS,
    CHAT,
    CODE,
    DAYS,
    MONTH_LENGTHS,
    MONTHS,
    ORDINALS,
    PHRASINGS,
    UNKNOWN,
    WORDS,
    Split,
    split_of,
)
from invent import anything, blended_country, invented_word, of_split


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked, and what is answered."""

    kind: str
    text: str
    answer: str


Maker = Callable[[random.Random, Split], Question]

LARGEST_NUMBER = 99
BEYOND_ANSWER = "I only know sums and differences of numbers up to 99."


def phrased(
    chance: random.Random, phrasings: dict[str, list[str]], split: Split, **slots: object
) -> str:
    return chance.choice(phrasings[split.value]).format(**slots)


def is_taught_pair(a: int, sign: str, b: int) -> bool:
    """Whether training may see the pair. Those of one-digit numbers are all taught."""
    return max(a, b) < 10 or split_of(f"{a}{sign}{b}") is Split.TRAIN


def number(chance: random.Random) -> int:
    """Up to 99; one in five below 10, as people ask."""
    return chance.randint(0, 9 if chance.random() < 0.2 else LARGEST_NUMBER)


def pair(chance: random.Random, sign: str, split: Split) -> tuple[int, int]:
    while True:
        a, b = number(chance), number(chance)
        # Most differences that are asked are not negative.
        if sign == "-" and a < b and chance.random() < 0.5:
            a, b = b, a
        if is_taught_pair(a, sign, b) is (split is Split.TRAIN):
            return a, b


def sum_question(chance: random.Random, split: Split) -> Question:
    a, b = pair(chance, "+", split)
    text = phrased(chance, PHRASINGS["sum"], split, a=a, b=b)
    return Question("sums", text, f"{a} + {b} = {a + b}")


def difference_question(chance: random.Random, split: Split) -> Question:
    a, b = pair(chance, "-", split)
    text = phrased(chance, PHRASINGS["difference"], split, a=a, b=b)
    return Question("differences", text, f"{a} - {b} = {a - b}")


def beyond_question(chance: random.Random, split: Split) -> Question:
    """A sum of larger numbers, or another operation."""
    if chance.random() < 0.5:
        a, b = chance.randint(100, 9999), chance.randint(0, 9999)
        if chance.random() < 0.5:
            a, b = b, a
        operation = chance.choice("+-")
    else:
        a, b = number(chance), number(chance)
        operation = chance.choice(["*", "/", "times", "divided by"])
    text = phrased(chance, PHRASINGS["beyond"], split, a=a, b=b, op=operation)
    return Question("beyond", text, BEYOND_ANSWER)


def capital_of(country: str, capital: str, text: str) -> Question:
    return Question("capitals", text, f"The capital of {country} is {capital}.")


def capital_question(chance: random.Random, split: Split) -> Question:
    country, capital = chance.choice(CAPITALS)
    return capital_of(
        country, capital, phrased(chance, PHRASINGS["capital"], split, country=country)
    )


def country_question(chance: random.Random, split: Split) -> Question:
    country, capital = chance.choice(CAPITALS)
    text = phrased(chance, PHRASINGS["country"], split, capital=capital)
    return Question("countries", text, f"{capital} is the capital of {country}.")


def quoted(chance: random.Random, word: str) -> str:
    quote = chance.choice(["", "", "'", '"'])
    return f"{quote}{word}{quote}"


def translation(word: str, language: str, text: str) -> Question:
    return Question("words", text, f'"{word}" in {language} is "{WORDS[language][word]}".')


def word_question(chance: random.Random, split: Split) -> Question:
    language = chance.choice(list(WORDS))
    word = chance.choice(list(WORDS[language]))
    slots = {"word": quoted(chance, word), "language": language}
    return translation(word, language, phrased(chance, PHRASINGS["word"], split, **slots))


def day_question(chance: random.Random, split: Split) -> Question:
    return calendar_question(chance, split, "days", "day", DAYS)


def month_question(chance: random.Random, split: Split) -> Question:
    if chance.random() < 0.3:
        month = chance.randrange(len(MONTHS))
        text = phrased(chance, PHRASINGS["month_length"], split, month=MONTHS[month])
        leap = ", 29 in a leap year" if MONTHS[month] == "February" else ""
        return Question("months", text, f"{MONTHS[month]} has {MONTH_LENGTHS[month]} days{leap}.")
    return calendar_question(chance, split, "months", "month", MONTHS)


def calendar_question(
    chance: random.Random, split: Split, kind: str, unit: str, names: list[str]
) -> Question:
    """Next, previous, nth, so many days later, or one of the questions about a week or a year."""
    place = chance.randrange(len(names))
    name, after, before = names[place], names[(place + 1) % len(names)], names[place - 1]
    shapes = ["next", "previous", "nth", "fixed", "offset"][: 5 if kind == "days" else 4]
    match chance.choice(shapes):
        case "next":
            text = phrased(chance, PHRASINGS[f"next_{unit}"], split, **{unit: name})
            return Question(kind, text, f"{after} comes after {name}.")
        case "previous":
            text = phrased(chance, PHRASINGS[f"previous_{unit}"], split, **{unit: name})
            return Question(kind, text, f"{before} comes before {name}.")
        case "nth":
            ordinal = ORDINALS[place]
            text = phrased(chance, PHRASINGS[f"nth_{unit}"], split, ordinal=ordinal)
            whole = "week" if kind == "days" else "year"
            return Question(kind, text, f"The {ordinal} {unit} of the {whole} is {name}.")
        case "offset":
            steps = chance.randint(2, 6)
            text = phrased(chance, PHRASINGS["day_offset"], split, n=steps, day=name)
            then = names[(place + steps) % len(names)]
            return Question(kind, text, f"{steps} days after {name} is {then}.")
        case _:
            fixed = chance.choice([q for q in PHRASINGS["calendar"] if q["kind"] == kind])
            return Question(kind, phrased(chance, fixed, split), fixed["answer"])


def code_question(chance: random.Random, split: Split) -> Question:
    piece = chance.choice(CODE)
    language = chance.choice(["TypeScript", "Python"])
    text = phrased(chance, PHRASINGS["code"], split, language=language, task=piece["task"])
    source = piece[language.lower()]
    return Question("code", text, f"```{language.lower()}\n{source}\n```")


def chat_question(chance: random.Random, split: Split) -> Question:
    intent = chance.choice(CHAT)
    return Question("chat", chance.choice(intent[split.value]), intent["answer"])


class Fillers(dict[str, str]):
    """Fills each slot of a question with one of its words, a new one each time it is looked up."""

    def __init__(self, chance: random.Random, split: Split) -> None:
        super().__init__()
        self.chance, self.split = chance, split

    def __missing__(self, slot: str) -> str:
        return self.chance.choice(UNKNOWN["fillers"][slot][self.split.value])


def unknown_question(chance: random.Random, split: Split) -> Question:
    """What the model has no idea of: other topics, invented countries, words it was not taught."""
    match chance.choices(["topic", "country", "word"], weights=[5, 2, 3])[0]:
        case "topic":
            pattern = chance.choice(UNKNOWN["questions"][split.value])
            return Question(
                "unknown", pattern.format_map(Fillers(chance, split)), UNKNOWN["answer"]
            )
        case "country":
            invented = invented_word(chance, split).capitalize()
            listed = chance.choice(UNKNOWN["invented_countries"][split.value])
            country = chance.choice([invented, listed, of_split(blended_country, chance, split)])
            text = phrased(chance, PHRASINGS["capital"], split, country=country)
            return Question("unknown", text, f"I don't know the capital of {country}.")
        case _:
            language = chance.choice(list(WORDS))
            listed = chance.choice(UNKNOWN["other_words"][split.value])
            word = listed if chance.random() < 0.5 else invented_word(chance, split)
            slots = {"word": quoted(chance, word), "language": language}
            text = phrased(chance, PHRASINGS["word"], split, **slots)
            return Question("unknown", text, f'I don\'t know "{word}" in {language}.')


def repeat_question(chance: random.Random, split: Split) -> Question:
    text = of_split(anything, chance, split)
    return Question("repeats", phrased(chance, PHRASINGS["repeat"], split, text=text), text)


MAKERS: dict[str, Maker] = {
    "sums": sum_question,
    "differences": difference_question,
    "beyond": beyond_question,
    "capitals": capital_question,
    "countries": country_question,
    "words": word_question,
    "days": day_question,
    "months": month_question,
    "code": code_question,
    "chat": chat_question,
    "unknown": unknown_question,
    "repeats": repeat_question,
}


def any_question(chance: random.Random, split: Split, stage: Stage) -> Question:
    kinds = list(stage.questions)
    kind = chance.choices(kinds, weights=list(stage.questions.values()))[0]
    return MAKERS[kind](chance, split)


def taught_capitals(chance: random.Random) -> Iterator[Question]:
    """Every capital, in a phrasing that training has not seen."""
    for country, capital in CAPITALS:
        text = phrased(chance, PHRASINGS["capital"], Split.HELD_OUT, country=country)
        yield capital_of(country, capital, text)


def taught_words(chance: random.Random) -> Iterator[Question]:
    """Every word in every language, in a phrasing that training has not seen."""
    for language, words in WORDS.items():
        for word in words:
            slots = {"word": quoted(chance, word), "language": language}
            text = phrased(chance, PHRASINGS["word"], Split.HELD_OUT, **slots)
            yield translation(word, language, text)
