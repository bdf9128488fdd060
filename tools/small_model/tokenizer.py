"""Trains the vocabulary: byte-level BPE with Qwen2's pre-tokenizer.

    python tokenizer.py FOLDER

Writes FOLDER/tokenizer.json, in the form of Hugging Face's tokenizers.
"""

import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from conversations import any_conversation
from curriculum import FIRST
from render import text_of

VOCABULARY = 3072

# Those that steer a conversation are control tokens; those of tools are text that users see.
CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TOOL_TOKENS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]

# Qwen2's, as in the tokenizer.json that Qwen publishes: digits one by one.
PRE_TOKENIZER = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train_tokenizer(conversations: int, seed: int) -> Tokenizer:
    chance = random.Random(seed)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRE_TOKENIZER), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    added = [AddedToken(token, special=True) for token in CONTROL_TOKENS]
    added += [AddedToken(token, special=False) for token in TOOL_TOKENS]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(added),
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    steering = CONTROL_TOKENS + TOOL_TOKENS
    tokenizer.train_from_iterator(
        (without(steering, text_of(any_conversation(chance, FIRST))) for _ in range(conversations)),
        trainer,
    )
    tokenizer.add_tokens(added)
    assert tokenizer.get_vocab_size() == VOCABULARY
    return tokenizer


def without(tokens: list[str], text: str) -> str:
    """The text with line breaks for these tokens, so that no merge is spent on them."""
    for token in tokens:
        text = text.replace(token, "\n")
    return text


def load_tokenizer(folder: pathlib.Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    train_tokenizer(conversations=60_000, seed=1).save(str(folder / "tokenizer.json"))
