"""Correlations of measures with the truth, against SciPy's and residuals of ranks, and the tables of them."""

import numpy as np
import pytest
import scipy.stats

from experiments.studies.valuation.explained import explained, page, rank_correlations, section

RNG = np.random.default_rng(0)
DRAWS, COUNT, SEEDS = 3, 20, 2
QUALITY, OWN = RNG.normal(size=(2, DRAWS, COUNT))
VALUES = QUALITY + 0.5 * RNG.normal(size=(DRAWS, COUNT))
TRUTH = QUALITY + OWN + 0.1 * RNG.normal(size=(SEEDS, DRAWS, COUNT))
MEASURES = {"recall": -OWN, "vendi": VALUES**3, "gzip": RNG.normal(size=(DRAWS, COUNT)), "distinct": 0 * OWN}


def lines():
    out = [{"kind": "agreement", "choice": "size"}]
    for d in range(DRAWS):
        out += [{"kind": "truth", "draw": d, "seed": s, "utility": TRUTH[s, d].tolist()} for s in range(SEEDS)]
        out += [{"kind": "covariates", "draw": d, "measure": k, "values": v[d].tolist()} for k, v in MEASURES.items()]
        out.append({"kind": "values", "draw": d, "method": "size", "values": VALUES[d].tolist()})
    return out


def judged(**options):
    return lines() + explained(lines(), "size", **options)


def partial(x, y, z):
    """Correlation of what a line in the ranks of z leaves of the ranks of x and y."""
    x, y, z = map(scipy.stats.rankdata, (x, y, z))
    left = [side - np.polyval(np.polyfit(z, side, 1), z) for side in (x, y)]
    return np.corrcoef(*left)[0, 1]


def test_correlations_are_scipys_and_those_of_residuals():
    found = {one["measure"]: one for one in explained(lines(), "size", resamples=200)}
    assert set(found) == set(MEASURES)
    for name in ("recall", "gzip"):
        mean = TRUTH.mean(0)
        alone = [scipy.stats.spearmanr(MEASURES[name][d], mean[d]).statistic for d in range(DRAWS)]
        beside = [partial(MEASURES[name][d], mean[d], VALUES[d]) for d in range(DRAWS)]
        np.testing.assert_allclose((found[name]["alone"], found[name]["beside"]), (np.mean(alone), np.mean(beside)))
    assert found["recall"]["alone_interval"][1] < 0 > found["recall"]["beside_interval"][1]
    low, high = found["gzip"]["beside_interval"]
    assert low < 0 < high


def test_what_the_values_say_already_adds_nothing():
    found = {one["measure"]: one for one in explained(lines(), "size", resamples=50)}
    assert found["vendi"]["alone"] > 0.4
    assert (found["vendi"]["beside"], found["distinct"]["alone"], found["distinct"]["beside"]) == pytest.approx(
        (0, 0, 0)
    )


def test_resamples_are_those_rows_and_seeds():
    rows, seeds = np.array([[0, 3, 3, 7, 9]]), np.array([[1, 1]])
    both = rank_correlations(MEASURES["recall"][:1], VALUES[0], TRUTH[:, 0].T, rows, seeds)
    alone = scipy.stats.spearmanr(MEASURES["recall"][0, rows[0]], TRUTH[1, 0, rows[0]]).statistic
    np.testing.assert_allclose(both[0, 0, 0], alone)


def test_tables_hold_every_measure_or_say_why_not():
    (text,) = section(judged())
    assert text.count("\n|") == 2 + len(MEASURES)
    assert text.index("recall of support") < text.index("gzip ratio")
    both = page({"a": judged(), "b": [x for x in judged() if x.get("measure") != "gzip"]})
    assert both.count("–") == 2
    without = [x for x in lines() if x["kind"] != "covariates"]
    assert section(without) == []
    with pytest.raises(ValueError, match="old has no measures beside a truth: run it again"):
        page({"old": without})
