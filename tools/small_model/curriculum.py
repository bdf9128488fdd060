"""How often training meets what, which changes in its course."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Stage:
    """questions: how often each kind of question is asked, in proportion. tools: the share of
    conversations with tools. tool_turns: how often these have one, two, three … turns, in
    proportion. calls, refused, questions_beside_tools: what users want in these, in proportion.
    invented_names, prefixed_names: shares of tools whose names are made up, whole or in part.
    composed: the share of the other names, and of descriptions, that are put together of a verb
    and its object."""

    questions: dict[str, float]
    tools: float
    tool_turns: tuple[float, ...]
    calls: float
    refused: float
    questions_beside_tools: float
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
    tool_turns=(35, 40, 25),
    calls=70,
    refused=12,
    questions_beside_tools=18,
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
    tool_turns=(35, 40, 25),
    calls=60,
    refused=25,
    questions_beside_tools=15,
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

# Where each stage begins.
STAGES = {0: FIRST, 500: SECOND, 650: THIRD, 900: FOURTH}


def stage_at(step: int) -> Stage:
    return next(stage for start, stage in reversed(STAGES.items()) if step >= start)
