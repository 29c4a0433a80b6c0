"""Tables of one study each, as pages show them: shorter than in its report. From recorded lines alone."""

import numpy as np

from experiments.benchmarks import known_effects
from experiments.paper.tables import Read, interval
from experiments.reporting.markdown import decimal, number, span, table, with_span
from experiments.runtime.results import select
from experiments.studies.examples.report import methods as attributions
from experiments.studies.interaction.report import sign_table, together
from experiments.studies.language.figures import label, ordered
from experiments.studies.phases import reading
from experiments.studies.phases.curves import REAL
from experiments.studies.valuation import lora_everywhere, stability_report
from valuation.intervals import NORMAL
from valuation.methods import METHODS

RANK = 10_000  # near which the tail begins
AGAIN = ((0.5, 0), (0.25, 0), (0.1, 0), (0.01, 0), (1.0, 1))  # shares of the examples and starts of values made anew
LAWS = {  # of simulated curves: in words, and the law that made them
    "three_phase": ("three phases", "three_phase"),
    "power": ("power law", "power"),
    "short_power": ("power law, short", "power"),
    "short_power_one_off": ("the same, one point off by 1.3 to 3", "power"),
    "short_three_phase": ("three phases, short, a decade to spare", "three_phase"),
}
RULES = ("predicted best", "mixing law", "none", "all", "the bound's weight", "as many as real")
FORECASTS = (
    "power law of trainings",
    "one training and the surrogate's gain",
    "power law of the surrogate",
    "one training, no change",
)


def regret(read: Read) -> str:
    """Accuracy lost by every rule for the amount of synthetic data."""
    head = ["rule", "images", "sentiment", "both (95 %)", "above the predicted best's (95 %)"]
    return _mixing(read, "regret", RULES, head)


def forecast(read: Read) -> str:
    """Errors of forecasts of four times the real data."""
    head = ["forecast by", "images", "sentiment", "both (95 %)", "above that of one training and the gain (95 %)"]
    return _mixing(read, "forecast", FORECASTS, head)


def own_sources(read: Read) -> str:
    """Values of files beside what trainings gain."""
    lines = read("own-sources")
    (summary,) = select(lines, kind="own summary")
    rows = []
    for line in sorted(select(lines, kind="own source"), key=lambda line: -line["value"]):
        name, (low, high) = line["source"], line["interval"]
        gain = f"{line['gain']:+.3f} ({low:+.3f} to {high:+.3f})"
        truth = f"{summary['truth'][name]:+.3f} ± {NORMAL * summary['standard_errors'][name]:.3f}"
        rows.append([name, f"{line['value']:+.3f}", line["verdict"], gain, truth])
    return table(["source", "value", "verdict", "predicted gain (95 %)", "trained gain (95 %)"], rows)


def examples(read: Read) -> str:
    """Attribution of single examples: LDS, wrong labels found, seconds."""
    return attributions(read("examples"))


def interaction(read: Read) -> str:
    """What unions of sources are worth beyond their parts, all pairs together, and how often surrogates foretell it."""
    lines = read("interaction")
    return "\n\n".join([together(lines), sign_table(lines)])


def effects(read: Read) -> str:
    """How often learners' intervals hold an effect that is known, and their bias beside the one on paper."""
    return known_effects.table_of(read("known-effects"))


def everywhere(read: Read) -> str:
    """Values of a language model's contributors beside the truth of LoRA in all its blocks."""
    return lora_everywhere.agreements(read("lora-everywhere"))


def stability(read: Read) -> str:
    """How well methods order on fewer examples, how far they agree with themselves there, seconds and memory."""
    lines = read("stability")
    every = {(x["method"], x["share"], x["start"]): x for x in select(lines, kind="stability summary")}
    taken = {x["method"]: x["peak_megabytes"] for x in select(lines, kind="memory", share=1.0)}
    names = list(dict.fromkeys(name for name, _, _ in every))

    def worst_last(name: str) -> float:
        truth = every[name, 1.0, 0]["truth"]
        return np.inf if truth is None else -truth

    rows = []
    for name in sorted(names, key=worst_last):
        whole = every[name, 1.0, 0]
        truths = (decimal(every[name, share, 0]["truth"]) for share in (1.0, 0.1, 0.01))
        selves = (
            decimal(every[name, *about]["itself"]) for about in ((0.5, 0), (0.25, 0), (0.1, 0), (0.01, 0), (1.0, 1))
        )
        seconds = "–" if whole["seconds"] is None else f"{whole['seconds']:.2f}"
        memory = f"{taken[name]:,.0f}" if name in taken else "–"
        rows.append([METHODS[name].title, *truths, *selves, seconds, memory])
    head = ["truth, all examples", "on 10 %", "on 1 %", "itself on 50 %", "25 %", "10 %", "1 %", "other starts"]
    return table(["method", *head, "s a draw", "MB"], rows)


def budgets(read: Read) -> str:
    """What methods reach within the seconds that the default takes, and ten times these."""
    return stability_report.equal_seconds(read("stability"))


