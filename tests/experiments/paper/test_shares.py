"""Studies dealt out to machines: nothing is lost or done twice, and no machine waits long for another."""

import importlib
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.paper.__main__ import call, home, part_of, priced, put_together, refuse_what_is_missing, selected
from experiments.paper.entry import Entry
from experiments.paper.record import ENTRIES
from experiments.paper.shares import Unit, dealt, units
from experiments.runtime import kinds, results
from experiments.studies.valuation.checks import check
from experiments.studies.valuation.defaults import complete
from experiments.studies.valuation.study import all_draws

STUDIES = [
    Entry("a", "five draws", "valuation", "m", draws=(3000, 5)),
    Entry("b", "one piece", "bound", "m"),
    Entry("c", "after both", "axes", "m", after=("a", "b")),
    Entry("d", "never run", "scale", "m"),
]
PRICES = {"a": 500.0, "b": 250.0, "c": 1.0, "d": None}


def test_every_draw_is_dealt_once_and_loads_are_near_the_best_there_are():
    every = units(STUDIES, lambda entry: PRICES[entry.name], "small")
    assert {unit.entry.name for unit in every} == {"a", "b", "d"}  # c reads finished runs
    hands = dealt(every, 3)
    flat = [(unit.entry.name, draw) for hand in hands for unit in hand for draw in unit.draws or (None,)]
    assert sorted(flat, key=str) == sorted([*(("a", 3000 + i) for i in range(5)), ("b", None), ("d", None)], key=str)
    prices = [unit.seconds or 600.0 for unit in every]
    best = min(
        max(sum(p for p, m in zip(prices, machines, strict=True) if m == i) for i in range(3))
        for machines in itertools.product(range(3), repeat=len(prices))
    )
    of = {unit.entry.name: unit.seconds for unit in every}
    load = max(sum((of[unit.entry.name] or 600.0) * max(1, len(unit.draws)) for unit in hand) for hand in hands)
    assert load <= 4 / 3 * best
    assert all(len({unit.entry.name for unit in hand}) == len(hand) for hand in hands)
    assert dealt(every, 3) == hands


def test_more_machines_than_work_leave_some_idle():
    assert sorted(len(hand) for hand in dealt(units(STUDIES[1:2], lambda entry: 1.0, "small"), 3)) == [0, 0, 1]


def test_names_and_parts_are_checked_and_prices_said():
    assert [entry.name for entry in selected(["sentiment", "images-mixed"], "small")] == ["images-mixed", "sentiment"]
    assert selected([], "tiny") == list(ENTRIES)
    left_out = {entry.name for entry in ENTRIES} - {entry.name for entry in selected([], "small")}
    assert left_out == {"images-cifar10", "lora-everywhere"}
    with pytest.raises(ValueError, match=r"sentimant.*sentiment"):
        selected(["sentimant"], "small")
    assert part_of("3/8") == (3, 8)
    for wrong in ("0/8", "9/8", "3", "3/x", "-1/2"):
        with pytest.raises(ValueError, match="NUMBER/OF"):
            part_of(wrong)
    said = priced([Unit(STUDIES[0], (3001, 3002), 120.0), Unit(STUDIES[3], (), None)])
    assert "| a, draws 3001, 3002 | five draws | 2 min |" in said
    assert "| d | never run | not recorded |" in said
    assert "In all about 0.0 h on two cores, and 1 of which that is not known." in said
    (lent,) = selected(["images-cifar10"], "small")
    assert "recorded on 1 x NVIDIA H100" in priced([Unit(lent, (), None)])


def test_a_command_that_fails_stops_there_and_is_named(tmp_path, capfd):
    with pytest.raises(ValueError, match="gone ended with 1"):
        call(
            Unit(Entry("gone", "", "bound", "experiments.no_such_module", data=False), (), None),
            str(tmp_path),
            "tiny",
            None,
        )
    assert f"--workdir={tmp_path}/gone" in capfd.readouterr().out


def test_a_trial_has_one_draw_and_a_folder_of_its_own():
    assert [unit.draws for unit in units(STUDIES[:2], lambda entry: None, "tiny")] == [(3000,), ()]
    for scale, draws, folder in (
        ("small", range(3000, 3005), Path("out")),
        ("tiny", range(3000, 3001), Path("out/tiny")),
    ):
        assert STUDIES[0].draws_at(scale) == draws
        assert home("out", scale) == folder
    (mixed,) = selected(["images-mixed"], "tiny")
    assert "--config=configs/images.py:tiny,draws=1,seed=3000,salt=b" in mixed.command("out/tiny", "tiny")


def test_studies_in_one_piece_are_put_together_too(tmp_path):
    """A finished one and one that was killed, each on a machine of its own; what nobody has done is left to do."""
    for folder, name, lines in (
        ("one", "bound", [{"kind": "bound", "draw": 0}, {"kind": "run", "seconds": 9.0}]),
        ("two", "own-sources", [{"kind": "own truth"}]),
    ):
        path = results.start(tmp_path / folder / name, {"name": name})
        results.append(path, lines)
    chosen = selected(["bound", "own-sources", "scale"], "small")
    put_together(chosen, [tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    assert {path.name for path in (tmp_path / "all").iterdir()} == {"bound", "own-sources"}
    assert results.read(tmp_path / "all" / "bound" / results.FILE) == [
        {"kind": "bound", "draw": 0},
        {"kind": "earlier run", "seconds": 9.0},
    ]


def test_a_folder_without_a_part_is_refused_before_anything_is_merged(tmp_path):
    (tmp_path / "one" / "bound").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"--merge: .*none holds no study of bound"):
        put_together(selected(["bound"], "small"), [tmp_path / "one", tmp_path / "none"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_study_whose_runs_are_missing_names_them(tmp_path):
    chosen = selected(["axes"], "small")
    with pytest.raises(ValueError, match=r"axes reads the run of images-along, .* --only=images-along,axes"):
        refuse_what_is_missing(chosen, tmp_path)
    refuse_what_is_missing(selected(["images-along", "axes"], "small"), tmp_path)
    results.start(tmp_path / "images-along", {})
    refuse_what_is_missing(chosen, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--part=1/2", "--merge=a"], "--part and --merge are asked for: expected one of them"),
        (["--pages", "--scale=tiny"], "--pages with --scale=tiny: a trial has no pages"),
    ],
)
def test_flags_that_contradict_each_other_are_named(arguments, words):
    command = [sys.executable, "-m", "experiments.paper", "--workdir=out", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {words}")


def test_every_study_after_others_comes_after_them_and_names_are_unique():
    names = [entry.name for entry in ENTRIES]
    assert len({*names}) == len(names)
    for place, entry in enumerate(ENTRIES):
        assert entry.study in kinds.STUDIES
        assert {*entry.after} <= {*names[:place]}


@pytest.mark.parametrize("scale", ["small", "tiny"])
def test_every_config_and_every_run_that_is_read_is_there(scale):
    """Of valuations up to what is checked before the data are loaded."""
    for entry in ENTRIES:
        module, first, *others = [*entry.command("out", scale), ""]
        if module == "experiments.run":
            path, arg = first.removeprefix("--config=").split(":")
            config = importlib.import_module(path.removesuffix(".py").replace("/", ".")).get_config(arg)
            if entry.study == "valuation":
                methods = others[0].removeprefix("--config.methods=")
                config.methods = tuple(methods.split(",")) if others[0].startswith("--config.methods=") else ()
                complete(config)
                check(config)
                assert all_draws(config) == entry.draws_at(scale)
        for read in entry.after:
            assert f"=out/{read}" in " ".join([first, *others])
