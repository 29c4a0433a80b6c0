"""The figure of all curves, predicted and trained, drawn from the lines of results.jsonl and nothing else."""

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, Figures
from experiments.runtime.results import select

TRAINED, PREDICTED = COLOURS[0], COLOURS[1]


def curves(lines: list[dict]) -> Figure | None:
    """A row for each task and number of real examples, a panel for each kind of synthetic data; draws together."""
    predicted = select(lines, kind="predicted")
    if not predicted:
        return None
    rows = list(dict.fromkeys((line["task"], line["real"]) for line in sorted(predicted, key=lambda x: x["real"])))
    rows.sort(key=lambda row: (row[0], row[1]))
    sources = {task: list(dict.fromkeys(x["source"] for x in select(predicted, task=task))) for task, _ in rows}
    columns = max(map(len, sources.values()))
    figure = Figure(figsize=(2.3 * columns + 0.4, 2.0 * len(rows) + 0.6))
    axes = figure.subplots(len(rows), columns, sharey="row", squeeze=False)
    for across, (task, real) in zip(axes, rows, strict=True):
        for axis, source in zip(across, sources[task], strict=False):
            panel(axis, lines, task, real, source)
            axis.set_title(source)
        for axis in across[len(sources[task]) :]:
            axis.axis("off")
        across[0].set_ylabel(f"{task}, {real} real\naccuracy")
    for axis in axes[-1]:
        axis.set_xlabel("synthetic examples added")
    axes[0, 0].plot([], [], "-o", color=TRAINED, ms=3, lw=1, label="trained, with the spread over draws and seeds")
    axes[0, 0].plot([], [], "--", color=PREDICTED, lw=1.3, label="predicted by the surrogate")
    axes[0, 0].plot([], [], "v", color=PREDICTED, ms=5, label="predicted best amount of each draw")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=1 if columns < 4 else 3)
    return figure


def panel(axis, lines: list[dict], task: str, real: int, source: str) -> None:
    """Mean curves over draws, and where the predicted curves of single draws are highest; amounts evenly spaced."""
    predicted = select(lines, kind="predicted", task=task, real=real, source=source)
    amounts = predicted[0]["amounts"]
    places = np.arange(len(amounts))
    trained = select(lines, kind="trained", task=task, real=real)
    reached = [
        [x["utility"] for x in select(trained, added=added, source=source if added else "real")] for added in amounts
    ]
    mean = np.array([np.mean(group) for group in reached])
    axis.errorbar(places, mean, [np.std(group) for group in reached], fmt="-o", ms=3, lw=1, color=TRAINED, capsize=2)
    guess = np.mean([line["metric"] for line in predicted], axis=0)
    axis.plot(places, guess, "--", color=PREDICTED, lw=1.3)
    best = np.array([amounts.index(line["best"]) for line in predicted])
    for place in np.unique(best):
        axis.plot(place, guess[place], "v", color=PREDICTED, ms=4 + 1.5 * np.sqrt((best == place).sum()))
    axis.set_xticks(places, [f"{amount:,}" for amount in amounts], rotation=60, fontsize=7)


def equivalents(lines: list[dict]) -> Figure | None:
    """Predicted against trained equivalent real counts, one panel a task; both axes logarithmic."""
    clear = [
        x
        for x in select(lines, kind="equivalent", unit="own")
        if not x["trained_censored"] and not x["predicted_censored"]
    ]
    if not clear:
        return None
    tasks = list(dict.fromkeys(x["task"] for x in clear))
    figure = Figure(figsize=(3.6 * len(tasks), 3.6))
    for axis, task in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        some = select(clear, task=task)
        for i, source in enumerate(dict.fromkeys(x["source"] for x in some)):
            points = np.array([(x["trained"], x["predicted"]) for x in select(some, source=source)])
            axis.plot(*points.T, "o", ms=3, color=COLOURS[i % len(COLOURS)], label=source)
        ends = np.array([min(x["trained"] for x in some), max(x["trained"] for x in some)])
        for factor, style in ((1 / 1.25, ":"), (1.0, "-"), (1.25, ":")):
            axis.plot(ends, factor * ends, style, color="0.5", lw=0.8)
        axis.set(xscale="log", yscale="log", xlabel="equivalent real count, trained", title=task)
        axis.legend(fontsize=7)
    figure.axes[0].set_ylabel("equivalent real count, predicted")
    return figure


FIGURES: Figures = {
    "curves": (curves, "Accuracy over the synthetic examples that are added to real ones, predicted and trained."),
    "equivalents": (
        equivalents,
        "How many real examples a mixture is worth; dotted: a factor of 1.25. Counts beyond a real curve are left out.",
    ),
}
