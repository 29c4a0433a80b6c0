"""Two truths about the same contributors, against SciPy and by hand."""

import json

import numpy as np
import pytest
import scipy.stats

from experiments.studies.valuation import two_truths
from tests.experiments.runtime.written import unwritten
from tests.experiments.studies.valuation.test_transfer import RNG, run

FIRST = run(RNG.random((2, 2, 6)), {"size": RNG.random((2, 6)), "random": np.ones((2, 6))})
SECOND = run(RNG.random((2, 2, 6)), {"size": RNG.random((2, 6)), "random": np.ones((2, 6))}, truth="added")


def mean_truth(lines, draw):
    return np.mean([x["utility"] for x in lines if x["kind"] == "truth" and x["draw"] == draw], axis=0)


def values(lines, draw):
    return next(x["values"] for x in lines if (x["kind"], x.get("draw"), x.get("method")) == ("values", draw, "size"))


def test_correlations_are_scipys():
    found = [x for x in two_truths.table(FIRST, SECOND) if x["method"] == "size"]
    assert [line["draw"] for line in found] == [0, 1]
    for draw, line in enumerate(found):
        one, two = mean_truth(FIRST, draw), mean_truth(SECOND, draw)
        pairs = ((values(FIRST, draw), one), (values(SECOND, draw), two), (values(FIRST, draw), two), (one, two))
        expected = [scipy.stats.spearmanr(*pair).statistic for pair in pairs]
        np.testing.assert_allclose([line[name] for name in ("first", "second", "crossed", "truths")], expected)


def test_a_truth_agrees_with_itself_but_for_its_seeds():
    seeds = np.arange(6.0) + 0.6 * RNG.random((2, 2, 6))  # no two contributors change places
    same = run(seeds, {"size": RNG.random((2, 6))})
    line = two_truths.table(same, same)[0]
    assert (line["truths"], line["one_truth"]) == (pytest.approx(1), pytest.approx(1))
    assert line["first"] == line["second"] == line["crossed"]


def test_runs_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="the second run has no truth"):
        two_truths.table(FIRST, [x for x in SECOND if x["kind"] != "truth"])
    with pytest.raises(ValueError, match="other contributors or data"):
        two_truths.table(FIRST, run(RNG.random((2, 2, 6)), {}, size=11))
    with pytest.raises(ValueError, match="other tasks or metrics"):
        two_truths.table(FIRST, [x | {"metric": "nats"} for x in SECOND])
    with pytest.raises(ValueError, match="no draw in common"):
        two_truths.table(FIRST, [x | {"draw": x["draw"] + 9} if "draw" in x else x for x in SECOND])


def test_the_table_of_two_folders(tmp_path):
    for name, lines in (("first", FIRST), ("second", [x | {"beside": 30} for x in SECOND])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    folders = {name: tmp_path / name for name in ("first", "second")}
    text = two_truths.run(tmp_path / "both", **folders).read_text()
    assert "Second truth: what a model trained on 30 real examples gains" in text
    assert text.index("| size |") < text.index("| random | – |")
    lines = [json.loads(line) for line in (tmp_path / "both" / "results.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["two truths"] * 4 + ["run"]
    assert unwritten("two_truths", lines) == []
    (tmp_path / "second" / "results.jsonl").write_text("")
    with pytest.raises(ValueError, match=r"--second=.* holds no finished run"):
        two_truths.run(tmp_path / "again", **folders)
