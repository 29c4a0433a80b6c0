"""report.md and the figures of the study of mixtures, from results.jsonl alone."""

from pathlib import Path

from experiments.reporting.figures import draw_all, shown
from experiments.reporting.markdown import decimal, provenance, table, with_span
from experiments.reporting.pages import write_report
from experiments.runtime.results import select
from experiments.studies.mixing import figures
from experiments.studies.mixing.judge import WITHIN

WHAT = """Of every draw the first n real examples are the n real ones of all trainings, and the first m of a source
the m that are added. *Predicted*: by the surrogate (Gaussian ridge on the same examples, scored on validation data);
nothing is trained. *Trained*: the test accuracy of networks, the mean over seeds."""
RULES = """*Regret*: accuracy that is lost by a rule's amount. The best amount is taken on other seeds than the one it
is scored on, so that a lucky training counts for nobody, and a regret can be below 0. *Predicted best*: the highest
point of the predicted curve. *Mixing law*: loss = c + k exp(sum of t_j r_j) over shares r_j, fitted to trainings of a
quarter of the size; it rises or falls in each share, and so takes all or nothing. *The bound's weight*: the amount
beside which real examples have the weight of the smallest bound (theory/README.md, 2.10, 2.15)."""
EQUIVALENT = f"""*Equivalent real count*: how many real examples alone reach as much as a mixture, by trained and by
predicted curves. *Censored*: it lies beyond an end of one of the two real curves. *Close*: within a factor of {WITHIN}
of the trained one, of those that are not censored. Predicted curves are compared in the surrogate's own unit (relative
margins) or in the metric."""
FORECAST = """*Forecast*: accuracy with four times as many real examples, from trainings or fits on n, n/2, n/4 and n/8
of them. The mean error is absolute."""


def write(workdir: str | Path) -> Path:
    """Draws the figures and writes workdir/report.md. Raises ValueError if the run is not finished.

    Of several processes only the first does.
    """
    return write_report(workdir, sections)


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figures are drawn into workdir/figures."""
    trained = select(lines, kind="trained")
    seconds = [sum(x["seconds"] for x in select(lines, kind=kind)) for kind in ("trained", "predicted")]
    return [
        "# How much synthetic data to mix in: predicted and trained",
        f"{provenance(lines[0])} {len(trained):,} trainings, {seconds[0]:,.0f} s; "
        f"{len(select(lines, kind='predicted'))} predicted curves, {seconds[1]:,.0f} s.",
        WHAT,
        "## Which amount",
        RULES,
        _table(lines, "regret", "rule", "mean regret", "above the predicted best's"),
        "## What it is worth in real examples",
        EQUIVALENT,
        _shares(lines),
        "## What more real data would buy",
        FORECAST,
        _table(lines, "forecast", "method", "mean error", "above the first's"),
        *shown(draw_all(figures.FIGURES, lines, workdir / "figures")),
    ]


def _table(lines: list[dict], measure: str, name: str, mean: str, above: str) -> str:
    rows = []
    for line in select(lines, kind="summary", measure=measure):
        more = with_span(line["above"], line["above_interval"], decimal) if "above" in line else "–"
        cells = [line["task"], line["name"], with_span(line["mean"], line["mean_interval"], decimal), more]
        rows.append([*cells, str(line["count"])])
    return table(["task", name, mean, above, "cases"], rows)


def _shares(lines: list[dict]) -> str:
    rows = []
    for censored in select(lines, kind="summary", measure="censored"):
        close = select(lines, kind="summary", measure="equivalent", task=censored["task"], name=censored["name"])
        cells = [with_span(line["mean"], line["mean_interval"], decimal) for line in (*close, censored)]
        rows.append([censored["task"], censored["name"], *(["–"] * (2 - len(cells)) + cells), str(censored["count"])])
    return table(["task", "unit", "close", "censored", "mixtures"], rows)
