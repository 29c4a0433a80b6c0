"""A run on points that a nearest mean learns: its lines, its resumption, its report; what is wrong with a config."""

import json
from functools import partial

import numpy as np
import pytest

from configs.images import CORRUPTIONS
from configs.mixing import SOURCES, get_config
from configs.sentiment import get_config as sentiment
from experiments import tasks
from experiments.report import writer
from experiments.runtime import results
from experiments.studies.mixing import judge, report, study
from experiments.studies.mixing.sets import draw_of, mixture_of, together
from experiments.tasks.task import Task, other_labels
from tests.experiments.runtime.written import unwritten
from tests.problems import CLASSES, corners, data

SOURCE = "wrong labels 50 %"


def config_of_points():
    """One task with one kind of synthetic data, as few trainings as a forecast needs."""
    config = get_config("tiny,task=images")
    config.images.sources = {SOURCE: config.images.sources[SOURCE].to_dict()}
    config.images.real, config.images.added, config.images.real_curve = (8, 32), (0, 8, 32), (4, 8, 16, 32, 128)
    return config


def points(config, data_dir, mesh) -> Task:
    """Three Gaussian classes; a model's parameters are the means of the classes."""
    problem, train = corners(), data(300, 2)

    def measure(model, examples):
        distances = np.square(np.asarray(examples.inputs)[:, None] - model.params).sum(-1)
        accuracy = float((distances.argmin(1) == examples.targets).mean())
        return accuracy, 1.5 - accuracy

    return Task(
        train=train, validation=data(40, 3), test=data(100, 4), groups=train.targets, objective=problem.objective,
        mechanisms={}, strengths={}, corrupt_labels=partial(other_labels, classes=CLASSES), model=problem.model,
        recipe=None, learner="dense", features=np.asarray, measure=measure, metric="accuracy",
        count_near_duplicates=None, near_rule="", notes={"points": "made in memory"},
    )  # fmt: skip


def means(recipe, sets, keys, **about):
    """In place of training: the mean of every class in a set, 0 for one that is not there."""
    whole = [part.whole.take(part.rows) for part in sets]
    return [np.stack([one.inputs[one.targets == label].sum(0) / max((one.targets == label).sum(), 1)
                      for label in range(CLASSES)]) for one in whole]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def no_networks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "load", points)
        patch.setattr(study, "fit", means)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory, quick_fits):
    folder = tmp_path_factory.mktemp("mixing")
    config = config_of_points()
    study.run(config, folder, None)
    return config, folder


def numbers_of(path):
    drop = ("seconds", "commit", "peak_megabytes")
    return [{k: v for k, v in line.items() if k not in drop} for line in results.read(path / results.FILE)]


def test_a_run_leaves_every_curve_and_what_it_says(finished):
    _, folder = finished
    lines = results.read(folder / results.FILE)
    assert len(results.select(lines, kind="trained", source="real")) == 2 * len({2, 4, 8, 16, 32, 128})
    assert len(results.select(lines, kind="trained", source=SOURCE)) == 2 * (4 + 2)
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


@pytest.mark.parametrize("scale", ["tiny", "small"])
def test_sources_are_mechanisms_of_their_tasks(scale):
    config = get_config(scale)
    known = {"images": {*CORRUPTIONS}, "sentiment": set(sentiment(scale).contributors.axes.mechanism)}
    for name in config.tasks:
        for source in config[name].sources.values():
            assert source.mechanism in known[name] | {"truncation", "generated"}
            assert set(source.keys()) == set(SOURCES["images"]["blur"])
        assert {*config[name].real} <= {*config[name].real_curve}
        assert any(count // 8 in config[name].real_curve for count in config[name].real)


def test_more_draws_and_tasks_go_on():
    old, new = get_config("tiny").to_dict(), get_config("tiny,draws=2").to_dict()
    assert study.extends(old, new, [])
    assert study.extends({**old, "tasks": ("images",)}, old, [])
    assert not study.extends(new, old, [])
    assert not study.extends(old, new | {"repeats": 3}, [])


def test_real_examples_are_nested_and_sources_are_made_of_others(finished):
    config, _ = finished
    task = points(config.images, None, None)
    draw = draw_of(config.images, task, 0)
    source = draw.sources[SOURCE]
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
    config = config_of_points()
    for name, value in change.items():
        section, _, field = name.rpartition(".")
        (config[section] if section else config)[field] = value
    with pytest.raises(ValueError, match=message):
        study.run(config, tmp_path / "out", None)
    assert not list(tmp_path.rglob("checkpoints"))
    assert not [line for path in tmp_path.rglob(results.FILE) for line in results.read(path)]
