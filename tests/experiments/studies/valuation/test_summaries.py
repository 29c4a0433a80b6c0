"""What lines say together of the validation set, against SciPy, and how the report says it."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats

from experiments.studies.valuation import evaluate, report, summaries

RNG = np.random.default_rng(0)
TRUTH, VALIDATION, VALUES = RNG.random((2, 3, 6)), RNG.random((2, 3, 6)), RNG.random((2, 2, 6))  # draw, seed or size
LINES = [
    {"kind": "truth", "draw": d, "seed": s, "utility": TRUTH[d, s].tolist(), "validation": VALIDATION[d, s].tolist()}
    for d in (0, 1)
    for s in range(3)
] + [
    {"kind": "validation values", "draw": d, "method": "size", "examples": n, "values": VALUES[d, i].tolist()}
    for d in (0, 1)
    for i, n in enumerate((20, 50))
]
CONFIG = SimpleNamespace(seed=0, draws=2, truth_seeds=3)
SEEDS = [one.T for one in TRUTH]


def test_what_validation_foretells_is_that_of_every_draw():
    found = summaries.foreseen(CONFIG, LINES, SEEDS, 0.9)
    by_draw = [evaluate.validation_agreement(v.T, t.T) for v, t in zip(VALIDATION, TRUTH, strict=True)]
    assert found["validation_by_draw"] == pytest.approx(by_draw)
    assert found["validation_agreement"] == pytest.approx(np.mean(by_draw))
    same = [line | {"validation": line["utility"]} for line in LINES if line["kind"] == "truth"]
    alike = [line | {"utility": SEEDS[0][:, 0], "validation": SEEDS[0][:, 0]} for line in same]
    foreseen = summaries.foreseen(CONFIG, alike, [np.stack([SEEDS[0][:, 0]] * 3, 1)] * 2, 0.9)
    assert foreseen == {"validation_agreement": 1, "validation_by_draw": [1, 1], "validation_ceiling": 0.9}


def test_values_by_size_are_compared_with_the_mean_truth():
    of_one_draw = LINES[-1] | {"method": "random"}  # what a run that went on with other methods has left
    first, second = summaries.by_validation_size(CONFIG, [*LINES, of_one_draw], SEEDS)
    assert [(x["method"], x["examples"]) for x in (first, second)] == [("size", 20), ("size", 50)]
    rho = [scipy.stats.spearmanr(VALUES[d, 1], TRUTH[d].mean(0)).statistic for d in (0, 1)]
    np.testing.assert_allclose(second["by_draw"], rho)
    np.testing.assert_allclose(second["spearman"], np.mean(rho))


def test_the_report_says_what_the_validation_set_allows():
    assert "was not recorded" in report.allowed({})
    assert "two seeds or more" in report.allowed({"validation_ceiling": None})
    found = {"metric": "accuracy", "validation_ceiling": 0.91, "validation_agreement": 0.9}
    assert "would reach 0.910 (measured between models of different seeds: 0.900)" in report.allowed(found)


def test_without_terms_there_is_no_ablation():
    assert summaries.ablation(CONFIG, LINES, SEEDS) == []
