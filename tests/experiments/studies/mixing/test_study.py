"""A tiny run: its lines, its resumption, its report; what is wrong with a config."""

import json

import numpy as np
import pytest

from configs.mixing import get_config
from experiments import tasks
from experiments.report import writer
from experiments.runtime import mesh, results
from experiments.studies.mixing import judge, report, study
from experiments.studies.mixing.sets import draw_of, mixture_of, together
from tests.experiments.runtime.written import unwritten


def tiny():
    """Images, one kind of synthetic data, as few trainings as a forecast needs."""
    config = get_config("tiny,task=images")
    config.images.examples = 500
    config.images.sources = {"wrong labels 50 %": config.images.sources["wrong labels 50 %"].to_dict()}
    config.images.real, config.images.added, config.images.real_curve = (8, 32), (0, 8, 32), (4, 8, 16, 32, 128)
    config.images.training.steps = 5
    return config


@pytest.fixture(scope="module")
def finished(tmp_path_factory, quick_fits):
    folder = tmp_path_factory.mktemp("mixing")
    config = tiny()
    study.run(config, folder, None)
    return config, folder


def numbers_of(path):
    drop = ("seconds", "commit", "peak_megabytes")
    return [{k: v for k, v in line.items() if k not in drop} for line in results.read(path / results.FILE)]


def test_a_run_leaves_every_curve_and_what_it_says(finished):
    _, folder = finished
    lines = results.read(folder / results.FILE)
    assert len(results.select(lines, kind="trained", source="real")) == 2 * len({2, 4, 8, 16, 32, 128})
    assert len(results.select(lines, kind="trained", source="wrong labels 50 %")) == 2 * (4 + 2)
    for line in results.select(lines, kind="predicted"):
        assert line["amounts"] == [0, 8, 32]
        assert {line["best"], *line["chosen"]} <= {0, 8, 32}
        assert 0 <= line["bound_weight"] <= 1
    (real,) = results.select(lines, kind="real curve")
    first = results.select(lines, kind="predicted", real=32)[0]
    np.testing.assert_allclose(first["own"][0], real["own"][3], atol=1e-5)  # the same 32 real examples
    assert len(results.select(lines, kind="rule")) == 2 * len(judge.RULES)
    assert len(results.select(lines, kind="forecast")) == len(judge.FORECASTS)
    assert unwritten("mixing", lines) == []
    json.dumps(lines, allow_nan=False)


def test_the_report_holds_its_tables_and_figures(finished):
    _, folder = finished
    assert writer(folder) is report.write
    text = (folder / "report.md").read_text()
    for name in (*judge.RULES, *judge.FORECASTS):
        assert f"| {name} |" in text
    assert (folder / "figures" / "curves.png").stat().st_size > 3_000


def test_a_killed_run_goes_on_with_the_same_numbers(finished, tmp_path):
    """The last trainings are made again, some of them recorded; the predictions of that source are made anew."""
    config, folder = finished
    lines = (folder / results.FILE).read_text().splitlines(keepends=True)
    kept = [i for i, line in enumerate(lines) if '"kind": "trained"' in line][-3]
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / results.FILE).write_text("".join(lines[:kept]) + lines[kept][:40])
    study.run(config, tmp_path, None)
    assert numbers_of(tmp_path) == numbers_of(folder)


def test_more_draws_and_tasks_go_on():
    old, new = get_config("tiny").to_dict(), get_config("tiny,draws=2").to_dict()
    assert study.extends(old, new)
    assert study.extends({**old, "tasks": ("images",)}, old)
    assert not study.extends(new, old)
    assert not study.extends(old, new | {"repeats": 3})


def test_real_examples_are_nested_and_sources_are_made_of_others(finished):
    config, _ = finished
    task = tasks.load(config.images, None, mesh.devices())
    draw = draw_of(config.images, task, 0)
    source = draw.sources["wrong labels 50 %"]
    real = {row.tobytes() for row in draw.real.inputs[:32]}
    assert not real & {row.tobytes() for row in source.inputs}
    assert not np.array_equal(draw.real.inputs, draw_of(config.images, task, 1).real.inputs)
    whole = together(draw.real.take(slice(0, 32)), source)
    part = mixture_of(whole, 32, 8, 3)
    np.testing.assert_array_equal(whole.inputs[part.rows[:8]], draw.real.inputs[:8])
    np.testing.assert_array_equal(whole.targets[part.rows[8:]], source.targets[:3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": ("image",)}, "did you mean 'images'"),
        ({"tasks": ()}, "tasks is empty"),
        ({"repeats": 1}, "repeats = 1, expected at least 2"),
        ({"draws": 0}, "draws = 0"),
        ({"images.added": (8, 32)}, r"images.added = \(8, 32\): expected 0"),
        ({"images.added": (0, 32, 8)}, "increasing numbers from 0 on"),
        ({"images.real": (0, 8)}, "increasing numbers from 1 on"),
        ({"images.real_curve": (5000, 9000)}, r"images: real = .* expected at most \d+, the number of real training"),
        ({"images.added": (0, 5000)}, r"contributor wrong labels 50 %: size = 5000, expected 1 to \d+"),
    ],
)
def test_bad_input_fails_before_anything_is_trained(tmp_path, change, message):
    config = tiny()
    for name, value in change.items():
        section, _, field = name.rpartition(".")
        (config[section] if section else config)[field] = value
    with pytest.raises(ValueError, match=message):
        study.run(config, tmp_path / "out", None)
    assert not list(tmp_path.rglob("checkpoints"))
    assert not [line for path in tmp_path.rglob(results.FILE) for line in results.read(path)]
