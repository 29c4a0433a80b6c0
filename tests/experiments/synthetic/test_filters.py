"""Filters of generated texts against brute force and made-up cases."""

import itertools

import numpy as np
import pytest

from experiments.synthetic import filters


def sentence(rng, words=30) -> list[str]:
    return ["".join("abcdefghij"[int(digit)] for digit in str(i)) for i in rng.integers(0, 5000, words)]


def plain_jaccard(left: str, right: str) -> float:
    """Jaccard similarity of 5-word sequences, by their text."""

    def grams(text):
        words = filters.WORD.findall(text.lower())
        return {tuple(words[i : i + 5]) for i in range(max(len(words) - 4, 1))}

    a, b = grams(left), grams(right)
    return len(a & b) / len(a | b)


def test_near_duplicates_are_those_of_a_comparison_of_all_pairs():
    rng = np.random.default_rng(0)
    texts = [["alpha", *sentence(rng)] for _ in range(60)]
    for row in range(0, 60, 6):  # every sixth gets a twin with its last two words changed
        texts.append([*texts[row][:-2], "other", "end"])
    texts = [" ".join(text) for text in texts]
    kept, expected = [], []
    for text in texts:
        expected.append(any(plain_jaccard(text, other) > 0.5 for other in kept))
        if not expected[-1]:
            kept.append(text)
    assert sum(expected) >= 10
    np.testing.assert_array_equal(filters.near_duplicates(texts, 0.5), expected)


def test_minhash_agrees_as_often_as_the_sets_do():
    rng = np.random.default_rng(1)
    pools = [frozenset(rng.integers(0, filters.PRIME, 200).tolist()) for _ in range(40)]
    mixed = [frozenset([*sorted(a)[:120], *sorted(b)[:80]]) for a, b in itertools.pairwise(pools)]
    left, right = filters.minhash(pools[:-1]), filters.minhash(mixed)
    expected = np.array([filters.jaccard(a, b) for a, b in zip(pools, mixed, strict=False)])
    found = (left == right).mean(1)
    error = np.sqrt((expected * (1 - expected)).mean() / filters.HASHES / len(found))
    assert abs(found.mean() - expected.mean()) < 4 * error + 0.01  # hashes are the same for all pairs


def test_every_dropped_text_is_counted_once_and_by_the_first_rule_that_drops_it():
    texts = [
        "It was a film about the war and I was moved by it",
        "short",
        "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
        "This is a positive review of the film and I liked it",
        "It was a film about the war and I was moved by it",
        "",
    ]
    rules = {"near": 0.5, "words": (3, 50), "english": 0.2, "verdict": True}
    found = filters.dropped(texts, rules)
    assert {name: np.flatnonzero(gone).tolist() for name, gone in found.items()} == {
        "words": [1, 5], "english": [2], "verdict": [3], "near": [4],
    }  # fmt: skip
    with pytest.raises(ValueError, match="unknown rule 'lang'"):
        filters.dropped(texts, {"lang": 1})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("I give it 8 out of 10.", True), ("A 7/10 for me.", True), ("Four stars!", True), ("Rating: high", True),
        ("As an AI I cannot watch films", True), ("a negative movie review", True),
        ("The stars of the film act well", False), ("We were ten people", False), ("I felt positive about it", False),
    ],
)  # fmt: skip
def test_named_verdicts(text, named):
    assert filters.verdicts([text], True).tolist() == [named]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("One. Two! Thr", "One. Two!"), ("It cost 3.50 or so", ""), ("He said \"no.\" Then", 'He said "no."'),
        ("Done.", "Done."), ("", ""),
    ],
)  # fmt: skip
def test_whole_sentences(text, whole):
    assert filters.whole_sentences(text) == whole


def test_no_texts_at_all():
    assert all(len(gone) == 0 for gone in filters.dropped([], {"words": (1, 2), "near": 0.5}).values())
