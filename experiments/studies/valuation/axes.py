"""What can a method see? Its order among contributors that differ in one thing only, thing by thing.

    python -m experiments.run --config=configs/images.py:small,draws=5,seed=3000,salt=b,axes=True --workdir=out/along
    python -m experiments.studies.valuation.axes --values=out/along --workdir=out/axes

Reads the lines of one finished run whose contributors are called "axis: value". Nothing is computed but correlations:
one line a draw, axis and method in workdir/results.jsonl, their means, and a figure methods x axes.
"""

from pathlib import Path

import numpy as np
from absl import flags
from matplotlib.figure import Figure

from experiments.reporting.figures import draw_all, heat_map, shown
from experiments.reporting.markdown import decimal, provenance, table
from experiments.runtime import launch, results, study
from experiments.runtime.results import select
from experiments.studies.valuation import evaluate
from experiments.studies.valuation.finished_runs import derived_study, finished
from experiments.studies.valuation.reading import contributors, utilities
from valuation.methods import METHODS

WHAT = """Each column has contributors that differ in one thing only; a cell is the mean over draws of the Spearman
correlation of a method's values with the truth among them. A method that sees the thing is blue, one that is misled is
red, one that cannot see it is pale or, where all its values are equal, has a dash. The first row is the truth of one
seed against that of another: where it is low, the thing makes little difference here and nobody can be right. In
brackets, and grey in the figure: cells whose 95 % interval, over resampled draws, contributors and seeds, holds 0."""
RESAMPLES = 2000


def correlations(lines: list[dict]) -> list[dict]:
    """One line a draw, axis and method. lines: of a finished run.

    Raises ValueError unless the run has a truth and contributors called "axis: value", three or more of each axis.
    """
    draws = sorted({line["draw"] for line in select(lines, kind="truth")})
    if not draws:
        raise ValueError("the run has no truth: it was made with truth=none")
    made = []
    for draw in draws:
        names = [line["contributor"] for line in contributors(lines, draw)]
        axes = {name.partition(": ")[0]: [] for name in names if ": " in name}  # type: dict[str, list[int]]
        for place, name in enumerate(names):
            axes.setdefault(name.partition(": ")[0], []).append(place)
        if few := [axis for axis, places in axes.items() if len(places) < 3]:
            raise ValueError(f"{len(axes[few[0]])} contributors differ in {few[0]!r}: expected 3 or more that are "
                             'called "axis: value", as the option axes=True makes them')  # fmt: skip
        truth = utilities(lines, draw)
        for axis, places in axes.items():
            known = truth[:, places]
            about = {
                "kind": "axis",
                "draw": draw,
                "axis": axis,
                "contributors": len(places),
                "seed_agreement": _known(evaluate.seed_agreement(known.T)),
                "spread": float(np.ptp(known.mean(0))),
            }
            for line in select(lines, kind="values", draw=draw):
                rho = evaluate.correlation("spearman", np.array(line["values"])[places], known.mean(0))
                made.append(about | {"method": line["method"], "spearman": _known(rho)})
    return made


def means(lines: list[dict], run: list[dict], resamples: int = RESAMPLES) -> list[dict]:
    """The mean over draws of each axis and method, and its interval; none where a draw has none.

    lines: of `correlations`. run: of the finished run. resamples: of the interval.
    """
    pairs = dict.fromkeys((line["axis"], line["method"]) for line in lines)
    out = []
    for axis, method in pairs:
        chosen = select(lines, kind="axis", axis=axis, method=method)
        by_draw = [line["spearman"] for line in chosen]
        mean = None if None in by_draw else float(np.mean(by_draw))
        about = {"kind": "axis summary", "axis": axis, "method": method, "spearman": mean, "by_draw": by_draw}
        out.append(about | {"interval": None if mean is None else _interval(run, chosen, resamples)})
    return out


