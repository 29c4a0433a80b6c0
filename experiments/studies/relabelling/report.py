"""Page and figure of the study of relabelling, from its lines alone."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, Figures, draw_all, shown
from experiments.reporting.markdown import provenance, table
from experiments.reporting.pages import write_report
from experiments.runtime.results import select

WHAT = """Sources beside R real digits, as they are and with the labels of an ensemble of closed-form fits on R. *Gain
of*: test accuracy of networks trained on R with the source, less that of R alone, mean over draws and seeds. *By
relabelling*: the difference of the two, 95 % bootstrap over draws and seeds. *Value*: the change of the surrogate's
value of the union, which trains nothing."""

CROWDED = 0.1  # changes below this lie too close together for their names


def write(workdir: str | Path) -> Path:
    """Draws the figure and writes workdir/report.md. Raises ValueError if the run is not finished."""
    return write_report(workdir, sections)


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figure is drawn into workdir/figures."""
    made = draw_all(FIGURES, lines, workdir / "figures")
    return ["# When does relabelling pay?", provenance(lines[0]), WHAT, verdict(lines), repaired(lines), *shown(made)]


def verdict(lines: list[dict]) -> str:
    """How often the value says rightly whether relabelling helps."""
    (line,) = select(lines, kind="repair")
    return (
        f"Of {line['sources']} pairs of a source and a number of real examples, training tells {line['clear']} changes "
        f"from 0; of these the value has the sign of {line['signs_right']} right."
    )


def repaired(lines: list[dict]) -> str:
    """A row for every source and number of real examples."""
    changed = {
        (line["real"], line["source"]): np.mean(
            [x["changed"] for x in select(lines, kind="relabelled", real=line["real"], source=line["source"])]
        )
        for line in select(lines, kind="repaired")
    }
    rows = [
        [
            f"{line['real']}",
            line["source"],
            f"{changed[line['real'], line['source']]:.0%}",
            f"{line['before']:+.3f}",
            f"{line['after']:+.3f}",
            f"{line['gain']:+.3f} ({line['interval'][0]:+.3f} to {line['interval'][1]:+.3f})",
            f"{line['predicted']:+.3f}",
        ]
        for line in select(lines, kind="repaired")
    ]
    head = ["real", "source", "labels changed", "gain of it", "relabelled", "by relabelling (95 %)", "value"]
    return table(head, rows)


def changes(lines: list[dict]) -> Figure | None:
    """Trained change by relabelling against the change of the value; a colour a number of real examples."""
    every = select(lines, kind="repaired")
    if not every:
        return None
    figure = Figure(figsize=(6, 4))
    axis = figure.subplots()
    for i, real in enumerate(dict.fromkeys(line["real"] for line in every)):
        chosen = select(every, real=real)
        x, y = (np.array([line[field] for line in chosen]) for field in ("predicted", "gain"))
        ends = np.array([line["interval"] for line in chosen]).T
        axis.errorbar(x, y, np.abs(ends - y), fmt="o", color=COLOURS[i], ms=5, elinewidth=0.8, label=f"{real} real")
        named = sorted((line for line in chosen if abs(line["gain"]) > CROWDED), key=lambda line: line["predicted"])
        for k, line in enumerate(named):  # one colour has its names on the left
            offset, side = ((-4, 4), "right") if i else ((4, -7 if k % 2 else 4), "left")
            where = (line["predicted"], line["gain"])
            axis.annotate(line["source"], where, fontsize=6, textcoords="offset points", xytext=offset, ha=side)
    axis.axhline(0, color="0.7", lw=0.8, zorder=0)
    axis.axvline(0, color="0.7", lw=0.8, zorder=0)
    axis.set(xlabel="change of the surrogate's value", ylabel="change of test accuracy by training")
    axis.margins(x=0.25)
    axis.legend()
    return figure


FIGURES: Figures = {
    "changes": (
        changes,
        "What relabelling changes, by training (95 % over draws and seeds) and by the value. Upper right and lower "
        "left: the value is right.",
    )
}
