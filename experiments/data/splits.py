"""Splits by content, and what two sets have in common."""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

BLOCK = 4096  # rows whose runs are looked at together


class Split(NamedTuple):
    """Rows of each part; `dropped` repeat an earlier row."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    dropped: np.ndarray


def by_content(contents: list[bytes], *, validation: int, test: int, salt: str = "") -> Split:
    """Rows ordered by the SHA-256 of salt + content: first `test` of them, then `validation`, the rest for training.

    Where an example goes depends on nothing but the salt and the set of contents: not on their order, nor on a seed.
    Raises ValueError if nothing would be left to train on.
    """
    digests = [hashlib.sha256(salt.encode() + content).digest() for content in contents]
    first: dict[bytes, int] = {}
    for row, digest in enumerate(digests):
        first.setdefault(digest, row)
    rows = np.array([first[digest] for digest in sorted(first)], np.int64)
    if len(rows) <= validation + test:
        raise ValueError(
            f"{len(rows)} distinct examples cannot give {validation} for validation and {test} for testing"
        )
    dropped = np.setdiff1d(np.arange(len(contents)), rows)
    return Split(rows[test + validation :], rows[test : test + validation], rows[:test], dropped)


def beside_test(contents: list[bytes], tested: np.ndarray, *, validation: int, salt: str = "") -> Split:
    """The rows `tested` stay the test set, less what they share with the others, which are split by content."""
    others = np.setdiff1d(np.arange(len(contents)), tested)
    known = {contents[row] for row in others}
    test = np.array([row for row in tested if contents[row] not in known], int)
    parts = by_content([contents[row] for row in others], validation=validation, test=0, salt=salt)
    dropped = np.concatenate([others[parts.dropped], np.setdiff1d(tested, test)])
    return Split(others[parts.train], others[parts.validation], test, dropped)


def split(contents: list[bytes], tested: np.ndarray | None, sizes) -> Split:
    """Rows split by content; a test set that comes with the data stays whole, less what it shares with the rest.

    tested: its rows; None without one. sizes: the group `split` of a config. Raises ValueError if nothing would be
    left to train on.
    """
    if tested is None:
        return by_content(contents, validation=sizes.validation, test=sizes.test, salt=sizes.salt)
    return beside_test(contents, tested, validation=sizes.validation, salt=sizes.salt)


def exact_overlap(left: np.ndarray, right: np.ndarray) -> int:
    """How many rows of `left` (n, ...) stand in `right` (m, ...) too, byte for byte."""
    known = {row.tobytes() for row in np.ascontiguousarray(right)}
    return sum(row.tobytes() in known for row in np.ascontiguousarray(left))


def near_overlap(left: np.ndarray, right: np.ndarray, *, similarity: float) -> int:
    """How many rows of `left` (n, ...) have a row of `right` (m, ...) with at least that cosine similarity."""
    left, right = (side.reshape(len(side), -1).astype(np.float32) for side in (left, right))
    left, right = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in (left, right))
    return int(((left @ right.T).max(1) >= similarity).sum())


def ngram_overlap(left: np.ndarray, right: np.ndarray, *, length: int) -> int:
    """How many rows of `left` (n, t) have `length` tokens in a row that stand so in a row of `right` (m, s) too.

    Token numbers, 0 = padding on the right: shorter texts have no such run. Runs are compared by a hash of 64 bits:
    among a million runs on each side one of them agrees by chance with probability 1e-7.
    """
    return int(_sharing(left, right, length).sum())


def word_overlap(
    left: Sequence[Sequence[str]], right: Sequence[Sequence[str]], *, length: int
) -> Bool[np.ndarray, " n"]:
    """Which items of `left`, each of k texts, have `length` words in a row that a text of `right` has, (n,) bool.

    Words are lower-case letters and digits; compared as in `ngram_overlap`.
    """
    numbers: dict[str, int] = {}
    sides = []
    for items in (left, right):
        texts = [re.findall(r"\w+", text.lower()) for item in items for text in item]
        rows = np.zeros((len(texts), max(map(len, texts), default=0)), np.int32)
        for row, words in zip(rows, texts, strict=True):
            row[: len(words)] = [numbers.setdefault(word, len(numbers) + 1) for word in words]
        sides.append(rows)
    return np.any(_sharing(sides[0], sides[1], length).reshape(len(left), -1), axis=1)


def _sharing(left: np.ndarray, right: np.ndarray, length: int) -> np.ndarray:
    _, known = run_hashes(np.asarray(right), length)
    shared = np.zeros(len(left), bool)
    for first in range(0, len(left), BLOCK):
        rows, runs = run_hashes(np.asarray(left[first : first + BLOCK]), length)
        shared[first + rows[np.isin(runs, known)]] = True
    return shared


def run_hashes(rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(row, hash) of every run of that many tokens: the sum of its tokens' scrambled bits times one odd number each.

    rows: token numbers (n, t), 0 = padding on the right.
    """
    if rows.shape[1] < length:
        return np.zeros(0, int), np.zeros(0, np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**63, length, np.uint64) * np.uint64(2) + np.uint64(1)
    scrambled = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    scrambled ^= scrambled >> np.uint64(29)
    count = rows.shape[1] - length + 1
    hashes = sum(scrambled[:, i : i + count] * factor for i, factor in enumerate(factors))
    whole = rows[:, length - 1 :] != 0
    return np.nonzero(whole)[0], hashes[whole]
