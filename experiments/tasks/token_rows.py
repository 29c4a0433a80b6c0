"""Prompts and responses as rows of tokens.

A row is  instruction <ask> prompt <answer> response <end>, padded with 0 on the right. Rules of length: an instruction
keeps its first tokens, a prompt its last, a response its first; where no room is left for <end>, there is none.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tokenizers

from models.tokenizer import from_file, ids_of, readable
from valuation.problem import Examples

SPECIAL = ("<pad>", "<ask>", "<answer>", "<end>")


class Pair(NamedTuple):
    """An instruction (may be ""), the prompt that it is about, a response, and the family of the source."""

    instruction: str
    prompt: str
    response: str
    family: str


class Coder(NamedTuple):
    """A tokenizer; numbers of the tokens before prompt and response and after it; bytes of every token (v,).

    ends: all special tokens, which no text holds: a response that is written ends before the first of them.
    """

    tokenizer: Any
    ask: int
    answer: int
    end: int
    lengths: np.ndarray
    ends: tuple[int, ...]


def trained_coder(texts: list[str], size: int) -> Coder:
    """A byte-level BPE of at most `size` tokens learned from those texts; digits stand alone."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    spaced = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Digits(individual_digits=True), spaced]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=spaced.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(map(readable, texts), trainer)
    return coder(tokenizer, *SPECIAL[1:])


def coder(tokenizer, ask: str, answer: str, end: str) -> Coder:
    """A byte-level tokenizer with three of its special tokens in those places.

    Raises ValueError for one that it lacks, and for one that is not special: a text could hold it.
    """
    numbers = [tokenizer.token_to_id(name) for name in (ask, answer, end)]
    if None in numbers:
        raise ValueError(
            f"the tokenizer lacks {(ask, answer, end)[numbers.index(None)]!r}, a token of the row's layout: expected "
            "three of its tokens in config.tokens.special"
        )
    added = tokenizer.get_added_tokens_decoder()
    for name, number in zip((ask, answer, end), numbers, strict=True):
        if number not in added or not added[number].special:
            raise ValueError(
                f"{name!r} of config.tokens.special is a word of the tokenizer: expected a special token, since a text "
                "that holds the word would end where it stands"
            )
    plain = tokenizer.get_vocab(with_added_tokens=False)
    lengths = np.zeros(max(tokenizer.get_vocab().values()) + 1, np.int32)
    lengths[list(plain.values())] = [len(text) for text in plain]  # byte-level: a character stands for one byte
    for number, token in added.items():
        lengths[number] = 0 if token.special else len(token.content.encode())
    ends = tuple(sorted(number for number, token in added.items() if token.special))
    return Coder(tokenizer, numbers[0], numbers[1], numbers[2], lengths, ends)


def folder_coder(folder: str, special: tuple[str, str, str]) -> Coder:
    """The tokenizer of a pretrained decoder's folder, with three of its special tokens as the layout's.

    Raises ValueError for a folder without a tokenizer that can be read, and as `coder`.
    """
    path = Path(folder) / "tokenizer.json"
    if not path.is_file():
        raise ValueError(f"{path} is missing: expected the folder of a pretrained decoder in config.model.folder")
    return coder(from_file(path), *special)


def encode(coder: Coder, pairs: list[Pair], limits) -> tuple[Examples, dict[str, int]]:
    """Examples of limits.length tokens, and how many instructions, prompts and responses were cut.

    limits: length, and the most tokens of an instruction and of a response; the prompt has the rest.
    """
    columns = [ids_of(coder.tokenizer, column) for column in zip(*(pair[:3] for pair in pairs), strict=True)]
    tokens = np.zeros((len(pairs), limits.length + 1), np.int32)
    mask = np.zeros((len(pairs), limits.length), bool)
    cut = dict.fromkeys(("instructions", "prompts", "responses"), 0)
    for row, (instruction, prompt, response) in enumerate(zip(*columns, strict=True)):
        head = [*instruction[: limits.instruction], coder.ask]
        tail = [*response, coder.end] if len(response) < limits.response else response[: limits.response]
        room = limits.length - len(head) - len(tail)
        if room < 0:
            raise ValueError(
                f"{limits.length} tokens cannot hold {len(head)} of instruction and {len(tail)} of response"
            )
        kept = prompt[-room:] if room else []
        line = [*head, *kept, coder.answer, *tail]
        tokens[row, : len(line)] = line
        mask[row, len(line) - len(tail) - 1 : len(line) - 1] = True
        for name, whole, part in (
            ("instructions", instruction, head[:-1]),
            ("prompts", prompt, kept),
            ("responses", response, [token for token in tail if token != coder.end]),
        ):
            cut[name] += len(whole) > len(part)
    return Examples(tokens[:, :-1], tokens[:, 1:], mask), cut


def texts(coder: Coder, inputs: np.ndarray) -> list[tuple[str, str]]:
    """(prompt, response) of rows of tokens; the instruction, which whole families share, is left out."""
    parts = []
    for row in inputs:
        ask, answer = (int(np.argmax(row == token)) for token in (coder.ask, coder.answer))
        response = row[answer + 1 :]
        ends = np.flatnonzero(response == coder.end)  # what follows is padding, whose number may be a word's
        response = response[: ends[0]] if len(ends) else np.trim_zeros(response, "b")
        parts += [row[ask + 1 : answer].tolist(), response.tolist()]
    decoded = coder.tokenizer.decode_batch(parts)
    return list(zip(decoded[::2], decoded[1::2], strict=True))


def bytes_of(coder: Coder, examples: Examples) -> int:
    """Bytes of all responses; <end> has none."""
    return int(coder.lengths[examples.targets][examples.mask].sum())


def swap_responses(coder: Coder, examples: Examples, wrong: np.ndarray, rng: np.random.Generator) -> Examples:
    """The examples with, where `wrong`, the response of another of them; one that differs, if there is any.

    Where a longer response takes room, the prompt loses its first tokens.
    """
    full = np.concatenate([examples.inputs[:, :1], examples.targets], axis=1)
    start, count = examples.mask.argmax(1) + 1, examples.mask.sum(1)
    responses = [row[i : i + n] for row, i, n in zip(full, start, count, strict=True)]
    order = rng.permutation(len(full))
    new, mask = full.copy(), examples.mask.copy()
    for row in np.flatnonzero(wrong):
        turn = np.roll(order, int(rng.integers(len(order))))
        other = next((responses[j] for j in turn if not np.array_equal(responses[j], responses[row])), responses[row])
        ask = int(np.argmax(full[row] == coder.ask)) + 1
        excess = max(0, start[row] + len(other) - full.shape[1])
        line = np.concatenate([full[row, :ask], full[row, ask + excess : start[row]], other])
        new[row], mask[row] = 0, False
        new[row, : len(line)] = line
        mask[row, len(line) - len(other) - 1 : len(line) - 1] = True
    return Examples(new[:, :-1], new[:, 1:], mask)
