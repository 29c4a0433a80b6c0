"""Values on fewer examples and from other starts, of a finished run's contributors."""

import itertools

import jax
import numpy as np
import pytest

from configs import images
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.runtime.results import select
from experiments.studies.valuation import stability, stability_report, study
from valuation.methods import METHODS
from valuation.problem import Contributor, Origin

NAMES = ("rbf_utility", "size", "random")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, unrendered_here):
    """(a finished run without a truth, the study of its stability)."""
    folder = tmp_path_factory.mktemp("stability")
    config = images.get_config("tiny,truth=none,contributors=5")
    config.methods, config.contributors.axes.mechanism = NAMES, ("noise",)
    config.choice = "rbf_utility"
    study.run(config, str(folder / "run"), None)
    page = stability.run(folder / "made", values=folder / "run", draws=1, data_dir=None, memory=False)
    return folder / "run", page


def test_all_examples_from_the_runs_start_give_the_runs_values(runs):
    run, page = runs
    old, new = (results.read(folder / results.FILE) for folder in (run, page.parent))
    for name in NAMES:
        (before,) = select(old, kind="values", method=name)
        (after,) = select(new, kind="stability", method=name, share=1.0, start=0)
        assert after["values"] == before["values"]
        assert after["itself"] == pytest.approx(1)
        assert after["truth"] is None


def test_a_share_is_that_share_and_another_start_is_another(runs):
    new = results.read(runs[1].parent / results.FILE)
    size = {x["share"]: x["values"] for x in select(new, kind="stability", method="size", start=0)}
    np.testing.assert_allclose(size[0.5], np.round(0.5 * np.array(size[1.0])), atol=1)
    assert size[0.01] == [1] * 5
    random = [x["values"] for x in select(new, kind="stability", method="random", share=1.0)]
    assert len({tuple(values) for values in random}) == 3
    kernel = [x["values"] for x in select(new, kind="stability", method="rbf_utility", share=1.0)]
    assert kernel[0] == kernel[1] == kernel[2]  # it begins nowhere
    (mean,) = select(new, kind="stability summary", method="random", start=1)
    ranks = [x["itself"] for x in select(new, kind="stability", method="random", share=1.0) if x["start"]]
    assert mean["itself"] == pytest.approx(np.mean(ranks))
    assert "| random |" in runs[1].read_text()
    assert (runs[1].parent / "figures" / "stability.png").exists()
    assert not (runs[1].parent / "figures" / "budgets.png").exists()  # there is no truth


def test_parts_of_a_contributor_are_nested():
    every = np.arange(40)
    whole = Contributor("a", every, every, every < 20, Origin(every.astype(str), every * 1.0, every))
    parts = [set(stability.part(whole, share, jax.random.key(0)).index) for share in (1.0, 0.5, 0.1, 0.01)]
    assert [len(part) for part in parts] == [40, 20, 4, 1]
    assert all(smaller < larger for larger, smaller in itertools.pairwise(parts))
    half = stability.part(whole, 0.5, jax.random.key(1))
    assert half.targets.tolist() == half.index.tolist() == half.origin.seed.tolist()


def test_a_method_that_cannot_be_asked_says_why(runs, monkeypatch):
    def refuse(problem):
        raise ValueError("expected two examples")

    monkeypatch.setitem(METHODS, "size", METHODS["size"]._replace(values=refuse))
    config = stability.configured(runs[0])
    task = tasks.load(config, None, mesh.devices())
    made = stability.valued(config, stability.draw_of(config, task, 1000, runs[0]).problem, "size", jax.random.key(0))
    assert (made["values"], made["seconds"]) == (None, None)
    assert "expected two examples" in made["refused"]


def test_budgets_show_every_method_at_its_price():
    lines = [
        {"kind": "stability summary", "method": name, "share": share, "start": 0, "itself": 1.0, "truth": share * t,
         "seconds": share * t}
        for name, t in (("rbf_utility", 0.9), ("size", 0.5)) for share in (0.1, 1.0)
    ]  # fmt: skip
    lines += [{"kind": "memory", "method": "size", "share": 1.0, "megabytes_before": 100.0, "peak_megabytes": 150.0}]
    seconds, memory = stability_report.budgets(lines).axes
    drawn = [line.get_xydata().tolist() for line in seconds.lines]
    assert [[pytest.approx(0.09), pytest.approx(0.09)], [pytest.approx(0.9), pytest.approx(0.9)]] in drawn
    assert memory.lines[0].get_xydata().tolist() == [[50.0, 0.5]]
