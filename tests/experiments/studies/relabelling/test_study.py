"""Relabelling: the ensemble against one that is written out, and a small run with what it says."""

import jax
import numpy as np
import pytest

from configs import relabelling as config_file
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.runtime.results import select
from experiments.runtime.rng import generator
from experiments.studies.relabelling import judge, study
from experiments.training.relabelling import ensemble_scores


def test_the_ensemble_is_the_mean_of_ridge_fits():
    rng, key = np.random.default_rng(0), jax.random.key(3)
    x, y, queries = rng.normal(size=(12, 3)), rng.integers(0, 2, 12), rng.normal(size=(5, 3))
    got = ensemble_scores(x, y, queries, classes=2, key=key, members=3, share=0.5)
    squared = np.square(x[:, None] - x[None]).sum(-1)
    s2, draws, expected = np.median(squared[np.triu_indices(12, 1)]), generator(key), np.zeros((5, 2))
    for _ in range(3):
        rows = draws.choice(12, 6, replace=False)
        inner = np.exp(-squared[np.ix_(rows, rows)] / (2 * s2))
        outer = np.exp(-np.square(queries[:, None] - x[rows][None]).sum(-1) / (2 * s2))
        expected += outer @ np.linalg.solve(inner + 0.01 * np.eye(6), np.eye(2)[y[rows]])
    np.testing.assert_allclose(got, expected / 3, rtol=1e-4, atol=1e-5)


def test_an_ensemble_of_clear_classes_undoes_wrong_labels():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 60)
    x = rng.normal(size=(60, 4)) + 6 * np.eye(4)[y]
    scores = ensemble_scores(x[:30], y[:30], x[30:], classes=3, key=jax.random.key(0), members=5, share=0.8)
    assert (scores.argmax(1) == y[30:]).mean() > 0.95
    for wrong in ({"members": 0, "share": 0.5}, {"members": 1, "share": 0.0}):
        with pytest.raises(ValueError, match="expected 1 or more"):
            ensemble_scores(x, y, x, classes=3, key=jax.random.key(0), **wrong)


def test_the_ensemble_sees_the_real_examples_of_its_own_number_alone(monkeypatch):
    """It labels everything 2 here: so is each relabelled source labelled, and R in front of it is not."""
    config, seen = config_file.get_config("tiny"), []
    task = tasks.load(config.images, None, mesh.devices())

    def ensemble(real, labels, queries, **_):
        seen.append((real, labels))
        return np.tile(np.arange(3) == 2, (len(queries), 1))

    monkeypatch.setattr(study, "ensemble_scores", ensemble)
    fewer, more = (study.drawn_of(config, task, 0, real).problem for real in config.real_counts)
    for problem, count, calls in zip((fewer, more), config.real_counts, np.split(np.arange(6), 2), strict=True):
        base, *unions = problem.contributors
        rows = base.index  # of the train split, with which the pool begins
        assert (len(rows), len(set(rows)), rows.max() < len(task.train.inputs)) == (count, count, True)
        for call in calls:  # one a source
            np.testing.assert_array_equal(seen[call][0], task.features(task.train.inputs[rows]))
            np.testing.assert_array_equal(seen[call][1], task.train.targets[rows])
        for as_it_is, relabelled in zip(unions[::2], unions[1::2], strict=True):
            np.testing.assert_array_equal(relabelled.targets, [*task.train.targets[rows], *[2] * config.size])
            np.testing.assert_array_equal(relabelled.index, as_it_is.index)
            np.testing.assert_array_equal(as_it_is.targets[:count], task.train.targets[rows])
    np.testing.assert_array_equal(more.contributors[0].index[: config.real_counts[0]], fewer.contributors[0].index)


def test_a_run_says_when_relabelling_pays_and_goes_on_where_it_stopped(tmp_path, unrendered):
    config = config_file.get_config("tiny")
    page = study.run(config, str(tmp_path), None)
    lines = results.read(tmp_path / results.FILE)
    assert len(select(lines, kind="reached")) == 2 * 2 * (1 + 2 * 3)  # numbers of real ones, seeds, sources twice
    changed = {x["source"]: x["changed"] for x in select(lines, kind="relabelled", real=40)}
    assert changed["wrong labels 50%"] > changed["wrong labels 0%"]
    (half,) = select(lines, kind="repaired", real=40, source="wrong labels 50%")
    tables = {
        labels: np.array(
            [x["utility"] for x in select(lines, kind="reached", real=40, source=half["source"], labels=labels)]
        )
        for labels in (study.AS_IS, study.RELABELLED)
    }
    assert half["gain"] == pytest.approx((tables[study.RELABELLED] - tables[study.AS_IS]).mean())
    assert half["predicted"] > 0  # half of the labels were wrong
    (known,) = select(lines, kind="repair")
    assert known["sources"] == 6
    assert f"training tells {known['clear']} changes" in page.read_text()
    kept = [line for line in lines if line.get("real") != 40 and line["kind"] != "run"]
    (tmp_path / results.FILE).write_text("".join(results.text_of(line) + "\n" for line in kept))
    study.run(config, str(tmp_path), None)
    again = results.read(tmp_path / results.FILE)
    assert [x["utility"] for x in select(again, kind="reached")] == [
        x["utility"] for x in select(lines, kind="reached")
    ]
    assert not (tmp_path / "checkpoints" / "0-40").exists()


def test_signs_are_counted_where_training_tells_a_change_from_nothing():
    config = config_file.get_config("tiny")
    config.real_counts, config.sources = (20,), {"up": {}, "down": {}, "open": {}}
    gains, values = {"up": 0.2, "down": -0.2, "open": 0.0}, {"up": 0.1, "down": 0.1, "open": 0.1}
    lines = []
    for seed in range(3):
        noise = 0.01 * (seed - 1)
        lines.append({"kind": "reached", "draw": 0, "real": 20, "source": "", "labels": "as it is", "utility": 0.5})
        for name, gain in gains.items():
            for labels, more in (("as it is", 0.0), ("relabelled", gain + noise)):
                reached = {"source": name, "labels": labels, "utility": 0.6 + more}
                lines.append({"kind": "reached", "draw": 0, "real": 20, **reached})
    lines += [{"kind": "relabelled", "real": 20, "source": s, "values": [0.5, 0.6, 0.6 + v]} for s, v in values.items()]
    *pairs, known = judge.derived(config, lines)
    assert (known["clear"], known["signs_right"]) == (2, 1)
    assert [pair["before"] for pair in pairs] == pytest.approx([0.1] * 3)
    spans = {pair["source"]: pair["interval"] for pair in pairs}
    assert spans["up"][0] > 0 > spans["down"][1]


@pytest.mark.parametrize(
    ("key", "value", "words"), [("repeats", 1, "expected 1 and 2"), ("real_counts", (1,), "2 or more")]
)
def test_what_cannot_be_is_refused_before_work(tmp_path, key, value, words):
    config = config_file.get_config("tiny")
    config[key] = value
    with pytest.raises(ValueError, match=words):
        study.run(config, str(tmp_path / "run"), None)
    assert not (tmp_path / "run").exists()
