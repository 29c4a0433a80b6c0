"""Interactions against sums over subsets, and a small run with what it says."""

import itertools

import numpy as np
import pytest

from configs import interaction as config_file
from experiments import tasks
from experiments.runtime import mesh, results
from experiments.runtime.results import select
from experiments.studies.interaction import judge, sets, study
from experiments.studies.interaction.sets import Union, unions
from experiments.synthetic.composition import strings_of
from experiments.tasks import composition
from tests.experiments.runtime.written import unwritten

CONFIG, SOURCES = config_file.get_config("tiny"), sets.SOURCES
DRAWS = 3
TANGENT, GAUSSIAN = CONFIG.surrogates


def worth(draw: int, names: tuple[str, ...]) -> float:
    """A utility with terms of pairs: its interactions are not 0."""
    numbers = [{"R": 5.0, "real": 1.0, "template": -2.0, "permuted": 3.0, "generated": 0.5}[name] for name in names]
    return sum(numbers) + (0.1 + draw) * sum(a * b for a, b in itertools.combinations(numbers, 2)) / 10


def names_of(union: Union) -> tuple[str, ...]:
    return tuple(name for name in ("R" * union.beside, union.first, union.second) if name)


def lines_of(config) -> list[dict]:
    return [
        {"kind": kind, "draw": draw, "real": real, **union._asdict(), **fields}
        for draw in range(DRAWS)
        for real in config.real_counts
        for union in unions(SOURCES)
        for value in [worth(draw, names_of(union))]
        for kind, fields in (
            ("union trained", {"seed": 0, "utility": value + 1, "strings": value}),
            ("union trained", {"seed": 1, "utility": value - 1, "strings": value}),
            ("union predicted", {"surrogate": TANGENT, "metric": value, "own": -value}),
            ("union predicted", {"surrogate": GAUSSIAN, "metric": 2 * value, "own": -3 * value}),
        )
    ]


def test_interactions_are_alternating_sums_over_subsets_and_contrasts_take_halves():
    config = CONFIG
    every = judge.derived(config, lines_of(config))
    for first, second in itertools.combinations(SOURCES, 2):
        sums, apart = np.zeros(DRAWS), np.zeros(DRAWS)
        for draw in range(DRAWS):
            for size in range(3):
                for some in itertools.combinations((first, second), size):
                    sums[draw] += (-1) ** size * worth(draw, ("R", *some))
            apart[draw] = worth(draw, (first, second)) - np.mean([worth(draw, (x, x)) for x in (first, second)])
        for measure, expected in ((judge.INTERACTION, sums), (judge.CONTRAST, apart)):
            about = {"measure": measure, "real": config.real_counts[0], "first": first, "second": second}
            (line,) = select(every, kind="pair", **about)
            assert (line["value"], line["strings"]) == pytest.approx((expected.mean(),) * 2)
            for name, metric, own in ((TANGENT, 1, -1), (GAUSSIAN, 2, -3)):
                (line,) = select(every, kind="pair predicted", **about, surrogate=name)
                assert (line["metric"], line["own"]) == pytest.approx((metric * expected.mean(), own * expected.mean()))
    for measure in judge.MEASURES:
        (known,) = select(every, kind="pairs", measure=measure, real=config.real_counts[1])
        values = [x["value"] for x in select(every, kind="pair", measure=measure, real=config.real_counts[1])]
        assert known["mean"] == pytest.approx(np.mean(values))


def test_signs_are_counted_against_the_best_constant_one():
    values, foretold = (2, 2, 2, -2, 0.5), (1, 1, -1, -1, -1)
    found = [
        {"first": "a", "second": f"b{place}", "value": value, "interval": [value - 1, value + 1]}
        for place, value in enumerate(values)
    ]
    predicted = [{"own": own} for own in foretold]
    for every in (found, predicted):
        every.append(every[0])  # of sources without a part of the real strings, at another number of those
    line = judge.signs("interaction", TANGENT, "own", found, predicted)
    assert (line["clear"], line["right"], line["constant"]) == (4, 2 + 1, 3)
    ranks = np.array([[4, 4.5], [4, 4.5], [4, 2], [1, 2], [2, 2]])  # of ties the mean
    assert line["spearman"] == pytest.approx(np.corrcoef(ranks.T)[0, 1])


def copied(settings, learn, classes, data_dir, mesh):
    """Stands for the generator, which the images' tests train: the first real digit of each kind it is given."""
    known = {int(label): cell for cell, label in zip(learn.inputs[::-1], learn.targets[::-1], strict=True)}
    return lambda digits, *_: digits._replace(inputs=np.stack([known.get(x, learn.inputs[0]) for x in digits.targets]))


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composition, "autoencoder", copied)
        return tasks.load(CONFIG.composition, str(tmp_path_factory.mktemp("data")), mesh.devices())


