"""The report of a run without a truth: what each contributor is worth by every method, and where the methods agree."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import rankdata

from experiments.reporting.figures import Figures, draw_all, shown
from experiments.reporting.markdown import decimal, plural, provenance, table
from experiments.runtime.results import select
from experiments.studies.valuation import figures
from experiments.studies.valuation.reading import contributors, first_draw, label
from valuation.methods import METHODS


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The head, the order of the chosen method, the agreement of the others with it, and figures."""
    summary, draws = select(lines, kind="summary"), sorted({x["draw"] for x in select(lines, kind="values")})
    line, choice = summary[0], summary[0]["choice"]
    made = draw_all(FIGURES, lines, workdir / "figures")
    names = [label(x) for x in contributors(lines, draws[0])]
    values = np.array(select(lines, kind="values", draw=draws[0], method=choice)[0]["values"])
    best = int(np.argmax(values))
    order = [[f"{place}.", names[i], decimal(values[i])] for place, i in enumerate(np.argsort(-values), start=1)]
    agreement = [
        [METHODS[x["method"]].title, decimal(x["agrees"]), f"{x['seconds']:.1f}"]
        for x in sorted(summary, key=lambda x: -2 if x["agrees"] is None else x["agrees"], reverse=True)
        if x["method"] != choice
    ]
    return [
        f"# What is each contributor worth? ({line['task']})",
        provenance(line),
        f"{len(names)} contributors a draw, {plural(len(draws), 'draw')}. **No model was trained to check these "
        "values** (`truth=none`): how far each method can be trusted, and how much the validation set allows, is "
        f"measured with `truth=own_set`, on data like yours if you can. {METHODS[choice].title}, the method chosen "
        f"beforehand, would take **{names[best]}**.",
        f"## The order of {METHODS[choice].title}, first draw",
        table(["", "contributor", "value"], order),
        "## Do the other methods agree?",
        "Mean over draws of the correlation with that order; methods that disagree see other things, not truer ones.",
        table(["method", "Spearman with it", "s a draw"], agreement),
        *shown(made),
    ]


def orders(lines: list[dict]) -> Figure | None:
    """Ranks of the contributors of the first draw by every method, best by the chosen method on top."""
    draw = first_draw(lines)
    choice = select(lines, kind="summary")[0]["choice"]
    runs = sorted(select(lines, kind="values", draw=draw), key=lambda x: x["method"] != choice)
    ranks = np.stack([rankdata(-np.array(run["values"])) for run in runs], axis=1)
    order = np.argsort(ranks[:, 0], kind="stable")
    names = [label(x) for x in contributors(lines, draw)]
    figure = Figure(figsize=(6.5 + 0.4 * len(runs), 2.6 + 0.25 * len(names)))
    axis = figure.subplots()
    image = axis.imshow(ranks[order], cmap="viridis_r", aspect="auto")
    axis.set_xticks(range(len(runs)), [METHODS[run["method"]].title for run in runs], rotation=60, ha="right")
    axis.set_yticks(range(len(names)), [names[i] for i in order], fontsize=7)
    figure.colorbar(image, label="rank (1 = best)", shrink=0.8)
    return figure


FIGURES: Figures = {
    "orders": (orders, "Rank of every contributor of the first draw by every method; the chosen method stands first."),
    "tails": figures.FIGURES["tails"],
}
