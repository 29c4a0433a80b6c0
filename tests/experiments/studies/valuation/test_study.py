"""The main job at its smallest scale, as a user runs it."""

import json
import re

import jax
import numpy as np
import pytest
import scipy.stats

from configs import images
from experiments import tasks
from experiments.runtime import results
from experiments.runtime.results import select
from experiments.studies.valuation import ground_truth, report, study
from experiments.synthetic import autoencoder
from experiments.tasks.task import classified
from tests.experiments.runtime.written import unwritten
from valuation.covariates import MEASURES
from valuation.methods import METHODS, default_methods


def config(**changes):
    out = images.get_config("tiny,draws=2,contributors=4,truth_seeds=2")
    out.update(changes)
    return out.lock()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data_dir, unrendered_here):
    workdir = tmp_path_factory.mktemp("run")
    with jax.debug_key_reuse(True):  # no method, training or draw uses a key twice
        study.run(config(), str(workdir), data_dir)
    return workdir


def measured(lines):
    """What a line says, without where, when and how fast."""
    drop = {"seconds", "commit", "versions", "device", "peak_megabytes"}
    return [{k: v for k, v in line.items() if k not in drop} for line in lines]


def test_every_line_says_where_it_comes_from(finished):
    lines = results.read(finished / "results.jsonl")
    assert all({"kind", "task", "config", "commit", "versions", "device"} <= set(line) for line in lines)
    kinds = ("contributor", "terms", "values", "covariates", "truth", "summary")
    counts = {kind: len(select(lines, kind=kind)) for kind in kinds}
    n, measures = len(default_methods("classification", 1)), 2 * sum(not one.of_items for one in MEASURES.values())
    expected = {"contributor": 8, "terms": 2, "values": 2 * n, "covariates": measures, "truth": 4, "summary": n}
    assert counts == expected


def test_correlations_are_scipys_on_the_lines(finished):
    lines = results.read(finished / "results.jsonl")
    truth = np.mean([x["utility"] for x in select(lines, kind="truth", draw=1000)], axis=0)
    values = select(lines, kind="values", draw=1000, method="rbf_utility")[0]["values"]
    found = select(lines, kind="correlation", draw=1000, method="rbf_utility")[0]
    for kind, function in (("spearman", scipy.stats.spearmanr), ("pearson", scipy.stats.pearsonr)):
        np.testing.assert_allclose(found[kind], function(values, truth).statistic)
    summary = select(lines, kind="summary", method="rbf_utility")[0]
    both = [x["spearman"] for x in select(lines, kind="correlation", method="rbf_utility")]
    np.testing.assert_allclose(summary["spearman"], np.mean(both))


def test_the_ablation_holds_the_score_itself(finished):
    """Its terms with scale-free weights are what the methods compute that are made of them."""
    lines = results.read(finished / "results.jsonl")
    every = ["residual", "discrepancy", "kernel", "size", "disagreement"]
    made = {"score_scale_free": every[:4], "mmd_size": every[1:4:2], "mmd_only": every[1:2],
            "score_disagreement": every[1::2] + every[4:]}  # fmt: skip
    for name, terms in made.items():
        ablation = select(lines, kind="ablation", terms=terms)[0]
        expected = [x["spearman"] for x in select(lines, kind="correlation", method=name)]
        np.testing.assert_allclose(ablation["by_draw"], expected)
    assert len(select(lines, kind="ablation")) == 31


def test_a_finished_workdir_is_left_alone(finished, data_dir, capsys):
    before = (finished / "results.jsonl").read_bytes()
    study.run(config(), str(finished), data_dir)
    assert "nothing is computed again" in capsys.readouterr().out
    assert (finished / "results.jsonl").read_bytes() == before


def test_another_config_in_the_same_workdir_is_refused(finished, data_dir):
    with pytest.raises(ValueError, match="checkpoints"):
        study.run(config(checkpoints=2), str(finished), data_dir)


