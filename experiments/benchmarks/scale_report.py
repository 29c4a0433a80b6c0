"""The tables and the figure of benchmarks/scale.py, from lines of results.jsonl only."""

from pathlib import Path

from matplotlib.figure import Figure

from experiments.reporting import markdown
from experiments.reporting.figures import COLOURS, MARKERS, draw_all, shown
from experiments.runtime import results, study

CASES = {"images": "contributors of the images task", "wrong_labels": "shares of wrong labels"}


def write(workdir: str | Path) -> Path:
    """Writes figures and workdir/report.md; its path."""
    lines = results.finished(workdir)
    figures = {"scale": (draw, "Seconds and largest memory of a process, mapped files included, against examples.")}
    made = draw_all(figures, lines, Path(workdir) / "figures")
    where = markdown.provenance(lines[-1])
    return study.write_page(workdir, "\n\n".join([tables(lines), *shown(made), where]) + "\n")


def tables(lines: list[dict]) -> str:
    """Seconds and memory of every method and size, exponents, and agreement, in Markdown."""
    fits = {line["method"]: line for line in results.select(lines, kind="scale_fit")}
    head = ["method", "examples", "seconds", "CPU seconds", "peak MB", "of it mapped, at most", "said beforehand, MB",
            "GFLOP/s"]  # fmt: skip
    rows = [
        [
            x["method"], f"{x['examples']:,}", f"{x['seconds']:.2f}", f"{x['cpu_seconds']:.2f}",
            f"{x['peak_megabytes']:,.0f}", f"{x['mapped_megabytes']:,.0f}", f"{x['estimated_megabytes']:,.0f}",
            f"{x['flops'] / x['seconds'] / 1e9:.1f}",
        ]
        for x in sorted(results.select(lines, kind="scale"), key=lambda x: (x["method"], x["examples"]))
    ]  # fmt: skip
    slopes = [[name, f"{x['exponent']:.2f}", f"{x['cpu_exponent']:.2f}"] for name, x in fits.items()]
    near = [
        [
            CASES[x["case"]], f"{x['points']:,}", f"{x['examples']:,}", f"{x['spearman']:.4f}",
            f"{x['largest_difference']:.1e}", f"{x['spread']:.1e}", f"{x['seconds']:.1f}", f"{x['exact_seconds']:.1f}",
        ]
        for x in results.select(lines, kind="scale_agreement")
    ]  # fmt: skip
    parts = [markdown.table(head, rows)] if rows else []
    if slopes:
        parts.append(markdown.table(["method", "exponent of seconds in examples", "of CPU seconds"], slopes))
    if near:
        columns = ["values of", "inducing points", "examples at most", "Spearman with exact", "largest difference",
                   "standard deviation of values", "seconds", "exact, seconds"]  # fmt: skip
        parts.append(markdown.table(columns, near))
    return "\n\n".join(parts)


def draw(lines: list[dict]) -> Figure | None:
    """Seconds (left) and memory (right) of every method against examples."""
    measured = results.select(lines, kind="scale")
    if not measured:
        return None
    figure = Figure(figsize=(8, 3))
    panels = figure.subplots(1, 2, sharex=True)
    for number, method in enumerate(dict.fromkeys(x["method"] for x in measured)):
        chosen = sorted(results.select(measured, method=method), key=lambda x: x["examples"])
        for panel, field in zip(panels, ("seconds", "peak_megabytes"), strict=True):
            style = {"color": COLOURS[number], "marker": MARKERS[number], "label": method}
            panel.loglog([x["examples"] for x in chosen], [x[field] for x in chosen], **style)
    panels[0].set(xlabel="examples of the contributor", ylabel="seconds")
    panels[1].set(xlabel="examples of the contributor", ylabel="memory of the process, MB")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8)
    return figure
