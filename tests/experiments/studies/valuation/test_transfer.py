"""Values of one run against the truth of another, against SciPy and by hand."""

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats

from experiments.studies.valuation import transfer
from tests.experiments.runtime.written import unwritten

RNG = np.random.default_rng(0)


def run(utility, values, size=10, truth="own_set"):
    lines = [
        {"kind": "contributor", "draw": d, "contributor": str(i), "spec": {"size": size}}
        for d in (0, 1)
        for i in range(6)
    ]
    lines += [
        {"kind": "truth", "truth": truth, "draw": d, "seed": s, "utility": utility[d][s].tolist()}
        for d in (0, 1)
        for s in (0, 1)
    ]
    lines += [
        {"kind": "values", "draw": d, "method": m, "values": values[m][d].tolist()} for d in (0, 1) for m in values
    ]
    return [*lines, {"kind": "run", "config": "images:small#0"}]


FIRST = run(RNG.random((2, 2, 6)), {"size": RNG.random((2, 6)), "random": np.ones((2, 6))})
SECOND = run(RNG.random((2, 2, 6)), {})


def test_correlations_are_scipys():
    found = [x for x in transfer.table(FIRST, SECOND) if x["method"] == "size"]
    for draw, line in enumerate(found):
        values = next(
            x["values"] for x in FIRST if x["kind"] == "values" and x["draw"] == draw and x["method"] == "size"
        )
        truths = [
            np.mean([x["utility"] for x in lines if x["kind"] == "truth" and x["draw"] == draw], axis=0)
            for lines in (FIRST, SECOND)
        ]
        expected = [
            scipy.stats.spearmanr(*pair).statistic for pair in ((values, truths[1]), (values, truths[0]), truths)
        ]
        np.testing.assert_allclose([line["spearman"], line["own"], line["truths"]], expected)


def test_the_table_holds_the_means_and_what_orders_nothing_comes_last():
    lines = transfer.table(FIRST, SECOND)
    text = transfer.words(lines)
    mean = np.mean([x["spearman"] for x in lines if x["method"] == "size"])
    assert f"| size | {mean:.3f} |" in text
    assert text.index("| size") < text.index("| random | –")


def test_values_of_a_run_without_a_truth():
    alone = [x for x in FIRST if x["kind"] != "truth"]
    with pytest.raises(ValueError, match="it was made with truth=none"):
        transfer.table(FIRST, alone)
    with pytest.raises(ValueError, match="or truths"):
        transfer.table(alone, run(RNG.random((2, 2, 6)), {}, truth="leave_one_out"))
    pairs = zip(transfer.table(alone, SECOND), transfer.table(FIRST, SECOND), strict=True)
    assert all(a["spearman"] == b["spearman"] and a["own"] is a["truths"] is None for a, b in pairs)


def test_runs_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="other contributors"):
        transfer.table(FIRST, run(RNG.random((2, 2, 6)), {}, size=11))
    with pytest.raises(ValueError, match="or truths"):
        transfer.table(FIRST, run(RNG.random((2, 2, 6)), {}, truth="leave_one_out"))
    with pytest.raises(ValueError, match="data"):
        transfer.table([*FIRST[:-1], FIRST[-1] | {"notes": {"dataset": "another"}}], SECOND)
    with pytest.raises(ValueError, match="no draw in common"):
        transfer.table(FIRST, [x | {"draw": x["draw"] + 9} if "draw" in x else x for x in SECOND])


def test_the_command(tmp_path):
    for name, lines in (("a", FIRST), ("b", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [
        sys.executable,
        "-m",
        "experiments.studies.valuation.transfer",
        f"--values={tmp_path / 'a'}",
        f"--truth={tmp_path / 'b'}",
        f"--workdir={tmp_path / 'c'}",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "The two truths agree" in done.stdout, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "c" / "results.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["transfer"] * 4 + ["run"]
    assert unwritten("transfer", lines) == []