def test_a_killed_run_ends_with_the_same_numbers(finished, tmp_path, data_dir):
    """Killed within a line of the second draw's values: that line and those after it are made anew."""
    whole = (finished / "results.jsonl").read_text().splitlines(keepends=True)
    seeds = sorted({line["draw"] for line in map(json.loads, whole) if line["kind"] == "values"})
    kept = next(i for i, x in enumerate(map(json.loads, whole))
                if (x["kind"], x.get("draw"), x.get("method")) == ("values", seeds[1], "size"))  # fmt: skip
    (tmp_path / "config.json").write_bytes((finished / "config.json").read_bytes())
    (tmp_path / "results.jsonl").write_text("".join(whole[:kept]) + whole[kept][:30])
    study.run(config(), str(tmp_path), data_dir)
    assert (tmp_path / "results.jsonl").read_text().startswith("".join(whole[:kept]))
    assert measured(results.read(tmp_path / "results.jsonl")) == measured(results.read(finished / "results.jsonl"))


def test_a_report_is_drawn_from_the_lines_alone(finished, tmp_path):
    (tmp_path / "results.jsonl").write_bytes((finished / "results.jsonl").read_bytes())
    text = report.write(tmp_path).read_text()
    linked = re.findall(r"\]\(figures/(\w+\.png)\)", text)
    assert set(linked) == {path.name for path in (tmp_path / "figures").glob("*.png")}
    assert len(linked) == 8
    for name in default_methods("classification", 1):
        assert f"| {METHODS[name].title} |" in text
    assert "| recall of support |" in text
    assert text == (finished / "report.md").read_text()


def test_a_report_of_half_a_run_is_refused(tmp_path):
    results.append(tmp_path / "results.jsonl", [{"kind": "truth"}])
    with pytest.raises(ValueError, match="no finished run"):
        report.write(tmp_path)


def test_explicit_contributors(tmp_path, data_dir, unrendered):
    """One class, one example, only repeats, nothing real, nothing synthetic: valued, not refused."""
    specs = (
        {"name": "one class", "size": 20, "real_share": 0.0, "kept": 1},
        {"name": "one example", "size": 1},
        {"name": "only repeats", "size": 10, "duplicates": 1.0},
        {"name": "all real", "size": 60},
    )
    methods = ("rbf_utility", "score_scale_free")
    chosen = config(draws=1, truth="none", methods=methods, choice="rbf_utility")
    with chosen.unlocked():
        chosen.contributors.explicit = specs
    study.run(chosen, str(tmp_path), data_dir)
    lines = results.read(tmp_path / "results.jsonl")
    assert [x["contributor"] for x in select(lines, kind="contributor")] == [s["name"] for s in specs]
    for name in methods:
        assert np.isfinite(select(lines, kind="values", method=name)[0]["values"]).all(), name
    best = select(lines, kind="values", method="rbf_utility")[0]["values"]
    assert np.argmax(best) == 3


def test_leave_one_out_is_the_union_minus_the_union_without(tmp_path, data_dir, monkeypatch, unrendered):
    """With a "training" that counts its examples and a metric that is that count, a contributor is worth its size."""
    monkeypatch.setattr(ground_truth, "fit", lambda recipe, sets, keys, **_: [len(one.rows) for one in sets])
    task = tasks.load(config(), data_dir, None)._replace(measure=lambda model, data: (model.params, 0.0))
    chosen = config(draws=1, truth="leave_one_out", methods=("rbf_margin", "size"), options={}, choice="size")
    monkeypatch.setattr(tasks, "load", lambda *_: task)
    study.run(chosen, str(tmp_path), data_dir)
    lines = results.read(tmp_path / "results.jsonl")
    assert select(lines, kind="truth")[0]["utility"] == [x["examples"] for x in select(lines, kind="contributor")]
    assert select(lines, kind="summary", method="size")[0]["spearman"] == pytest.approx(1)
    assert "loses without each" in (tmp_path / "report.md").read_text()


