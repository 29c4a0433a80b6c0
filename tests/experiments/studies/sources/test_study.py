"""From files to answers, for every kind of data, with sources whose order is known."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from configs import sources
from experiments import sources as library
from experiments.runtime import results
from experiments.runtime.study import write_page
from experiments.sources import frame_of, value_sources
from experiments.studies.sources import answer_file, costs, laws, reading, study
from experiments.studies.sources.answer import plain
from experiments.studies.sources.assembly import answer_of
from experiments.studies.sources.plan import checked_prices
from tests.experiments.studies.sources import files
from valuation.workers import use_workers

SMALL = {  # fewer than eight shares of the mixture, so that no phases are looked for, whose laws compile for long
    "held_out": 60,
    "blocks": 4,
    "orders": 2,
    "times": (2.0,),
    "check_sources": 2,
    "check_seeds": 1,
    "text.tokens.vocabulary": 100,
    "text.tokens.length": 32,
    "text.model.widths": (8,),
    "pairs.tokens.vocabulary": 400,
    "pairs.tokens.length": 64,
    "pairs.tokens.response": 32,
    "pairs.model.width": 16,
    "pairs.model.layers": 1,
    "pairs.model.heads": 2,
    "pairs.model.hidden": 16,
    "pairs.features.dimensions": 16,
    "table.model.widths": (16,),
    "table.training.steps": 100,
    "table.training.batch": 32,
}


def config(paths, **changes):
    out = sources.get_config()
    given = {"real": str(paths["real"]), "sources": f"{paths['more']},{paths['shuffled']}"}
    out.update_from_flattened_dict(SMALL | given | changes)
    return out.lock()


@pytest.fixture(scope="module", autouse=True)
def few_fits():
    """Intervals of forecasts from three curves: what they are is tested where laws are. The machine is not timed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laws, "RESAMPLED", 3)
        for module in (study, library):
            patch.setattr(module, "flops_a_second", lambda: 1e10)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(columns of the files of a table, their paths, workdir of a finished run)."""
    folder, columns = tmp_path_factory.mktemp("table"), files.columns("table")
    paths = files.write(folder, "table", columns)
    study.run(config(paths), str(folder / "out"), None)
    return columns, paths, folder / "out"


def by_library(columns, **options):
    some = {name: columns[name] for name in ("more", "shuffled")}
    return value_sources(columns["real"], some, options=SMALL | options)


@pytest.mark.parametrize("kind", ["table", "text", "pairs"])
def test_more_of_the_same_helps_and_shuffled_targets_harm(finished, kind):
    answer = answer_file.read(finished[2]) if kind == "table" else by_library(files.columns(kind))
    assert [value.source for value in answer.values] == ["more", "shuffled"]
    more, shuffled = answer.values
    assert more.value > 0 > shuffled.value
    assert more.gain >= 0 > shuffled.gain
    assert more.drivers.disagreement < shuffled.drivers.disagreement
    assert answer.data.kind == kind
    assert (answer.data.real.used, answer.data.validation.used) == (60, 60)
    amounts = {amount.source: amount for amount in answer.amounts}
    assert set(amounts) == {"more", "shuffled", "all"}
    assert amounts["more"].best > 0
    assert [point.amount for point in amounts["more"].curve] == [0, 30, 60, 90, 120]
    assert amounts["more"].curve[0].predicted == pytest.approx(more.predicted - more.gain)
    assert amounts["more"].curve[-1].predicted == pytest.approx(more.predicted)
    assert answer.more is not None
    assert [one.amount for one in answer.more.forecasts] == [120]
    assert answer.cost.left_out == []
    assert len(answer.decision) == 3


def test_the_library_says_what_the_command_says(finished):
    columns, _, workdir = finished
    expected = json.loads((workdir / "answer.json").read_text())
    found = plain(by_library(columns))
    for name in ("values", "amounts", "more", "checks", "decision"):
        assert found[name] == expected[name]


def test_arrays_of_jax_are_read_and_what_sources_are_called_is_checked():
    x, y = np.arange(60.0).reshape(20, 3), np.arange(20) % 2
    for inputs, targets in ((x, y), (jnp.array(x), jnp.array(y))):
        read = frame_of("mine", (inputs, targets))
        assert read.columns["target"].to_pylist() == y.tolist()
        assert read.columns["x1"].to_pylist() == x[:, 1].tolist()
    for names in (["real"], ["all"], [""], [1, "1"]):
        with pytest.raises(ValueError, match="expected different names, none of them real or all"):
            value_sources((x, y), dict.fromkeys(names, (x, y)))
    assert checked_prices({"real": 1, "a,b": 0.5}, ["a,b"]) == {"real": 1, "a,b": 0.5}
    for prices in ({"b": 1.0}, {"a,b": 0.0}, {"a,b": "cheap"}):
        with pytest.raises(ValueError, match="prices: "):
            checked_prices(prices, ["a,b"])


def test_the_check_trains_and_says_how_right_the_order_was():
    answer = by_library(files.columns("number"), check=True, minutes=0.5)
    check = answer.checks[-1]
    assert check.done
    assert set(check.numbers) == {"more", "shuffled"}
    assert check.numbers["shuffled"]["trained_gain"] < 0
    assert [check.numbers[value.source]["value"] for value in answer.values] == [value.value for value in answer.values]
    (trained,) = answer.more.trained  # from which forecasts then start
    assert answer.more.forecasts[0].predicted > trained.predicted


def test_shown_examples_are_rows_of_the_file(finished):
    columns, _, workdir = finished
    for value in answer_file.read(workdir).values:
        own = columns[value.source]
        for example in (*value.nearest, *value.strangest):
            assert example.text.startswith(f"a={own['a'][example.row]:g}, b={own['b'][example.row]:g}")
            assert example.label == own["label"][example.row]


@pytest.fixture
def no_report(monkeypatch):
    """Runs that end with their lines: figures take the longest."""
    monkeypatch.setattr(study, "write", lambda workdir: write_page(workdir, "none"))


def same(lines):
    drop = {"seconds", "commit", "versions", "device", "peak_megabytes"}
    return [{name: value for name, value in line.items() if name not in drop} for line in lines]


def test_an_interrupted_run_ends_with_the_same_lines(finished, tmp_path, no_report):
    _, paths, workdir = finished
    whole = (workdir / "results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "config.json").write_text((workdir / "config.json").read_text())
    (tmp_path / "results.jsonl").write_text("".join(whole[:5]) + whole[5][:20])
    study.run(config(paths), str(tmp_path), None)
    assert same(results.read(tmp_path / "results.jsonl")) == same(map(json.loads, whole))


def test_a_changed_file_is_another_run(finished, tmp_path):
    _, paths, workdir = finished
    other = tmp_path / "more.csv"
    other.write_text("".join(paths["more"].read_text().splitlines(keepends=True)[:-1]))
    before = paths["more"].read_text()
    paths["more"].write_text(other.read_text())
    with pytest.raises(ValueError, match="they differ in sha256"):
        study.run(config(paths), str(workdir), None)
    paths["more"].write_text(before)


def test_what_does_not_fit_into_the_time_is_named(finished, tmp_path, no_report):
    _, paths, _ = finished
    study.run(config(paths, minutes=1e-6), str(tmp_path), None)
    answer = answer_of(results.read(tmp_path / "results.jsonl"), 0)
    assert [value.source for value in answer.values] == ["more"]
    (left_out,) = answer.cost.left_out
    assert left_out.startswith("for want of time (config.minutes): the value of shuffled, ")
    assert "how much of all sources together" in left_out
    assert [check.done for check in answer.checks] == [True, False, True, False]


def test_no_text_is_left_where_none_is_to_be_shown(tmp_path):
    columns = files.columns("text")
    paths = files.write(tmp_path, "text", columns)
    study.run(config(paths, show_examples=False, minutes=1e-6), str(tmp_path / "out"), None)
    written = "".join(path.read_text(errors="ignore") for path in (tmp_path / "out").glob("*.*"))
    assert "shuffled" in written
    assert not any(text in written for text in columns["more"]["review"])


def test_leaks_are_named_and_left_out_on_request():
    columns = files.columns("text")
    held_out = {name: values[:40] for name, values in columns["real"].items()}
    leaking = {name: held_out[name][:20] + values[:60] for name, values in columns["more"].items()}
    sets = {"leaking": leaking, "shuffled": columns["shuffled"]}
    answers = [
        value_sources(columns["real"], sets, held_out, options=SMALL | {"leave_out_leaks": out, "minutes": 1e-6})
        for out in (False, True)
    ]
    for answer in answers:
        (value,) = answer.values
        assert value.drivers.in_validation == pytest.approx(20 / 80)
        assert value.drivers.near_validation >= 20 / 80
        assert value.drivers.size == answer.data.sources[0].used
    left_out = 80 * answers[0].values[0].drivers.near_validation
    assert answers[0].values[0].drivers.size == 80
    assert answers[1].values[0].drivers.size == 80 - left_out
    assert answers[1].data.sources[0].left_out == {reading.LEAKS: left_out}


def test_repeats_teach_nothing_new():
    columns = files.columns("text")
    again = {name: values * 5 for name, values in columns["more"].items()}
    sets = {"again": again, "more": columns["more"]}
    answer = value_sources(columns["real"], sets, options=SMALL | {"minutes": 1e-6})
    assert answer.data.sources[0].left_out == {reading.REPEATS: 480}
    (first,) = answer.values
    assert first.source == "again"
    assert (first.drivers.duplicates, first.drivers.size) == (0.8, 120)
    once = value_sources(columns["real"], {"again": columns["more"]}, options=SMALL | {"minutes": 1e-6})
    assert first.value == pytest.approx(once.values[0].value, abs=0.02)  # words are counted on both


def test_what_stands_among_the_real_examples_counts_once_and_near_copies_are_left_out_on_request():
    real, more = (files.columns("text")[name] for name in ("real", "more"))
    words = " ".join(f"word{i}" for i in range(20))
    real = {name: [*values, cell] for (name, values), cell in zip(real.items(), (words, "good"), strict=True)}
    held_out = {name: values[:60] for name, values in more.items()}
    some = {name: [*real[name][:50], *values[60:]] for name, values in more.items()}
    some["review"][-1] = f"Near: {words}"
    asked = ({}, {"leave_out_copies": True})
    once, apart = (
        value_sources(real, {"some": some}, held_out, options=SMALL | given | {"minutes": 1e-6}).data for given in asked
    )
    assert once.sources[0].left_out == {reading.IN_REAL: 50}
    assert apart.sources[0].left_out[reading.COPIES] >= 1
    for data in (once, apart):
        for one in (data.real, data.validation, *data.sources):
            assert one.rows == one.used + sum(one.left_out.values())


def test_of_too_many_features_a_part_of_the_examples_is_taken():
    columns = files.columns("text")
    answer = by_library(columns, exact=100, points=16, minutes=1e-6)
    assert (answer.data.real.fitted, [one.fitted for one in answer.data.sources]) == (50, [50, 50])
    assert "beside 50 of your 60 real examples (as many as the fits take)" in answer.decision[0]
    assert answer.values[0].drivers.size == 120


def test_the_mixture_of_one_source_has_a_phase_too():
    columns = files.columns("number")
    answer = value_sources(columns["real"], {"more": columns["more"]}, options=SMALL)
    assert answer.more.phase.startswith("too few sizes to tell phases")
    assert [amount.source for amount in answer.amounts] == ["more"]


def test_trainings_leave_forecasts_their_time(finished, tmp_path, no_report, monkeypatch):
    """Of 60 seconds forecasts need 40: trainings of 30 are left out."""
    _, paths, _ = finished
    monkeypatch.setattr(costs, "LAWS", 40.0)
    monkeypatch.setattr(costs, "COMPILED", 30.0)
    study.run(config(paths, check=True, minutes=1.0), str(tmp_path), None)
    answer = answer_of(results.read(tmp_path / "results.jsonl"), 0)
    assert any("3 trainings of seed 0" in what for what in answer.cost.left_out)
    assert answer.more.forecasts
    assert answer.more.trained == []


def test_what_does_not_fit_into_memory_is_refused_before_work(finished, tmp_path):
    _, paths, _ = finished
    with (
        use_workers(available=1000),
        pytest.raises(ValueError, match=r"needs 0.0\d+ GB, 1e-06 GB are free: give fewer"),
    ):
        study.run(config(paths), str(tmp_path / "out"), None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sources": ""}, "config.sources is empty"),
        ({"real": "absent.csv"}, "no such file"),
        ({"blocks": 1}, "config.blocks = 1, expected 2"),
        ({"minutes": 0.0}, "above 0"),
        ({"times": (0.5,)}, "above 1"),
        ({"times": (1e300,)}, "up to 1,000,000"),
        ({"budget": 3.0}, "a plan needs both"),
        ({"prices": "moore=1", "budget": 3.0}, "expected real, more, shuffled"),
        ({"prices": "more=free", "budget": 3.0}, "expected a price above 0"),
        ({"kind": "texts"}, "did you mean 'text'"),
    ],
)
def test_wrong_options_are_named_before_work(finished, tmp_path, changes, words):
    _, paths, _ = finished
    with pytest.raises(ValueError, match=words):
        study.run(config(paths, **changes), str(tmp_path / "out"), None)
    assert not (tmp_path / "out").exists()
