"""Tail shares against counting by hand."""

from collections import Counter

import numpy as np

from experiments.studies.valuation import tails


def test_shares_beyond_every_rank_by_counting():
    rng = np.random.default_rng(0)
    train = np.minimum(rng.zipf(1.6, (50, 20)), 40) * (rng.random((50, 20)) < 0.9)
    tokens = np.minimum(rng.zipf(1.3, (30, 20)), 45) * (rng.random((30, 20)) < 0.8)
    counts = Counter(train[train > 0].tolist())
    order = sorted(range(1, 41), key=lambda word: (-counts[word], word))
    found = tails.beyond(tokens, tails.ranks(train))
    words = tokens[tokens > 0].tolist()
    for edge, share in zip(found["ranks"], found["shares"], strict=True):
        head = set(order[:edge])
        np.testing.assert_allclose(share, np.mean([word not in head for word in words]), rtol=1e-3)


def test_padding_counts_for_nothing():
    tokens = np.array([[1, 2, 0], [3, 0, 0]])
    rank = tails.ranks(tokens)
    wide = np.pad(tokens, [(0, 2), (0, 5)])
    assert tails.beyond(wide, rank) == tails.beyond(tokens, rank)
    assert tails.beyond(np.zeros((2, 3), int), rank)["shares"] == [0.0] * len(tails.beyond(tokens, rank)["ranks"])
