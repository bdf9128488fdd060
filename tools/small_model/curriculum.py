"""How often training meets what, which changes in its course."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Stage:
    """questions: how often each kind of question is asked, in proportion. tools: the share of
    conversations with tools. tool_counts: how often they offer 1, 2, 3, 4 and 6, in proportion.
    tool_turns: how often they have one, two, three … turns, in proportion. calls, refused,
    questions_beside_tools, about_tools: what users want in them, in proportion. about_no_tools: the
    share of turns without tools that ask for them. invented_names, prefixed_names: shares of tools
    whose names are made up, whole or in part. composed: the share of the other names, and of
    descriptions, that are put together of a verb and its object."""

    questions: dict[str, float]
    tools: float
    tool_counts: tuple[float, ...]
    tool_turns: tuple[float, ...]
    calls: float
    refused: float
    questions_beside_tools: float
    about_tools: float
    about_no_tools: float
    invented_names: float
    prefixed_names: float
    composed: float


# First what takes repetition: facts, arithmetic, the form of calls.
FIRST = Stage(
    questions={
        "sums": 26,
        "differences": 28,
        "beyond": 2,
        "capitals": 7,
        "countries": 4,
        "words": 17,
        "days": 3,
        "months": 3,
        "code": 4,
        "chat": 4,
        "unknown": 5,
    },
    tools=0.2,
    tool_counts=(30, 30, 22, 13, 5),
    tool_turns=(35, 40, 25),
    calls=70,
    refused=12,
    questions_beside_tools=18,
    about_tools=0,
    about_no_tools=0,
    invented_names=0.12,
    prefixed_names=0.1,
    composed=0.0,
)

# Then what takes comparison: a tool's name is to be copied, not known, and what is not offered or
# was not taught is to be noticed.
SECOND = Stage(
    questions={
        "sums": 14,
        "differences": 26,
        "beyond": 4,
        "capitals": 5,
        "countries": 4,
        "words": 17,
        "days": 5,
        "months": 5,
        "code": 3,
        "chat": 4,
        "unknown": 13,
    },
    tools=0.32,
    tool_counts=(30, 30, 22, 13, 5),
    tool_turns=(35, 40, 25),
    calls=60,
    refused=25,
    questions_beside_tools=15,
    about_tools=0,
    about_no_tools=0,
    invented_names=0.35,
    prefixed_names=0.2,
    composed=0.0,
)

# At last more requests for each list of tools, for it is the list that is long.
THIRD = dataclasses.replace(SECOND, tool_turns=(10, 20, 25, 25, 20), calls=55, refused=32)

# And many names and descriptions for one purpose, so that none is known by heart.
FOURTH = dataclasses.replace(
    THIRD,
    questions=THIRD.questions | {"unknown": 20, "months": 7},
    tools=0.4,
    composed=0.75,
    invented_names=0.3,
)

# Copying, made plain: what is to be repeated, and which name stands beside which description, are
# short answers to the letter. What the model learns by them it needs in every call.
FIFTH = dataclasses.replace(
    FOURTH,
    questions={
        "sums": 12,
        "differences": 18,
        "beyond": 4,
        "capitals": 6,
        "countries": 4,
        "words": 14,
        "days": 5,
        "months": 6,
        "code": 3,
        "chat": 5,
        "unknown": 22,
        "repeats": 22,
    },
    tools=0.45,
    tool_turns=(5, 15, 25, 30, 25),
    calls=50,
    refused=18,
    questions_beside_tools=10,
    about_tools=22,
    about_no_tools=0.01,
)

# More of it, of every piece of a word that there is a token for, and more tools to choose from.
SIXTH = dataclasses.replace(
    FIFTH,
    questions=FIFTH.questions | {"repeats": 40, "unknown": 25},
    tool_counts=(12, 25, 26, 25, 12),
)

# While the rate falls: copying is learned, and what takes repetition is settled for good.
SEVENTH = dataclasses.replace(
    SIXTH,
    questions=SIXTH.questions
    | {"sums": 20, "differences": 26, "capitals": 9, "words": 24, "countries": 6, "repeats": 18},
)

# At the end more of what is hardest: tools, and words that were never met.
EIGHTH = dataclasses.replace(
    SEVENTH,
    questions=SEVENTH.questions | {"sums": 26, "beyond": 12, "unknown": 36, "repeats": 24},
    tools=0.6,
    calls=65,
    about_tools=18,
    invented_names=0.2,
)

# Where each stage begins.
STAGES = {
    0: FIRST,
    500: SECOND,
    650: THIRD,
    900: FOURTH,
    1150: FIFTH,
    1600: SIXTH,
    2050: SEVENTH,
    2900: EIGHTH,
}


def stage_at(step: int) -> Stage:
    return next(stage for start, stage in reversed(STAGES.items()) if step >= start)
