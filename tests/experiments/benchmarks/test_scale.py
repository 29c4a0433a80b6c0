"""The benchmark of large contributors, at sizes that are small."""

from functools import partial

import jax
import numpy as np
import pytest

from experiments.benchmarks import scale, scale_agreement, scale_data, scale_report
from experiments.runtime import results, study
from tests.experiments.runtime.written import unwritten
from tests.problems import corners


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(scale_data, "BLOCK", 50)
    monkeypatch.setattr(scale_data, "VALIDATION", 60)
    monkeypatch.setattr(scale, "SIZES", (60, 120))
    monkeypatch.setattr(scale, "FITTED", 60)
    monkeypatch.setattr(scale, "WARM", 60)
    monkeypatch.setattr(scale, "NOISY", 300)
    monkeypatch.setattr(scale, "POINTS", {"images": (8, 64), "wrong_labels": (32, 256)})
    monkeypatch.setattr(scale_agreement, "images_problem", lambda data_dir: corners())


def test_a_whole_run_measures_fits_compares_and_reports(small, monkeypatch, tmp_path):
    def in_this_process(module, arguments):
        method, count = arguments["case"].split(".")
        return scale.measure(arguments["workdir"] / scale.FILES, method, int(count))

    monkeypatch.setattr(scale.apart, "measured", in_this_process)
    methods = ("linear_utility", "ngram_utility")
    asked = {"workdir": tmp_path, "parts": scale.PARTS, "counts": scale.SIZES, "methods": methods, "data_dir": None}
    todo = partial(scale.steps, **asked)
    page = study.run(study.Study("scale", scale.CONFIG, todo, scale_report.write, scale.fits), tmp_path).read_text()
    lines = results.read(tmp_path / "results.jsonl")
    assert unwritten("scale", lines) == []
    assert [line["method"] for line in results.select(lines, kind="scale_fit")] == list(methods)
    assert "| linear_utility | 120 | " in page
    few, many = results.select(lines, kind="scale_agreement", case="wrong_labels")
    assert many["largest_difference"] < few["largest_difference"]
    assert many["spearman"] > 0.95
    assert many["exact"][0] > many["exact"][-1]  # labels all right, most of them wrong
    whole = results.select(lines, kind="scale_agreement", case="images", points=64)[0]
    assert whole["largest_difference"] < 1e-3  # as many points as examples: the dense solve


def test_the_first_rows_are_the_same_in_every_file(small, tmp_path):
    for make in (scale_data.rows, scale_data.tokens):
        few, many = (scale_data.mapped(tmp_path, make, count) for count in (70, 120))
        assert isinstance(many.inputs, np.memmap)
        np.testing.assert_array_equal(few.inputs, many.inputs[:70])
        np.testing.assert_array_equal(few.targets, many.targets[:70])


def test_rows_can_be_told_apart_and_tokens_depend_on_the_last():
    x, y = scale_data.rows(jax.random.key(5), 400)[:2]
    means = np.stack([x[y == c].mean(0) for c in range(scale_data.CLASSES)])
    nearest = np.square(x[:, None] - means).sum(2).argmin(1)
    assert 0.3 < np.mean(nearest == y) < 1
    tokens = scale_data.tokens(jax.random.key(5), 400).inputs.astype(int)
    follows = (7 * tokens[:, :-1] + 3) % scale_data.VOCABULARY == tokens[:, 1:]
    assert follows.mean() == pytest.approx(0.5, abs=0.05)