def test_values_without_a_truth_train_nothing_and_equal_those_with_one(
    finished, tmp_path, data_dir, monkeypatch, unrendered
):
    methods = ("rbf_margin", "linear_utility", "size", "random")
    for module in (study, ground_truth, autoencoder):
        monkeypatch.setattr(module, "fit", None)
    study.run(config(truth="none", methods=methods, options={}, choice="rbf_margin"), str(tmp_path), data_dir)
    lines, judged = (results.read(folder / "results.jsonl") for folder in (tmp_path, finished))
    assert not select(lines, kind="truth")
    missing = unwritten("valuation", [*lines, *judged])
    # of pretrained models, of rows whose effect is chosen, of sampled games
    elsewhere = ("reference.", "contributor.paper_worth", "values.errors")
    assert [name for name in missing if not name.startswith(elsewhere)] == []
    for draw in (1000, 1001):
        for name in methods:
            pair = [select(some, kind="values", draw=draw, method=name)[0]["values"] for some in (lines, judged)]
            np.testing.assert_array_equal(*pair)
    both = [
        [select(lines, kind="values", draw=draw, method=name)[0]["values"] for name in methods[:2]]
        for draw in (1000, 1001)
    ]
    agrees = select(lines, kind="summary", method="linear_utility")[0]["agrees"]
    np.testing.assert_allclose(agrees, np.mean([scipy.stats.spearmanr(*pair).statistic for pair in both]))
    text = (tmp_path / "report.md").read_text()
    assert "No model was trained to check" in text
    assert (tmp_path / "figures" / "orders.png").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"methods": ("rbf_utilty",)}, "did you mean 'rbf_utility'"),
        ({"methods": ("rbf_utility", "size", "size")}, "expected each once"),
        ({"draws": 0}, "draws = 0"),
        ({"contributors": {"count": 2}}, "expected at least 3"),
        ({"contributors": {"axes": {"size": (10, 5000)}}}, "expected 1 to 240"),
        ({"choice": "davinz2"}, r"config\.choice = 'davinz2' is not in config\.methods"),
        ({"contributors": {"explicit": ({"sise": 3},)}}, "did you mean 'size'"),
        (
            {"contributors": {"explicit": tuple({"name": name, "size": 9} for name in ("a", "01", "a"))}},
            "named a, 01, a: ",
        ),
        ({"training": {"steps": 0}}, r"training\.steps = 0"),
        ({"dataset": "mnist"}, "unknown dataset"),
        ({"truth": "leave_one"}, "did you mean 'leave_one_out'"),
        ({"task": "image"}, "did you mean 'images'"),
        (
            {"options": {"score_kappa": {"output": "true_class"}}},
            r"options\.score_kappa\.output = true_class, expected ",
        ),
        ({"options": {"knn_utility": {"k": 0}}}, r"options\.knn_utility\.k = 0, expected a positive number"),
        ({"options": {"rbf_utility": {"width": 1.0}}}, "unknown option of rbf_utility 'width'"),
        ({"contributors": {"axes": {"size": (0, 0)}}}, "size"),
        ({"split": {"validation": 9}}, r"split\.validation = 9, expected at least 10"),
        ({"split": {"test": 9}}, "the test set has 9 examples, expected at least 10"),
        ({"contributors": {"axes": {"real_share": (1.5,)}}}, r"real_share = 1\.5"),
    ],
)
def test_bad_configs_fail_before_any_work(tmp_path, data_dir, monkeypatch, changes, words):
    for module in (study, ground_truth, autoencoder):
        monkeypatch.setattr(module, "fit", lambda *a, **k: pytest.fail("something was trained"))
    with pytest.raises(ValueError, match=words):
        study.run(config(**changes), str(tmp_path), data_dir)
    path = tmp_path / "results.jsonl"
    assert not path.exists() or results.read(path) == []
    results.start(tmp_path, {"mended": True})  # a config that failed does not occupy the folder


def test_tested_is_accuracy_and_cross_entropy():
    class Fixed:
        params = frozen = ()

        @staticmethod
        def apply(params, frozen, inputs):
            return jax.numpy.log(inputs)

    from valuation.problem import Examples

    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1]], np.float32)
    accuracy, loss = classified(Fixed, Examples(probabilities, np.array([0, 0, 0])))
    np.testing.assert_allclose([accuracy, loss], [2 / 3, -np.log([0.7, 0.4, 0.9]).mean()], rtol=1e-5)


def test_config_is_saved_as_json(finished):
    assert json.loads((finished / "config.json").read_text())["scale"] == "tiny"
