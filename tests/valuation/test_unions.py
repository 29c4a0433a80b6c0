from itertools import pairwise

import jax
import numpy as np
import pytest

from valuation.unions import Scores, halvings, layout, taken


def test_blocks_hold_every_example_once_and_end_where_they_were_told(each_key_once):
    blocks = layout([10, 7], [[2, 5], [7]], key=jax.random.key(0))
    assert blocks.owner.tolist() == [0, 0, 0, 1]
    assert blocks.ends.tolist() == [2, 5, 10, 7]
    assert blocks.counts.tolist() == [2, 3, 5, 7]
    for contributor, size in enumerate((10, 7)):
        rows = [row for row, owner in zip(blocks.rows, blocks.owner, strict=True) if owner == contributor]
        assert sorted(np.concatenate(rows)) == list(range(size))
    in_order = layout([10, 7], [[2, 5], [7]], key=None)
    assert np.concatenate(in_order.rows).tolist() == [*range(10), *range(7)]


def test_amounts_halve_and_parts_are_equal():
    assert halvings(64, least=4) == [4, *range(8, 65, 8)]
    for size in (1, 2, 7, 100, 1000):
        ends = halvings(size)
        assert ends[-1] == size
        assert ends[0] >= 1
        assert set(ends) == set(layout([size], [ends], key=None).ends.tolist())
        amounts = [end for end in ends if end <= size / 8]
        assert all(-(-end // 2) <= before for before, end in pairwise(amounts))


def test_a_union_takes_the_first_examples_with_their_weight():
    blocks = layout([10, 7], [[2, 5], [3]], key=None)
    union = taken(blocks, {0: 5, 1: 7}, {1: 0.25})
    assert union.tolist() == [1, 1, 0, 0.25, 0.25]
    assert taken(blocks, {0: 10, 1: 0}).tolist() == [1, 1, 1, 0, 0]


def test_a_utility_is_a_weighted_mean():
    scores = Scores(np.array([0.0, 1.0, 0.5]), np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0]))
    assert (scores.utility("own"), scores.utility()) == (0.5, 2.75)
    assert scores.utility("metric", np.array([True, True, False])) == 1.5


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"ends of contributor 1 run from 3 to 9, expected 1 to 7"):
        layout([10, 7], [[2], [3, 9]], key=None)
    with pytest.raises(ValueError, match=r"no block of contributor 0 ends at 4 examples, only at 2, 5, 10"):
        taken(layout([10], [[2, 5]], key=None), {0: 4})
