"""The ablation of the score: terms of every variant, orders of every subset, and what the page says of them."""

import itertools
import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from configs import images
from experiments.runtime import results
from experiments.runtime.results import select
from experiments.studies.valuation import score_ablation, study
from tests.problems import corners
from valuation.methods import METHODS, score_terms

NAMES = [*score_terms.Terms._fields, "disagreement"]


def lines(draws=2, contributors=7):
    """(lines of terms of one variant, lines of the run): the disagreement is minus the truth, the rest is drawn."""
    rng, terms, run = np.random.default_rng(0), [], []
    for draw in range(draws):
        truth = rng.random(contributors)
        costs = {name: rng.random(contributors).tolist() for name in NAMES[:-1]} | {"disagreement": list(-truth)}
        about = {"draw": draw, "output": "target", "scaled": False, "joint": False, "features": "of the task"}
        terms.append({"kind": "score terms", **about, "terms": costs})
        run.append({"kind": "truth", "draw": draw, "seed": 0, "utility": list(truth), "validation": list(truth)})
    return terms, run


def test_orders_are_those_of_all_subsets_in_all_weightings():
    terms, run = lines()
    made = score_ablation.orders(terms, run)
    assert len(made) == 31 * 3 + 8 + 1  # kappa with both of its terms, literal weights of the four
    found = {(tuple(x["subset"]), x["weighting"]): x for x in made}
    assert found[("disagreement",), "plain sum"]["by_draw"] == pytest.approx([1, 1])
    pair, four = ("residual", "discrepancy"), tuple(NAMES[:4])
    assert found[four, "literal"]["by_draw"] == pytest.approx(found[pair, "plain sum"]["by_draw"])
    whole = {name: np.array(terms[0]["terms"][name]) for name in four}
    kappa = whole["discrepancy"].mean() / whole["kernel"].mean()
    expected = -(whole["residual"] + whole["discrepancy"] + kappa * whole["kernel"] + whole["size"])
    assert found[four, "kappa"]["by_draw"][0] == pytest.approx(spearmanr(expected, run[0]["utility"]).statistic)
    assert found[("disagreement",), "calibrated"]["spearman"] > 0.9
    subset = ("residual", "size")
    for draw, got in enumerate(found[subset, "scale-free"]["by_draw"]):
        costs = [np.array(terms[draw]["terms"][name]) for name in subset]
        expected = spearmanr(-sum(cost / cost.std() for cost in costs), run[draw]["utility"]).statistic
        assert got == pytest.approx(expected)
    plain = spearmanr(-sum(np.array(terms[0]["terms"][n]) for n in subset), run[0]["utility"]).statistic
    assert found[subset, "plain sum"]["by_draw"][0] == pytest.approx(plain)


def test_a_variant_makes_the_terms_of_its_methods():
    """On the corner cases: the plain variant has the terms of the scores that are methods."""
    problem = corners()
    costs = score_ablation.costs_of(problem, score_ablation.Variant("target", False, False, "of the task"))
    np.testing.assert_allclose(-np.array(costs["discrepancy"]), METHODS["mmd_only"](problem))
    other = score_ablation.costs_of(problem, score_ablation.Variant("target", True, False, "of the task"))
    assert other["kernel"] != costs["kernel"]
    assert other["size"] == costs["size"]
    hidden = score_ablation.at_initialisation(problem)(problem.validation.inputs)
    assert len(hidden) == len(problem.validation.inputs)
    assert len(set(score_ablation.variants("classification"))) == 16


def test_a_page_says_what_each_choice_does(tmp_path, monkeypatch, unrendered):
    """A run that goes on where it stopped; its variants are cut to one."""
    config = images.get_config("tiny,contributors=4,truth=own_set,truth_seeds=1,seed=0")
    config.methods, config.choice, config.contributors.axes.mechanism = ("size",), "size", ("noise",)
    config.validation_sizes, config.training.steps = (), 2
    study.run(config, str(tmp_path / "run"), None)
    monkeypatch.setattr(score_ablation, "variants", lambda _: score_ablation.CLASSIFIERS[:1])
    page = score_ablation.run(tmp_path / "made", values=tmp_path / "run", data_dir=None).read_text()
    made = results.read(tmp_path / "made" / results.FILE)
    (terms,) = select(made, kind="score terms")
    assert json.dumps(sorted(terms["terms"])) == json.dumps(sorted(NAMES))
    gains = page.partition("| term |")[2].splitlines()[2:]
    known = {tuple(x["subset"]): x["spearman"] for x in select(made, kind="score order", weighting="plain sum")}
    assert len(gains) == 5
    assert "102 orders" in page
    assert {len(subset) for subset in known} == {1, 2, 3, 4, 5}
    assert len(known) == sum(1 for k in range(1, 6) for _ in itertools.combinations(NAMES, k))
    kept = [line for line in made if line["kind"] == "score terms"]  # nothing is made again, nor loaded
    (tmp_path / "made" / results.FILE).write_text("".join(results.text_of(line) + "\n" for line in kept))
    monkeypatch.setattr(score_ablation, "draw_of", lambda *_: pytest.fail("a draw was made again"))
    assert score_ablation.run(tmp_path / "made", values=f"{tmp_path}/run/", data_dir=None).read_text() == page


def test_draws_of_the_tables_are_refused(tmp_path):
    run = lines()[1]
    (tmp_path / results.FILE).write_text("".join(json.dumps(x) + "\n" for x in [*run, {"kind": "run"}]))
    (tmp_path / "config.json").write_text(json.dumps({"seed": 8, "draws": 3}))
    with pytest.raises(ValueError, match="has a draw of seed 10: expected seeds from 0 to 9, as seed=0,draws=4"):
        score_ablation.run(tmp_path / "made", values=tmp_path, data_dir=None)
