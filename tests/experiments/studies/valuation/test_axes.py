"""What a method can see: correlations among contributors that differ in one thing only."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from configs import images
from experiments.runtime import results
from experiments.studies.valuation import axes, evaluate
from valuation.methods import METHODS

SEED = {"task": "images", "config": "c", "commit": "c", "versions": "v", "device": "d"}


def lines(names, draws=2, seeds=2) -> list[dict]:
    """A finished run in which `sees` follows the truth, `blind` is constant, `random` is drawn."""
    rng, made = np.random.default_rng(0), []
    for draw in range(draws):
        truth = rng.random(len(names))
        values = {"rbf_utility": truth, "size": np.ones(len(names)), "random": rng.random(len(names))}
        made += [{"kind": "contributor", "draw": draw, "contributor": name} for name in names]
        made += [{"kind": "values", "draw": draw, "method": k, "values": v.tolist()} for k, v in values.items()]
        noise = 1e-3 * rng.random((seeds, len(names)))
        made += [
            {"kind": "truth", "draw": draw, "seed": s, "utility": (truth + noise[s]).tolist()} for s in range(seeds)
        ]
    return [line | SEED for line in [*made, {"kind": "run", "seconds": 1.0}]]


NAMES = [f"{axis}: {level}" for axis in ("size", "wrong labels") for level in range(4)]


def test_a_cell_is_the_correlation_among_the_contributors_of_its_axis():
    given = lines(NAMES)
    made = axes.correlations(given)
    assert len(made) == 2 * 2 * 3
    for line in made:
        places = slice(0, 4) if line["axis"] == "size" else slice(4, 8)
        truth = np.mean([x["utility"] for x in results.select(given, kind="truth", draw=line["draw"])], 0)[places]
        (own,) = results.select(given, kind="values", draw=line["draw"], method=line["method"])
        if line["method"] == "size":
            assert line["spearman"] is None
        else:
            assert line["spearman"] == pytest.approx(spearmanr(own["values"][places], truth).statistic)
        assert line["spread"] == pytest.approx(truth.max() - truth.min())
        assert line["contributors"] == 4
    summary = {(x["axis"], x["method"]): x for x in axes.means(made, given, resamples=100)}
    assert summary["size", "rbf_utility"]["spearman"] == pytest.approx(1)
    assert summary["size", "size"]["spearman"] is None
    assert summary["size", "size"]["interval"] is None
    values, truths = [], []
    for draw in (0, 1):
        values += [
            np.array([x["values"][4:] for x in results.select(given, kind="values", draw=draw, method="random")])
        ]
        truths += [np.array([x["utility"][4:] for x in results.select(given, kind="truth", draw=draw)]).T]
    samples = evaluate.bootstrap(values, truths, 100, 0)[:, 0]
    assert summary["wrong labels", "random"]["interval"] == pytest.approx(evaluate.interval(samples))
    assert summary["wrong labels", "rbf_utility"]["interval"][0] > summary["wrong labels", "random"]["interval"][0]


def test_a_finished_run_becomes_a_figure_and_a_page(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines(NAMES)))
    page = axes.run(tmp_path / "axes", values=tmp_path / "run").read_text()
    assert "| one seed of the truth |" in page
    assert (tmp_path / "axes" / "figures" / "axes.png").stat().st_size > 5000
    grid, methods, columns, unsure = axes.cells(results.read(tmp_path / "axes" / "results.jsonl"))
    assert (methods[1], columns) == ("RBF ridge", ["size", "wrong labels"])
    assert np.isnan(grid[methods.index("size")]).all()
    assert f"({grid[methods.index('random'), 0]:.3f})" in page
    assert unsure[methods.index("random")].any()
    assert not unsure[:2].any()
    more = [line | {"method": "real_share"} for line in lines(NAMES) if line.get("method") == "random"]
    run = tmp_path / "run" / "results.jsonl"
    run.write_text("".join(json.dumps(x | {"seconds": 9.0}) + "\n" for x in [*more, *lines(NAMES)]))
    again = axes.run(tmp_path / "axes", values=f"{tmp_path}/run/").read_text()
    assert METHODS["real_share"].title in again  # the run got a method: all is made anew
    run.write_text("".join(json.dumps(line) + "\n" for line in lines([f"{name}0" for name in NAMES])))
    with pytest.raises(ValueError, match="holds a run of another config"):
        axes.run(tmp_path / "axes", values=tmp_path / "run")


def test_other_contributors_and_a_run_without_truth_are_refused():
    with pytest.raises(ValueError, match=r"1 contributors differ in .00.: expected 3 or more .*axis: value"):
        axes.correlations(lines(["00", "01", "02"]))
    with pytest.raises(ValueError, match="has no truth"):
        axes.correlations([line for line in lines(NAMES) if line["kind"] != "truth"])


def test_the_config_varies_one_field_an_axis():
    explicit = images.get_config("small,axes=True").contributors.explicit
    groups: dict[str, list[dict]] = {}
    for one in explicit:
        groups.setdefault(one["name"].partition(": ")[0], []).append(dict(one))
    assert list(groups) == list(images.AXES)
    for axis, some in groups.items():
        varied = {key for key in some[0] if len({one[key] for one in some}) > 1}
        assert varied == {"name", images.AXES[axis][0]}
        assert len(some) >= 5