def _interval(run: list[dict], lines: list[dict], resamples: int) -> tuple[float, float]:
    """Of the mean over draws; lines: of one axis and method."""
    values, truth = [], []
    for line in lines:
        draw, axis, method = line["draw"], line["axis"], line["method"]
        places = [
            place for place, one in enumerate(contributors(run, draw)) if one["contributor"].partition(": ")[0] == axis
        ]
        (made,) = select(run, kind="values", draw=draw, method=method)
        values.append(np.array(made["values"])[None, places])
        truth.append(utilities(run, draw)[:, places].T)
    return evaluate.interval(evaluate.bootstrap(values, truth, resamples, seed=0)[:, 0])


def heat(lines: list[dict]) -> Figure | None:
    """Methods x axes, coloured by mean rank correlation, the best methods on top, and the truth above all."""
    grid, methods, axes, unsure = cells(lines)
    figure = heat_map(grid, methods, axes, "Spearman correlation with the truth", pale=unsure)
    figure.axes[0].axhline(0.5, color="black", lw=1)
    return figure


def cells(lines: list[dict]) -> tuple[np.ndarray, list[str], list[str], np.ndarray]:
    """(mean correlations, rows, columns, whether the interval of a cell holds 0).

    The first row is the agreement of seeds, which has no interval, then methods, the best first.
    """
    summaries = {(x["axis"], x["method"]): x for x in select(lines, kind="axis summary")}
    axes, names = (list(dict.fromkeys(pair[i] for pair in summaries)) for i in (0, 1))
    grid = np.array([[summaries[axis, name]["spearman"] for axis in axes] for name in names], float)
    unsure = np.array([[_holds_zero(summaries[axis, name]["interval"]) for axis in axes] for name in names])
    order = np.argsort(-np.nan_to_num(grid).mean(1), kind="stable")
    seeds = [_mean([x["seed_agreement"] for x in select(lines, kind="axis", axis=axis)]) for axis in axes]
    titles = ["one seed of the truth", *(METHODS[names[i]].title for i in order)]
    return np.vstack([seeds, grid[order]]), titles, axes, np.vstack([np.zeros((1, len(axes)), bool), unsure[order]])


def _holds_zero(interval: list[float] | None) -> bool:
    return interval is not None and interval[0] <= 0 <= interval[1]


def write(workdir: str | Path) -> Path:
    """Writes the figure and workdir/report.md; its path."""
    lines, workdir = results.finished(workdir), Path(workdir)
    grid, methods, axes, unsure = cells(lines)
    known = np.vectorize(lambda rho: decimal(None if np.isnan(rho) else rho))(grid)
    marked = np.where(unsure, np.char.add(np.char.add("(", known), ")"), known)
    rows = [[name, *row] for name, row in zip(methods, marked.tolist(), strict=True)]
    made = draw_all({"axes": (heat, "What each method can see.")}, lines, workdir / "figures")
    parts = ["# What can a method see?", provenance(lines[0]), WHAT, table(["", *axes], rows), *shown(made)]
    return study.write_page(workdir, "\n\n".join(parts) + "\n")


def run(workdir: str | Path, *, values: str | Path) -> Path:
    """Reads a finished run; the path of the report. Raises ValueError as `correlations` does."""
    lines = finished({"values": str(values)})["values"]
    about = {"run": select(lines, kind="run")[0]["config"]}
    made = [line | about for line in correlations(lines)]
    return study.run(derived_study("axes", {"values": lines}, lambda: [*made, *means(made, lines)], write), workdir)


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number


def _mean(numbers: list[float | None]) -> float:
    return float("nan") if None in numbers else float(np.mean(np.array(numbers, float)))


def main(argv: list[str]) -> None:
    print(run(flags.FLAGS.workdir, values=flags.FLAGS.values))


if __name__ == "__main__":
    launch.define_required("values", "finished run with axes=True")
    launch.define_required("workdir", "folder for results.jsonl")
    launch.run(main)
