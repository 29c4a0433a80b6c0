"""A language model that writes: loaded by name, asked by prompts, sampled until a token that ends the text."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import jax
import jax.numpy as jnp
import tokenizers

from configs.common import one_of
from experiments.data.archives import SMOLLM2, member, sha256
from experiments.synthetic.prompts import END, TURN, Marker, Prompt
from models.decoder import Config, decoder
from models.generate import generate
from models.pretrained import Pretrained, from_gguf
from models.tokenizer import ids_of

START = "<|endoftext|>"  # between two texts; where a tokenizer lacks it, its own token for the start


class Language(NamedTuple):
    """A language model with the name and the hash that its texts carry."""

    pretrained: Pretrained
    name: str
    sha256: str


def load(name: str, data_dir: str | None) -> Language:
    """The model that a config names: "smollm2", or "random": untrained, with bytes for tokens, in memory.

    data_dir: as in archives.data_folder. Raises ValueError for another name, OSError if it cannot be fetched.
    """
    one_of("model.name", name, ("smollm2", "random"))
    if name == "random":
        return Language(untrained(), "random", "0" * 64)
    path = member("smollm2", SMOLLM2, data_dir)
    return Language(from_gguf(path, dtype=jnp.float32), "SmolLM2-135M-Instruct Q4_1", sha256(path))


def untrained() -> Pretrained:
    """A small decoder drawn at random whose tokens are bytes and the special tokens of the chat template."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    table = {letter: number for number, letter in enumerate([START, TURN, END, *alphabet])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=table, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([START, TURN, END])
    sizes = Config(vocabulary=len(table), width=16, layers=1, heads=2, kv_heads=1, head_width=8, hidden=32)
    return Pretrained(decoder(sizes, jax.random.key(0)), tokenizer, sizes, {"eos": 2}, None, (2,))


def answers(
    pretrained: Pretrained, batch: list[Prompt], length: int, temperature: float, mass: float, key: jax.Array
) -> list[dict]:
    """{"text", "tokens", "finished"} of what follows each prompt, and "instruction" where it was written too.

    batch: prompts, all with a second one or all without. length: the most tokens of an answer. temperature, mass: of
    sampling, the latter top-p in (0, 1]. key: of all draws.
    """
    first, second = jax.random.split(key)
    rows = sampled(pretrained, [prompt.pieces for prompt in batch], length, temperature, mass, first)
    asked = [prompt.follow(row["text"]) for prompt, row in zip(batch, rows, strict=True) if prompt.follow]
    if not asked:
        return rows
    replies = sampled(pretrained, asked, length, temperature, mass, second)
    return [
        reply | {
            "instruction": row["text"], "tokens": row["tokens"] + reply["tokens"],
            "instruction_finished": row["finished"],
        }
        for row, reply in zip(rows, replies, strict=True)
    ]  # fmt: skip


def sampled(
    pretrained: Pretrained,
    asked: Sequence[tuple[str, ...]],
    length: int,
    temperature: float,
    mass: float,
    key: jax.Array,
) -> list[dict]:
    """What the model writes after each prompt, given by its pieces, up to a token that ends it."""
    tokens = [encoded(pretrained, pieces) for pieces in asked]
    written = generate(
        pretrained.model, tokens, length=length, temperature=temperature, top_p=mass, stop=ends(pretrained), key=key,
        batch=len(tokens),
    )  # fmt: skip
    rows = (row[:size].tolist() for row, size in zip(written.tokens, written.lengths, strict=True))
    return [
        {"text": pretrained.tokenizer.decode(row), "tokens": len(row), "finished": len(row) < length} for row in rows
    ]


def encoded(pretrained: Pretrained, pieces: Sequence[str]) -> list[int]:
    """Tokens of a prompt: of each Marker its own, and of the text between them those of text, whatever it spells.

    Plain text follows the token for the start of a text; a chat begins with its own. Raises ValueError for a tokenizer
    that lacks them.
    """
    tokens: list[int] = []
    for marked, run in groupby(pieces, lambda piece: isinstance(piece, Marker)):
        if marked:
            tokens += [_number(pretrained, name) for name in run]
        else:
            tokens += ids_of(pretrained.tokenizer, ["".join(run)])[0]
    if pieces and isinstance(pieces[0], Marker):
        return tokens
    start = pretrained.tokenizer.token_to_id(START)
    start = pretrained.special.get("bos") if start is None else start
    if start is None:
        raise ValueError(f"the tokenizer has no token for the start of a text: expected {START} or one named bos")
    return [start, *tokens]


def _number(pretrained: Pretrained, marker: str) -> int:
    number = pretrained.tokenizer.token_to_id(marker)
    if number is None:
        raise ValueError(f"the tokenizer lacks the special tokens {TURN} and {END}: this model cannot chat")
    return number


def ends(pretrained: Pretrained) -> tuple[int, ...]:
    """Tokens after which nothing is read."""
    named = (pretrained.tokenizer.token_to_id(name) for name in (START, TURN, END))
    return tuple(sorted({number for number in (*named, *pretrained.ends) if number is not None}))
