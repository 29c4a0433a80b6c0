"""Values of single examples: the measures against brute force, and a small run with its page."""

import itertools

import jax
import numpy as np
import pytest
from scipy.stats import spearmanr

from configs import examples as config_file
from experiments.runtime import results
from experiments.runtime.results import select
from experiments.studies.examples import judge, report, scorers, study
from valuation.problem import Examples

FEW = {name: scorers.SCORERS[name] for name in ("TracIn", "similarity", "random")}


def small():
    config = config_file.get_config("tiny")
    return config


def test_the_datamodelling_score_is_the_correlation_of_sums_with_outputs():
    rng = np.random.default_rng(0)
    scores, kept, outputs = rng.normal(size=(9, 3)), rng.random((7, 9)) < 0.5, rng.normal(size=(7, 3))
    got = judge.datamodelling(scores, kept, outputs)
    for query in range(3):
        sums = [sum(scores[i, query] for i in range(9) if half[i]) for half in kept]
        assert got[query] == pytest.approx(spearmanr(sums, outputs[:, query]).statistic)
    assert judge.datamodelling(np.zeros((9, 1)), kept, outputs[:, :1]).tolist() == [0]
    exact = judge.datamodelling(scores, kept, kept.astype(float) @ scores)
    np.testing.assert_allclose(exact, 1)


def test_wrong_labels_found_is_the_share_of_pairs_in_the_right_order():
    values, wrong = np.array([0.1, 0.5, 0.5, 0.9, 0.2]), np.array([True, True, False, False, False])
    pairs = [(b, g) for b, g in itertools.product(values[wrong], values[~wrong])]
    assert judge.found(values, wrong) == pytest.approx(np.mean([(b < g) + 0.5 * (b == g) for b, g in pairs]))
    with pytest.raises(ValueError, match="0 wrong and 5 right"):
        judge.found(values, np.zeros(5, bool))


def test_every_method_says_that_examples_of_the_querys_class_help_it(tmp_path):
    """Three clouds of points that an MLP has learned."""
    config = small()
    data = study.Data(*study.digits8.load(config, None))
    models = study.models_of(config, study.learner_of(config, data), data.train, jax.random.key(0), tmp_path)
    given = study.given_of(config, models, data.train, data.test, data.classes, jax.random.key(1))
    same = np.asarray(data.train.targets)[:, None] == np.asarray(data.test.targets)
    for name, score in scorers.SCORERS.items():
        made = score(given)
        assert made.shape == same.shape, name
        assert np.isfinite(made).all(), name
        assert name == "random" or made[same].mean() > made[~same].mean(), name


def test_the_area_under_a_curve_is_its_mean_height():
    """A straight line from 0.8 at a share of 0.2 to 0.4 at 0.6, read at unequal steps, and a single point."""
    lines = [{"kind": "part", "method": "a", "way": "best", "share": s, "accuracy": [1.0 - s, 1.0 - s]}
             for s in (0.6, 0.2, 0.3)]  # fmt: skip
    assert report.areas_of(lines)["a", "best"] == pytest.approx(0.6)
    assert report.areas_of(lines[:1])["a", "best"] == pytest.approx(0.4)


def test_parts_are_those_of_the_order():
    order = np.array([3, 1, 0, 2, 4])
    rows = {way: study.rows_of(order, way, 0.4).tolist() for way in study.WAYS}
    assert rows == {"without the best": [0, 2, 4], "without the worst": [0, 1, 3], "only the best": [1, 3]}


def test_a_run_leaves_scores_curves_and_a_page_and_goes_on_where_it_stopped(tmp_path, monkeypatch, unrendered):
    monkeypatch.setattr(study, "SCORERS", FEW)
    page = study.run(small(), str(tmp_path), None)
    lines = results.read(tmp_path / results.FILE)
    halves = study.kept(small(), 60, jax.random.key(0))
    assert halves.sum(1).tolist() == [30] * 6
    assert len(select(lines, kind="half")) == 6 * 2
    assert len(select(lines, kind="part")) == len(FEW) * len(study.WAYS) * 2
    seed = [np.array([x["margins"] for x in select(lines, kind="half", seed=s)]) for s in (0, 1)]
    expected = np.mean([spearmanr(seed[0][:, j], seed[1][:, j]).statistic for j in range(20)])
    assert report.seeds(lines) == pytest.approx(expected)
    assert "| similarity |" in page.read_text()
    area = report.areas_of(lines)["similarity", "without the best"]
    assert f"{area:.3f}" in page.read_text()
    assert (tmp_path / "figures" / "curves.png").exists()
    kept = [line for line in lines if line["kind"] != "run" and line.get("way") != "only the best"]
    (tmp_path / results.FILE).write_text("".join(results.text_of(line) + "\n" for line in kept))
    study.run(small(), str(tmp_path), None)
    again = results.read(tmp_path / results.FILE)
    assert [x["accuracy"] for x in select(again, kind="part")] == [x["accuracy"] for x in select(lines, kind="part")]
    assert not any((tmp_path / "checkpoints").rglob("*.json"))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("subsets", 2, "3 or more"), ("shares", (0.0,), "between 0 and 1"), ("wrong", 1.0, "between 0 and 1")],
)
def test_what_cannot_be_is_refused_before_work(tmp_path, key, value, words):
    config = small()
    config[key] = value
    with pytest.raises(ValueError, match=words):
        study.run(config, str(tmp_path / "run"), None)
    assert not (tmp_path / "run").exists()


def test_data_without_examples_to_train_on_are_refused():
    config = small()
    config.split.validation = 90
    with pytest.raises(ValueError, match="110 of 100 examples"):
        study.digits8.load(config, None)
    train, validation, test, classes = study.digits8.load(small(), None)
    assert (len(train.inputs), len(validation.inputs), len(test.inputs), classes) == (60, 20, 20, 3)
    every = np.concatenate([one.inputs for one in (train, validation, test)])
    assert len(np.unique(every, axis=0)) == 100
    assert isinstance(train, Examples)