def facts(read: Read) -> str:
    """Breakpoints of fact recall, foretold from the generator and fitted to the curve, at the smallest real share."""
    lines = read("phases")
    every = [curve for curve in reading.curves(lines, "facts") if curve.mechanism != REAL]
    least = min((curve.share for curve in every), default=0)
    rows = []
    for curve in (curve for curve in every if curve.share == least):
        verdict, fit = reading.verdict_of(lines, curve), reading.fit_of(lines, curve, "three_phase")
        cells = [reading.label(curve)]
        for i, place in enumerate(("first", "second")):
            spread = fit["intervals"][f"{place}_breakpoint"]
            fitted = with_span(fit["breakpoints"][i], spread) if verdict["three_phases"] else "–"
            cells += [number(verdict["described"][place]), fitted]
        best = verdict["best"].replace("_", "-")
        rows.append([*cells, "three phases" if verdict["three_phases"] else f"none: the {best} law is best"])
    head = ["generator", "T1 predicted", "T1 fitted (95 %)", "T2 predicted", "T2 fitted (95 %)", "verdict"]
    return table(head, rows)


def million(read: Read) -> str:
    """Seconds and memory of contributors of up to 10^6 examples."""
    lines = read("scale")
    fits = {line["method"]: line for line in select(lines, kind="scale_fit")}
    rows = []
    for name in dict.fromkeys(line["method"] for line in select(lines, kind="scale")):
        sizes = sorted(select(lines, kind="scale", method=name), key=lambda line: line["examples"])
        seconds = [f"{x['seconds']:.0f}" if x["seconds"] >= 10 else f"{x['seconds']:.2f}" for x in sizes]
        rows.append([f"`{name}`", *seconds, f"{sizes[-1]['peak_megabytes']:,.0f}", f"{fits[name]['exponent']:.2f}"])
    head = ["method", "10^3", "10^4", "10^5", "10^6", "peak at 10^6, MB", "exponent from 10^4 on"]
    return table(head, rows)


def inducing(read: Read) -> str:
    """How near values by inducing points are to exact ones."""
    cases = {"images": "24 contributors of digits", "wrong_labels": "8,000 digits, shares of wrong labels"}
    rows = [
        [
            cases[x["case"]],
            f"{x['points']:,}",
            f"{x['spearman']:.4f}",
            f"{x['largest_difference']:.1e}",
            f"{x['spread']:.1e}",
            f"{x['seconds']:.1f}",
            f"{x['exact_seconds']:.1f}",
        ]
        for x in select(read("scale"), kind="scale_agreement")
    ]
    head = ["contributors", "inducing points", "Spearman with exact", "largest difference", "deviation of values"]
    return table([*head, "seconds", "exact, seconds"], rows)


def _mixing(read: Read, measure: str, names: tuple[str, ...], head: list[str]) -> str:
    lines = select(read("mixing"), kind="summary", measure=measure)
    rows = []
    for name in names:
        images, sentiment, both = (select(lines, task=task, name=name)[0] for task in ("images", "sentiment", "all"))
        above = interval(both, "above") if "above" in both else "–"
        means = [f"{one['mean']:.3f}" for one in (images, sentiment)]
        rows.append([name, *means, interval(both, "mean"), above])
    return table(head, rows)


def coverage(read: Read) -> str:
    """How often simulated curves get another law, or three phases, and how often intervals hold the truth."""
    lines = select(read("coverage"), kind="coverage")
    kinds = dict.fromkeys((line["truth"], line["true"]["noise"]) for line in lines)
    rows = []
    for truth, noise in kinds:
        chosen = [line for line in select(lines, truth=truth) if line["true"]["noise"] == noise]
        sizes = sorted({line["true"]["sizes"] for line in chosen})
        other = np.mean([line["best"] != LAWS[truth][1] for line in chosen])
        claimed = np.mean([line["claimed"] for line in chosen])
        held = [
            f"{np.mean([line[field] for line in chosen]):.1%}" if field in chosen[0] else "–"
            for field in ("covered", "ratio_holds")
        ]
        about = [LAWS[truth][0], f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else str(sizes[0]), f"{noise:.0%}"]
        rows.append([*about, str(len(chosen)), f"{other:.1%}", f"{claimed:.1%}", *held])
    head = ["curves", "sizes", "noise", "how many", "another law is best", "three phases claimed"]
    return table([*head, "cutoff in its 95 % interval", "known share in that of the test"], rows)


def retained(read: Read) -> str:
    """How much of the tail each way of sampling keeps, beside uncut samples."""
    lines = read("language")
    tails = [line for line in ordered(select(lines, kind="tail")) if line["source"] != "review"]
    ranks = np.array(tails[0]["ranks"])
    place, rows = int(np.abs(np.log(ranks / RANK)).argmin()), []
    for tail in tails:
        spread = (tail["low"][place], tail["high"][place])
        cells = [label(tail), f"{tail['types']:,}", f"{tail['beyond'][place]:.1%} ({span(spread, '{:.1%}'.format)})"]
        source = {name: tail[name] for name in ("source", "temperature", "top_p")} | {"reference": "uncut"}
        found = select(lines, kind="verdict", **source)
        laws = {line["law"]: line for line in select(lines, kind="retention", **source)}
        cells += [_law(laws[x["best"]]) for x in found] + [f"{x['sharp_excess']:.0f}" for x in found]
        rows.append([*cells, "", ""][:5])
    head = ["sampled by", "different words", f"beyond rank {ranks[place]:,}"]
    return table([*head, "law of what is kept, lowest BIC", "BIC of a sharp cutoff above it"], rows)


def _law(fit: dict) -> str:
    """A law and its parameters with bootstrap intervals: 'exponential: cutoff 50,200 (30,100 to 128,000)'."""
    known = [f"{name} {with_span(fit['parameters'][name], spread)}" for name, spread in fit["bootstrap"].items()]
    return f"{fit['law']}: {', '.join(known)}" if known else fit["law"]