def test_what_sources_are_made_of(task, monkeypatch):
    """Fewer real strings are the first of more; of these and no others is what is permuted or generated."""
    monkeypatch.setattr(sets, "autoencoder", copied)
    few, drawn = (sets.drawn_of(CONFIG, task, 3, real, None, None) for real in (10, 20))
    problem, size = drawn.problem, 2 * CONFIG.size
    made = {one.name: strings_of(problem.pool.take(one.index)) for one in problem.contributors}
    mine, first = made["R"], strings_of(few.problem.pool.take(few.problem.contributors[0].index))
    np.testing.assert_array_equal(first.cells, mine.cells[:10])
    seen = {cell.tobytes() for cell in mine.cells.reshape(-1, 100)}
    shares = {
        name: np.mean([cell.tobytes() in seen for cell in strings.cells.reshape(-1, 100)])
        for name, strings in made.items()
    }
    assert shares.pop("real") < 0.1  # of some digits the train pool has fewer than its strings need
    assert shares == {"R": 1, "template": 0, "permuted": 1, "generated": 1}
    np.testing.assert_array_equal(np.sort(made["permuted"].text, 1), np.sort(mine.text[np.arange(size) % 20], 1))
    ends = np.cumsum([20, 10, 10, 10, 10]) * 4  # examples of R, A and A' of real strings, A and A' of the font
    mixture, more, beside = (part.rows for part in study.parts(drawn, [
        Union(False, "real", "template"), Union(False, "real", "real"), Union(True, "template")
    ]))  # fmt: skip
    np.testing.assert_array_equal(mixture, [*range(ends[0], ends[1]), *range(ends[2], ends[3])])
    np.testing.assert_array_equal(more, range(ends[0], ends[2]))
    np.testing.assert_array_equal(beside, [*range(ends[0]), *range(ends[2], ends[3])])


def test_a_run_says_what_unions_are_worth_and_goes_on_where_it_stopped(task, tmp_path, monkeypatch, unrendered):
    monkeypatch.setattr(study.tasks, "load", lambda *_: task)
    config, workdir = config_file.get_config("tiny"), tmp_path / "run"
    config.real_counts, config.sources = (20,), {"real": 0.0, "permuted": 0.0}
    page = study.run(config, str(workdir), None)
    lines = results.read(workdir / results.FILE)
    assert unwritten("interaction", lines) == []
    assert len(select(lines, kind="union trained")) == 2 * 7  # draws, unions
    tangent, gaussian = (select(lines, kind="union predicted", surrogate=name) for name in config.surrogates)
    assert len(tangent) == 2 * 7
    assert [x["own"] for x in tangent] != [x["own"] for x in gaussian]
    assert "points, mean over pairs" in page.read_text()
    kept = [line for line in lines if line.get("draw") != 1 and line["kind"] != "run"]
    (workdir / results.FILE).write_text("".join(results.text_of(line) + "\n" for line in kept))
    study.run(config, str(workdir), None)
    again = results.read(workdir / results.FILE)
    for kind, field in (("union trained", "utility"), ("union predicted", "own"), ("pair", "value")):
        assert [x[field] for x in select(again, kind=kind)] == [x[field] for x in select(lines, kind=kind)]
    assert not (workdir / "checkpoints" / "1-20").exists()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("draws", 1, "expected 2 and 1 at least"),
        ("real_counts", (5, 50), r"are 70, expected 2 to 60, the strings of composition\.strings\.train"),
        ("surrogates", (), r"surrogates = \(\): expected one or more"),
        ("surrogates", ("rbf_ridge",), "unknown surrogate 'rbf_ridge'.* known: rbf_relative, ntk_relative"),
        ("composition.strings.train size", (5_000, 300), "ntk_relative cannot be fitted on unions .* 9,680 examples"),
        ("sources", {"real": 0.0}, "expected two or more of"),
        ("sources", {"real": 0.0, "templates": 1.0}, "unknown source 'templates': did you mean 'template'"),
    ],
)
def test_what_cannot_be_is_refused_before_work(tmp_path, key, value, words):
    config = config_file.get_config("tiny")
    keys = key.split()
    config.unlock()
    config.update_from_flattened_dict(dict(zip(keys, value if len(keys) > 1 else [value], strict=True)))
    with pytest.raises(ValueError, match=words):
        study.run(config, str(tmp_path / "run"), None)
    assert not (tmp_path / "run").exists()
