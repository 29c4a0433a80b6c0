"""The section on worth on paper, by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from experiments.studies.valuation import paper_worth

RNG = np.random.default_rng(0)
WORTH, VALUES, TRUTH = RNG.random((2, 7)), RNG.random((2, 7)), RNG.random((2, 3, 7))


def lines(**agreement):
    out = [{"kind": "agreement", "choice": "size", "truth": "own_set"} | agreement]
    for d in (0, 1):
        out += [{"kind": "contributor", "draw": d, "paper_worth": worth} for worth in WORTH[d]]
        out += [{"kind": "values", "draw": d, "method": "size", "values": list(VALUES[d])}]
        out += [{"kind": "truth", "draw": d, "seed": s, "utility": list(one)} for s, one in enumerate(TRUTH[d])]
    return out


def test_correlations_are_scipys():
    (text,) = paper_worth.section(lines())
    mean = TRUTH.mean(1)
    for title, left, right in (
        ("worth on paper and truth", WORTH, mean), ("worth on paper and size", WORTH, VALUES),
        ("truth and size", mean, VALUES),
    ):  # fmt: skip
        rho = np.mean([spearmanr(*pair).statistic for pair in zip(left, right, strict=True)])
        assert f"| {title} | {rho:.3f} (" in text


@pytest.mark.parametrize("other", [lines(truth="leave_one_out"), [x | {"paper_worth": None} for x in lines()]])
def test_nothing_is_said_where_none_is_known(other):
    assert paper_worth.section(other) == []
