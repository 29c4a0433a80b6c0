"""Figures of the language study, drawn from the lines of results.jsonl and nothing else."""

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import COLOURS, Figures
from experiments.runtime.results import select

CUTS = (COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[3])


def label(line: dict) -> str:
    """A source in words: 'real text', 'top-p 0.9', 'temperature 0.5', 'not cut'."""
    if line["temperature"] is None:
        return "real text"
    if line["source"] == "review":
        return f"reviews, T {line['temperature']:g}, top-p {line['top_p']:g}"
    if line["temperature"] != 1:
        return f"temperature {line['temperature']:g}"
    return "not cut" if line["top_p"] == 1 else f"top-p {line['top_p']:g}"


def styled(lines: list[dict]) -> list[tuple[dict, str, str]]:
    """(line, colour, marker): real text black, uncut samples grey, the others by how strongly they are cut."""
    cut = iter(zip(CUTS, "osDv", strict=True))
    fixed = {"real text": (COLOURS[7], "*"), "not cut": ("0.55", "^")}
    return [(line, *(fixed.get(label(line)) or next(cut))) for line in ordered(lines)]


def panels(lines: list[dict]) -> list[tuple[str, list[dict]]]:
    """Sources by what was varied: (title, lines); real and uncut text stand in both."""

    def chosen(varied):
        return [x for x in lines if x["source"] == "real" or (x["source"] == "continuation" and varied(x))]

    by_mass, by_temperature = chosen(lambda x: x["temperature"] == 1), chosen(lambda x: x["top_p"] == 1)
    return [("top-p, temperature 1", by_mass), ("temperature, top-p 1", by_temperature)]


def ordered(lines: list[dict]) -> list[dict]:
    """Real text first, then by top-p and temperature, the strongest cut first; reviews last."""
    return sorted(
        lines, key=lambda x: (x["source"] == "review", x["source"] != "real", x["temperature"] or 0, x["top_p"] or 0)
    )


def rank_frequency(lines: list[dict]) -> Figure | None:
    """Zipf curves in each source's own order."""
    tails = select(lines, kind="tail")
    figure = Figure(figsize=(9, 3.6))
    axes = figure.subplots(1, 2, sharey=True)
    for axis, (title, some) in zip(axes, panels(tails), strict=True):
        for line, colour, _ in styled(some):
            axis.plot(line["own_ranks"], line["frequencies"], color=colour, label=label(line), lw=1.3)
        axis.set(xscale="log", yscale="log", xlabel="rank in the source's own order", title=title)
        axis.legend(fontsize=7)
    axes[0].set_ylabel("frequency")
    return figure


def tail_mass(lines: list[dict]) -> Figure | None:
    """Share of words beyond each real rank, and what sampling kept of each range of ranks."""
    tails, ratios = select(lines, kind="tail"), select(lines, kind="ratio", reference="uncut")
    figure = Figure(figsize=(9, 6.4))
    axes = figure.subplots(2, 2, sharex=True)
    for column, (title, some) in enumerate(panels(tails)):
        for line, colour, marker in styled(some):
            axis, ranks = axes[0, column], np.array(line["ranks"])
            axis.plot(ranks, line["beyond"], color=colour, label=label(line), lw=1.3)
            axis.fill_between(ranks, line["low"], line["high"], color=colour, alpha=0.15, lw=0)
            for x in (x for x in ratios if all(x[k] == line[k] for k in ("source", "temperature", "top_p"))):
                axis = axes[1, column]
                spread = np.abs(np.array([x["low"], x["high"]]) - x["ratio"])
                axis.errorbar(x["ranks"], x["ratio"], spread, fmt=marker + "-", ms=3, lw=0.9, color=colour)
        axes[0, column].set(xscale="log", yscale="log", title=title, ylim=(1e-3, 1))
        axes[0, column].legend(fontsize=7)
        axes[1, column].axhline(1, color="0.7", lw=0.8, zorder=0)
        axes[1, column].set(xscale="log", xlabel="rank of the word in real reviews", ylim=(0, 2))
    axes[0, 0].set_ylabel("share of words beyond the rank")
    axes[1, 0].set_ylabel("frequency over that of uncut samples")
    return figure


def errors(lines: list[dict]) -> Figure | None:
    """Error on held-out real text by rank: the pretrained model's, and small ones' trained on each source."""
    pretrained = select(lines, kind="error", learner="pretrained")
    trained = select(lines, kind="error", learner="decoder")
    if not (pretrained and trained):
        return None
    figure = Figure(figsize=(11, 3.6))
    axes = figure.subplots(1, 3)
    for line in pretrained:
        names = bins(line["edges"])
        for place, (name, style) in enumerate((("nats", "o-"), ("wrong", "s--"))):
            axis = axes[0] if not place else axes[0].twinx()
            spread = np.abs(np.array(line[f"{name}_interval"], float).T - np.array(line[name], float))
            axis.errorbar(names, np.array(line[name], float), spread, fmt=style, ms=4, color=COLOURS[place])
            axis.set_ylabel(("nats per token", "share of wrong first guesses")[place], color=COLOURS[place])
        axes[0].set_title(f"{line['model']} on real reviews")
        axes[0].tick_params(axis="x", rotation=30)
    axes[1].set_ylabel("nats per word above training on real text")
    for axis, (title, some) in zip(axes[1:], panels(sources(trained)), strict=True):
        base = over_seeds(trained, next(x for x in some if x["source"] == "real"))
        for line, colour, marker in styled(some):
            values = over_seeds(trained, line)
            mean, spread = values.mean(0) - base.mean(0), deviation(values)
            axis.errorbar(bins(line["edges"]), mean, spread, fmt=marker + "-", ms=4, color=colour, lw=1,
                          label=label(line), capsize=2)  # fmt: skip
        axis.set_title(f"trained on samples: {title}")
        axis.tick_params(axis="x", rotation=30)
        axis.legend(fontsize=7)
    for axis in axes:
        axis.set_xlabel(f"rank of the {'token' if axis is axes[0] else 'word'} in real reviews")
    return figure


def bins(edges: list[int]) -> list[str]:
    """Names of the bins of ranks, which count from 1 here."""
    low = [1, *(edge + 1 for edge in edges)]
    return [f"{a}-{b}" for a, b in zip(low, edges, strict=False)] + [f">{edges[-1]}"]


def sources(lines: list[dict]) -> list[dict]:
    """One line of every source."""
    return list({label(line): line for line in lines}.values())


def over_seeds(lines: list[dict], one: dict, name: str = "nats") -> np.ndarray:
    """(seeds, bins) of the source of that line."""
    return np.array([x[name] for x in lines if label(x) == label(one)], float)


def deviation(values: np.ndarray) -> np.ndarray:
    """The standard deviation over seeds, (seeds, bins) -> (bins,); 0 for one seed."""
    return values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])


FIGURES: Figures = {
    "rank_frequency": (
        rank_frequency,
        "Rank and frequency of words, every source in its own order, the same number of words each.",
    ),
    "tail_mass": (
        tail_mass,
        "Above: the share of words whose rank in real reviews lies beyond, 95 % over resampled texts. Below: how often "
        "words of a range of ranks occur, relative to samples of the same model that are not cut.",
    ),
    "errors": (
        errors,
        "Error on held-out real reviews by the rank of the target. Left: the language model. Middle and right: small "
        "decoders, trained on equally many words of each source; ± deviation over seeds.",
    ),
}
