"""Values on fewer examples and from other starts, of a finished run's contributors."""

import itertools

import jax
import numpy as np
import pytest

from configs import images
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.runtime.results import select
from experiments.studies.valuation import evaluate, stability, stability_report, stability_summaries, study
from tests.problems import corners
from valuation.methods import METHODS
from valuation.problem import Contributor, Origin
from valuation.shared import Shared

NAMES = ("rbf_utility", "size", "random")
NOT_TRAINED = None  # what a method is given that looks at no training


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
    made = stability.valued(config, corners()._replace(shared=Shared()), "size", NOT_TRAINED)
    assert (made["values"], made["seconds"]) == (None, None)
    assert "expected two examples" in made["refused"]


def test_what_compiles_is_timed_again_and_a_training_counts_for_each_method(runs, monkeypatch):
    """By a clock that says 100 s for the first call of a method's function and 1 s for the next."""
    now, calls = [0.0], []

    def slow(problem):
        calls.append(problem)
        now[0] += 100.0 if len(calls) == 1 else 1.0
        return np.arange(len(problem.contributors))

    monkeypatch.setitem(METHODS, "size", METHODS["size"]._replace(values=slow, checkpoints=True))
    monkeypatch.setattr(stability.time, "perf_counter", lambda: now[0])
    problem = corners()._replace(shared=Shared(clock=lambda: now[0]))
    config, trained = stability.configured(runs[0]), stability.OnUnion(((None, 0.1),), 7.0, 30.0)
    made = stability.valued(config, problem, "size", lambda: trained, again=1e3)
    assert (made["seconds"], made["first_seconds"]) == (8.0, 130.0)
    assert calls[0].checkpoints == calls[1].checkpoints == trained.checkpoints
    made = stability.valued(config, problem, "size", lambda: trained, again=0.5)
    assert (made["seconds"], made["first_seconds"]) == (8.0, 31.0)
    assert len(calls) == 3


def test_one_training_serves_all_methods_of_a_share(runs, monkeypatch):
    config, trained = stability.configured(runs[0]), []
    monkeypatch.setattr(stability, "on_union", lambda *_: trained.append(1) or stability.OnUnion(((), 0.1), 1.0, 2.0))
    for name in ("random", "size"):
        monkeypatch.setitem(METHODS, name, METHODS[name]._replace(checkpoints=True))
    task = tasks.load(config, None, mesh.devices())
    steps = stability.one_draw(config, lambda: task, 1000, results.read(runs[0] / results.FILE), runs[0])
    made = [step.make() for step in steps if step.lines[0]["method"] != "rbf_utility"]
    assert len(made) == 2 * len(stability.settings())
    assert len(trained) == len(stability.settings())


def test_only_what_computes_has_its_memory_measured(tmp_path, capsys):
    lines = [{"kind": "memory", "method": "rbf_utility", "share": 0.01}]
    steps = [*stability.of_memory(NAMES, lines, {}, tmp_path)]
    assert [(step.lines[0]["method"], step.lines[0]["share"]) for step in steps] == [
        ("rbf_utility", 1.0), ("rbf_utility", 0.01),
    ]  # fmt: skip
    assert "memory: 1 processes, one after another" in capsys.readouterr().out
    assert {step.scratch for step in steps} == {tmp_path / "memory"}


def test_a_run_whose_contributors_were_others_is_refused(runs):
    config = stability.configured(runs[0])
    lines = results.read(runs[0] / results.FILE)
    other = [x | {"distinct": 1} if x["kind"] == "contributor" and x["contributor"] == "03" else x for x in lines]
    task = tasks.load(config, None, mesh.devices())
    with pytest.raises(ValueError, match=r"contributor 03: the run recorded another one \(it differs in distinct\)"):
        stability.draw_of(config, task, 1000, runs[0], other)


def test_equal_seconds_take_the_largest_share_that_stays_within_them():
    def line(method, share, seconds, truth):
        return {"kind": "stability summary", "method": method, "share": share, "start": 0, "seconds": seconds,
                "truth": truth, "interval": [0.0, 1.0]}  # fmt: skip

    lines = [line("size", 1.0, 2.0, 0.5), line("ntk_utility", 1.0, 50.0, 0.9), line("ntk_utility", 0.1, 15.0, 0.7)]
    made = [*stability_summaries.equal_seconds([*lines, line("ntk_utility", 0.01, 1.0, 0.2)], "size")]
    found = {(x["method"], x["times"]): (x["budget"], x["share"], x["truth"]) for x in made}
    assert found == {
        ("size", 1): (2.0, 1.0, 0.5), ("size", 10): (20.0, 1.0, 0.5),
        ("ntk_utility", 1): (2.0, 0.01, 0.2), ("ntk_utility", 10): (20.0, 0.1, 0.7),
    }  # fmt: skip
    page = "\n".join(stability_report._equal(made))
    assert "| within 2.00 s | on | within 20.00 s | on |" in page
    assert "| 0.200 (0.000 to 1.000) | 1% | 0.700 (0.000 to 1.000) | 10% |" in page
    assert [*stability_summaries.equal_seconds(lines, "random")] == []


def test_the_interval_is_that_of_the_mean_correlation_with_the_truth():
    rng = np.random.default_rng(0)
    truth = [rng.random((2, 8)) for _ in range(2)]
    run = [
        {"kind": "truth", "draw": d, "seed": s, "utility": list(one)} for d in (0, 1) for s, one in enumerate(truth[d])
    ]
    lines = [
        {"kind": "stability", "draw": d, "method": "size", "share": share, "start": 0, "values": list(truth[d].mean(0)),
         "itself": 1.0, "truth": 1.0, "seconds": 1.0, "first_seconds": 2.0}
        for d in (0, 1) for share in stability.SHARES
    ]  # fmt: skip
    made = select(stability_summaries.means(lines, run, "size", resamples=50), kind="stability summary", start=0)
    samples = evaluate.bootstrap([one.mean(0)[None] for one in truth], [one.T for one in truth], 50, 0)[:, 0]
    assert all(line["interval"] == pytest.approx(evaluate.interval(samples)) for line in made)
    assert (made[0]["seconds"], made[0]["first_seconds"]) == (1.0, 2.0)


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
    assert memory.lines[0].get_xydata().tolist() == [[150.0, 0.5]]
    assert memory.lines[-1].get_xdata()[0] == 100.0
