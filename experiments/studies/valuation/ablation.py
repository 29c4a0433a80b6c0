"""The ablation of the score, as figure and table: the best subsets of its terms, and those that have a name."""

from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS
from experiments.reporting.markdown import decimal, table
from experiments.runtime.results import select
from valuation.methods import METHODS

BEST = 12  # subsets that are shown beside those with a name
NAMED = {  # the methods that are a scale-free sum of terms
    frozenset(("residual", "discrepancy", "kernel", "size")): "score_scale_free",
    frozenset(("disagreement", "discrepancy", "size")): "score_disagreement",
    frozenset(("discrepancy", "size")): "mmd_size",
    frozenset(("discrepancy",)): "mmd_only",
    frozenset(("residual",)): "loss_only",
}


def shown(lines: list[dict]) -> list[dict]:
    """The ablation's lines that are shown, best first: the BEST best subsets, single terms, and all with a name."""
    every = sorted(select(lines, kind="ablation"), key=_spearman, reverse=True)
    return [x for i, x in enumerate(every) if i < BEST or len(x["terms"]) == 1 or frozenset(x["terms"]) in NAMED]


def bars(lines: list[dict]) -> Figure | None:
    """Mean within-draw Spearman of each subset that is shown, best on top, single draws as ticks."""
    subsets = [x for x in shown(lines)[::-1] if x["spearman"] is not None]
    if not subsets:
        return None
    figure = Figure(figsize=(8, 0.24 * len(subsets) + 0.8))
    axis = figure.subplots()
    for height, line in enumerate(subsets):
        axis.barh(height, line["spearman"], color=COLOURS[4] if _method(line) else "0.75")
        draws = [value for value in line["by_draw"] if value is not None]
        axis.plot(draws, [height] * len(draws), "|", color="0.2", ms=6)
    names = [f"{_terms(x)}   [{_method(x)}]" if _method(x) else _terms(x) for x in subsets]
    axis.set_yticks(range(len(subsets)), names, fontsize=7)
    axis.set_xlabel("Spearman correlation with the truth")
    axis.axvline(0, color="0.2", lw=0.6)
    axis.margins(y=0.01)
    return figure


def section(lines: list[dict]) -> list[str]:
    """What each term of the score adds: a sentence and a table, where the terms were recorded."""
    every, rows = select(lines, kind="ablation"), shown(lines)
    words = (
        f"What each term adds: scale-free sums of the score's terms (our reconstruction) and of the disagreement, "
        f"which alone looks at validation labels; mean Spearman. Of {len(every)} subsets the best {BEST}, single terms "
        "and those that are a method; all are in the lines. The *residual* is what a fit leaves on the contributor "
        "that it was fitted to: it nearly interpolates, so this says nothing of other data.\n\n"
    )
    cells = [[_terms(x), decimal(x["spearman"]), _method(x) or "–"] for x in rows]
    return [words + table(["terms", "Spearman", "method"], cells)] if every else []


def _terms(line: dict) -> str:
    return " + ".join(line["terms"])


def _method(line: dict) -> str:
    name = NAMED.get(frozenset(line["terms"]))
    return METHODS[name].title if name else ""


def _spearman(line: dict) -> float:
    return -2.0 if line["spearman"] is None else line["spearman"]
