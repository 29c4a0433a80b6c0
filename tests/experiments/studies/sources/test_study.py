"""From files to answers, for every kind of data, with sources whose order is known."""

import json

import numpy as np
import pytest

from configs import sources
from experiments.runtime import results
from experiments.runtime.results import select
from experiments.sources import value_sources
from experiments.studies.sources import answer_file, study
from experiments.studies.sources.answer import plain
from tests.experiments.studies.sources import files

SMALL = {  # fewer than eight shares of the mixture, so that no phases are looked for, whose laws compile for long
    "held_out": 60,
    "blocks": 4,
    "orders": 2,
    "times": (2.0,),
    "check_sources": 2,
    "check_seeds": 2,
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


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """kind -> (columns of its files, paths, workdir of a finished run); made once."""
    made = {}

    def run(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            columns = files.columns(kind)
            paths = files.write(folder, kind, columns)
            checked = {"check": True, "prices": "real=1,more=0.1", "budget": 10.0} if kind == "table" else {}
            study.run(config(paths, **checked), str(folder / "out"), None)
            made[kind] = columns, paths, folder / "out"
        return made[kind]

    return run


@pytest.mark.parametrize("kind", files.KINDS)
def test_more_of_the_same_helps_and_shuffled_targets_harm(finished, kind):
    columns, _, workdir = finished(kind)
    answer = answer_file.read(workdir)
    assert [value.source for value in answer.values] == ["more", "shuffled"]
    more, shuffled = answer.values
    assert more.value > 0 > shuffled.value
    assert more.gain > 0 > shuffled.gain
    assert more.drivers.disagreement < shuffled.drivers.disagreement
    assert answer.data.kind == ("table" if kind == "number" else kind)
    assert answer.data.real.used + answer.data.validation.used == len(next(iter(columns["real"].values())))
    amounts = {amount.source: amount for amount in answer.amounts}
    assert set(amounts) == {"more", "shuffled", "all"}
    assert amounts["more"].best > 0
    assert all(point.amount == n for point, n in zip(amounts["more"].curve, (0, 15, 30), strict=False))
    assert amounts["more"].curve[0].predicted == pytest.approx(more.predicted - more.gain)
    assert amounts["more"].curve[-1].predicted == pytest.approx(more.predicted)
    assert answer.more is not None
    assert [one.amount for one in answer.more.forecasts] == [2 * answer.data.real.used]
    assert answer.cost.left_out == []
    assert len(answer.decision) == 3


def test_shown_examples_are_rows_of_the_file(finished):
    columns, _, workdir = finished("text")
    for value in answer_file.read(workdir).values:
        own = columns[value.source]
        for example in (*value.nearest, *value.strangest):
            assert example.text == own["review"][example.row]
            assert example.label == own["stars"][example.row]


def test_the_check_trains_and_says_how_right_the_order_was(finished):
    _, _, workdir = finished("table")
    lines = results.read(workdir / "results.jsonl")
    assert len(select(lines, kind="training")) == 2 * 3
    (check,) = answer_file.read(workdir).checks
    assert check.done
    trained = {(x["source"], x["seed"]): x["metric"] for x in select(lines, kind="training")}
    expected = np.mean([trained["shuffled", seed] - trained["", seed] for seed in range(2)])
    assert check.numbers["shuffled"]["trained_gain"] == pytest.approx(expected)
    assert expected < 0


def test_a_budget_is_planned(finished):
    plan = answer_file.read(finished("table")[2]).more.plan
    assert plan["budget"] == 10
    spent = sum({"real": 1, "more": 0.1}[name] * count for name, count in plan["buy"].items())
    assert spent <= 10
    assert all(plan["predicted"] >= rival["predicted"] for rival in plan["rivals"])


def same(lines):
    drop = {"seconds", "commit", "versions", "device", "peak_megabytes"}
    return [{name: value for name, value in line.items() if name not in drop} for line in lines]


def test_an_interrupted_run_ends_with_the_same_lines(finished, tmp_path):
    _, paths, workdir = finished("number")
    whole = (workdir / "results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "config.json").write_text((workdir / "config.json").read_text())
    (tmp_path / "results.jsonl").write_text("".join(whole[:4]) + whole[4][:20])
    study.run(config(paths), str(tmp_path), None)
    assert same(results.read(tmp_path / "results.jsonl")) == same(map(json.loads, whole))


def test_a_changed_file_is_another_run(finished, tmp_path):
    columns, _, workdir = finished("number")
    changed = files.write(tmp_path, "number", columns | {"more": {k: v[1:] for k, v in columns["more"].items()}})
    for path in changed.values():
        path.rename(workdir.parent / path.name)
    with pytest.raises(ValueError, match="they differ in sha256"):
        study.run(config({name: workdir.parent / path.name for name, path in changed.items()}), str(workdir), None)


@pytest.mark.parametrize("kind", ["number", "text"])
def test_the_library_says_what_the_command_says(finished, kind):
    columns, _, workdir = finished(kind)
    options = {name: value for name, value in SMALL.items()}
    answer = plain(
        value_sources(columns["real"], {name: columns[name] for name in ("more", "shuffled")}, options=options)
    )
    expected = json.loads((workdir / "answer.json").read_text())
    for name in ("values", "amounts", "more", "checks"):
        assert answer[name] == expected[name]


def test_no_text_is_left_where_none_is_to_be_shown(finished, tmp_path):
    columns, paths, _ = finished("text")
    study.run(config(paths, show_examples=False), str(tmp_path), None)
    written = "".join(path.read_text(errors="ignore") for path in tmp_path.glob("*.*"))
    assert not any(text in written for text in columns["more"]["review"])


def test_what_does_not_fit_into_the_time_is_named(finished, tmp_path):
    _, paths, _ = finished("number")
    study.run(config(paths, minutes=1e-6), str(tmp_path), None)
    answer = answer_file.read(tmp_path)
    assert [value.source for value in answer.values] == ["more"]
    assert "the value of shuffled" in answer.cost.left_out
    assert "how much of all sources together" in answer.cost.left_out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sources": ""}, "config.sources is empty"),
        ({"real": "absent.csv"}, "no such file"),
        ({"blocks": 1}, "config.blocks = 1, expected 2"),
        ({"minutes": 0.0}, "above 0"),
        ({"times": (0.5,)}, "above 1"),
        ({"budget": 3.0}, "a plan needs both"),
        ({"prices": "moore=1", "budget": 3.0}, "expected real, more, shuffled"),
        ({"prices": "more=free", "budget": 3.0}, "expected a price above 0"),
        ({"kind": "texts"}, "did you mean 'text'"),
    ],
)
def test_wrong_options_are_named_before_work(finished, tmp_path, changes, words):
    _, paths, _ = finished("number")
    with pytest.raises(ValueError, match=words):
        study.run(config(paths, **changes), str(tmp_path / "out"), None)
    assert not (tmp_path / "out").exists()
