"""What a language model is asked to write: prompts in our own words, a seed apiece, and nothing of anyone's text."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from configs.common import one_of
from experiments.data.builders.math_steps import MEMBER

GENRES = (
    "crime drama", "romantic comedy", "horror film", "war film", "western", "science fiction film", "family film",
    "documentary", "thriller", "musical", "martial arts film", "fantasy film", "biography", "silent film", "road movie",
    "sports drama", "slasher", "spy film", "disaster film", "film noir", "coming-of-age story", "television film",
)  # fmt: skip
ASPECTS = (
    "the lead actor", "the script", "the pace", "the photography", "the music", "the ending", "the dialogue",
    "the special effects", "the director's choices", "the supporting cast", "the humour", "how it treats the book",
    "the first half", "the characters", "the editing", "the set and costumes", "how believable it is", "the fights",
)  # fmt: skip
PEOPLE = (
    "a retired teacher", "a film student", "a parent of two", "a lifelong fan of the genre",
    "a tired night-shift nurse", "someone dragged along by friends", "a teenager", "a hobby critic",
    "someone who saw it on television", "a musician", "a viewer who seldom goes to the cinema",
    "someone who rented it for a rainy evening", "a historian", "a comedian",
)  # fmt: skip
LENGTHS = ("two sentences", "three sentences", "three or four sentences", "a short paragraph")
MOODS = {
    0: (
        "I really disliked this {genre}.",
        "What a waste of an evening this {genre} was.",
        "This {genre} is awful.",
        "I was bored to tears by this {genre}.",
        "Avoid this {genre}.",
        "This is the worst {genre} I have seen in years.",
        "I wanted to like this {genre}, but I could not.",
    ),
    1: (
        "I loved this {genre}.",
        "What a wonderful {genre} this is.",
        "This {genre} moved me more than I can say.",
        "I enjoyed every minute of this {genre}.",
        "Go and see this {genre}.",
        "This is the best {genre} I have seen in years.",
        "I expected little of this {genre}, and it won me over.",
    ),
}
VIEWS = {
    0: ("The trouble starts with {aspect}.", "Worst of all is {aspect}.", "Nothing could save {aspect}.",
        "I could not stand {aspect}.", "I blame {aspect}."),
    1: ("Best of all is {aspect}.", "I was taken by {aspect}.", "Much of the credit goes to {aspect}.",
        "I cannot praise {aspect} enough.", "What makes it special is {aspect}."),
}  # fmt: skip
OPENINGS = (
    "I watched this {genre} last night and", "This {genre} is", "After an hour of this {genre} I", "What a {genre}!",
    "The thing about this {genre} is", "My brother told me to see this {genre}, and", "I have seen this {genre} twice.",
    "There is a scene in this {genre} where", "I do not usually watch a {genre}, but", "The plot of this {genre}:",
)  # fmt: skip


class Marker(str):
    """A special token of the chat template, by name. What is no Marker is text, whatever it spells."""


TURN, END = Marker("<|im_start|>"), Marker("<|im_end|>")
SYSTEM = (TURN, "system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face", END, "\n")


class Prompt(NamedTuple):
    """What the model goes on from, and what is known about it.

    pieces: text, and between it the Markers of the chat template; () for the start of a text.
    known: fields of the record that follow from the prompt ("label", "problem").
    follow: what has been written -> the text of a second prompt, or None if one will do.
    """

    pieces: tuple[str, ...]
    known: dict
    follow: Callable[[str], tuple[str, ...]] | None = None


def chat(user: str) -> tuple[str, ...]:
    """One question in ChatML after the system prompt that the model was tuned with, the answer left open."""
    return (*SYSTEM, TURN, f"user\n{user}", END, "\n", TURN, "assistant\n")


def continuation(count: int, rng: np.random.Generator, problems) -> list[Prompt]:
    """Openings of film reviews: plain text, no chat."""
    return [Prompt((_pick(OPENINGS, rng).format(genre=_pick(GENRES, rng)),), {}) for _ in range(count)]


def review(count: int, rng: np.random.Generator, problems) -> list[Prompt]:
    """Requests for a review, half of them negative (0), half positive (1).

    A small model forgets what it was asked, so its answer is begun for it: two sentences that take a side. They are
    prompt: the text is what follows them.
    """
    asked = []
    for number in range(count):
        label = number % 2
        genre, aspect = _pick(GENRES, rng), _pick(ASPECTS, rng)
        user = (
            f"I am {_pick(PEOPLE, rng)} and I just saw a {genre}. Write my {('negative', 'positive')[label]} review of "
            f"it in {_pick(LENGTHS, rng)}. Talk about {aspect}."
        )
        begun = f"{_pick(MOODS[label], rng)} {_pick(VIEWS[label], rng)}".format(genre=genre, aspect=aspect)
        asked.append(Prompt((*chat(user), begun), {"label": label}))
    return asked


def instruction(count: int, rng: np.random.Generator, problems) -> list[Prompt]:
    """The user's turn left open: the model writes a request, then answers it (the manner of Magpie)."""
    return [Prompt((*SYSTEM, TURN, "user\n"), {}, lambda written: chat(written.strip()))] * count


def solution(count: int, rng: np.random.Generator, problems: list[str]) -> list[Prompt]:
    """Problems to be solved, each at most once for `count` up to their number, then again."""
    asked = []
    for number in rng.permutation(max(count, len(problems)))[:count] % len(problems):
        user = f"Solve this problem step by step in a few short lines, then give the answer.\n\n{problems[number]}"
        asked.append(Prompt(chat(user), {"problem": digest(problems[number])}))
    return asked


KINDS = {"review": review, "instruction": instruction, "solution": solution, "continuation": continuation}


def prompts(kind: str, count: int, seed: int, problems: list[str]) -> list[Prompt]:
    """That many prompts of a kind, a function of the seed. problems: for "solution" only."""
    one_of("kind", kind, tuple(KINDS))
    if kind == "solution" and not problems:
        raise ValueError("solutions need problems, found none")
    return KINDS[kind](count, np.random.default_rng([seed, len(kind)]), problems)


def digest(problem: str) -> str:
    """SHA-256 of the text of a problem, by which its solutions name it."""
    return hashlib.sha256(problem.strip().encode()).hexdigest()


def math_problems(archive: Path, held_out: int) -> list[str]:
    """Problems of MathQA without their steps, those with the `held_out` smallest hashes left out.

    A split by content takes validation and test from the smallest hashes. Raises ValueError if the archive lacks them.
    """
    with tarfile.open(archive) as members:
        for member in members:
            if member.name == MEMBER and member.isfile() and (content := members.extractfile(member)):
                examples = json.load(content)["examples"]
                by_digest = {digest(text): text for text in (x["input"].partition("\n")[0].strip() for x in examples)}
                return [by_digest[name] for name in sorted(by_digest)[held_out:]]
    raise ValueError(f"{archive} lacks the member {MEMBER}")


def _pick(choices: tuple, rng: np.random.Generator) -> str:
    return choices[rng.integers(len(choices))]
