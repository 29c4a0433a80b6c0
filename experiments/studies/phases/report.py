"""report.md and the figures of the scaling studies, from results.jsonl alone."""

import json
from pathlib import Path

import numpy as np

from experiments.reporting.figures import draw_all
from experiments.reporting.markdown import number, picture, provenance, table, with_span
from experiments.reporting.pages import write_report
from experiments.runtime.results import select
from experiments.studies.phases import figures
from experiments.studies.phases.curves import REAL
from experiments.studies.phases.figures import TITLES
from experiments.studies.phases.reading import VAGUE, curves, fit_of, label, verdict_of

WHAT = {
    "simulation": """No network: a learner that knows every item it has seen. Synthetic draws stop at a rank,
the cutoff, that is imposed. It checks the closed form over real shares and cutoffs (the paper's
simulation in our reconstruction). The law is exact here, so each rejection of T2/T1 = s/π in this study is a
false alarm: they show how far intervals from a few seeds can be trusted.""",
    "facts": """A network (one vector an entity and a small MLP) learns which attribute an entity has;
entities have Zipf frequencies. The generator is trained on a finite real sample, then sampled by top-p,
by temperature, or as a finite *pool* of draws that is repeated.""",
    "numbers": """An MLP reads two-digit numbers, two handwritten MNIST digits side by side: 100 classes
of Zipf frequency. *Cut*: real images of the first classes only. *Top-p*: classes as a generator saw
them in a finite sample, digits drawn by a small conditional autoencoder trained on that sample.""",
    "nextword": """A network learns which word follows which in movie reviews (IMDb's training half and
Rotten Tomatoes); their words are Zipf by nature. Synthetic text comes from a trigram model with backoff
that has counted a small part of the reviews. The error is the share that is missed of what knowing one
word lets one get right about the next.""",
    "counts": """The same knowledge, learned by counting: many times more examples than a network can be
given here. A generator is also wrong about some of what it keeps: those wrong answers in the head stay,
as the law's floor.""",
}
TERMS = """**Three phases**: when most training data are synthetic and the generator has lost the rare items (the
*tail*), the test error first falls while the frequent items (the *head*) are learned, then stays on a
*plateau*, and falls again once the few real examples show the tail. The *cutoff* is the number of items the
generator keeps; T1 and T2 are the training sizes at which the plateau begins and ends.

*Predicted*: from the generator alone, before any curve is measured. An item counts as kept if the
generator names it at least π times as often as reality does (with few real data: where it is shown at least as
often by synthetic draws as by real ones); H is the real frequency of all kept items together;
the cutoff k is the rank with p_1 + ... + p_k = H; T1 = 1/(s p_k) and T2 = 1/(π p_k), where s = π + (1-π)/H
and π is the real share. *Fitted*: the three-phase law's own, from the curve, with 95 % profile-likelihood
intervals. Three phases are claimed only if the law with the lowest criterion (the larger of
AICc and BIC) has both breakpoints and a plateau inside the sampled sizes, also without any one of the points."""


def write(workdir: str | Path) -> Path:
    """Draws the figures and writes workdir/report.md. Raises ValueError if the run is not finished.

    Of several processes only the first does.
    """
    return write_report(workdir, sections)


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figures are drawn into workdir/figures."""
    config = json.loads((workdir / "config.json").read_text())
    made = draw_all(figures.FIGURES, lines, workdir / "figures")
    parts = [*_head(lines, config), *(_study(lines, name, made) for name in TITLES if curves(lines, name))]
    rest = [(file, caption) for file, caption in made if file.removesuffix(".png") not in TITLES]
    return [*parts, "## All studies together", *(picture(*one) for one in rest)]


def _head(lines: list[dict], config: dict) -> list[str]:
    line, seconds = lines[0], sum(x["seconds"] for x in select(lines, kind="study"))
    verdicts = [x for x in select(lines, kind="verdict") if x["mechanism"] != REAL]
    claimed = [x["study"] for x in verdicts if x["three_phases"]]
    every = [x["study"] for x in verdicts]
    counts = "; ".join(
        f"{TITLES[name]} {claimed.count(name)} of {every.count(name)}" for name in TITLES if name in every
    )
    tests = [x for x in verdicts if "share_test" in x and _limited(x["share_test"])]
    agree = {three: [x["share_test"]["holds"] for x in tests if x["three_phases"] == three] for three in (True, False)}
    studies = "" if len(config["studies"]) > 1 else f",study={config['studies'][0]}"
    command = (
        f"python -m experiments.run --config=configs/phases.py:{config['scale']},seed={config['seed']},"
        f"repeats={config['repeats']}{studies} --workdir=..."
    )
    return [
        "# Does the error of a model on real + synthetic data fall in three phases?",
        f"`{command}`",
        f"{provenance(line)} {config['repeats']} seeds, {seconds:.0f} s.",
        TERMS,
        f"**Found here: three phases in {len(claimed)} of {len(verdicts)} curves with synthetic data**: {counts}.",
        f"T2/T1 = s/π: fits that do not know the real share limit the ratio to less than a factor of {VAGUE} in "
        f"{len(tests)} curves. It agrees with {sum(agree[True])} of {len(agree[True])} that show three phases and with "
        f"{sum(agree[False])} of {len(agree[False])} that do not.",
    ]


def _study(lines: list[dict], name: str, made: list[tuple[str, str]]) -> str:
    notes = select(lines, kind="study", study=name)[0]
    facts = "; ".join(
        f"{key}: {value if isinstance(value, str) else number(value)}" for key, value in notes["notes"].items()
    )
    parts = [f"## {TITLES[name]}", WHAT[name], f"{facts}; {notes['seconds']:.0f} s.", _answer(lines, name)]
    parts += [picture(file, caption) for file, caption in made if file == f"{name}.png"]
    return "\n\n".join([*parts, _table(lines, name), _deviation(lines, name), _verdicts(lines, name)])


def _answer(lines: list[dict], name: str) -> str:
    """How many curves show three phases, and how well the generator foretold where."""
    every = [curve for curve in curves(lines, name) if curve.mechanism != REAL]
    three = [curve for curve in every if verdict_of(lines, curve)["three_phases"]]
    words = f"**Three phases in {len(three)} of {len(every)} curves with synthetic data.**"
    for i, place in enumerate(("first", "second")):
        off = []
        for curve in three:
            fit = fit_of(lines, curve, "three_phase")["breakpoints"][i]
            off.append(fit / verdict_of(lines, curve)["described"][place])
        if off:
            words += f" T{i + 1} fitted is {min(off):.2f} to {max(off):.2f} times T{i + 1} predicted."
    return words


def _table(lines: list[dict], name: str) -> str:
    head = ["curve", "cutoff", "T1 predicted", "T1 fitted", "T2 predicted", "T2 fitted", "best law", "three phases"]
    head += ["share, if unknown", "its T2/T1", "s/π"]
    rows = []
    for curve in curves(lines, name):
        verdict = verdict_of(lines, curve)
        fit = fit_of(lines, curve, "three_phase")
        described, test = verdict["described"], verdict.get("share_test")
        cells = [label(curve)]
        if curve.mechanism == REAL:
            cells += ["–"] * 5
        else:
            cells += [f"{described['cutoff']:.3g}"]
            for i, place in enumerate(("first", "second")):
                spread = fit["intervals"][f"{place}_breakpoint"]
                cells += [number(described[place]), with_span(fit["breakpoints"][i], spread)]
        cells += [verdict["best"].replace("_", "-"), "yes" if verdict["three_phases"] else "no"]
        if test:
            cells += [with_span(test["real_share"], test["interval"]), with_span(test["ratio"], test["ratio_interval"])]
            cells += [number(test["known_ratio"])]
        else:
            cells += ["–"] * 3
        rows.append(cells)
    return table(head, rows)


def _deviation(lines: list[dict], name: str) -> str:
    """How far the learner is from the law that the generator predicts, where a law predicts the error itself."""
    points = [x for x in select(lines, kind="point", study=name) if x["law"] is not None]
    if not points:
        return (
            "The law predicts where the breakpoints lie, not the error itself: an item is not learned at its first "
            "example here. T1 and T2 both grow with the number of examples it takes, their ratio does not."
        )
    sizes: dict[tuple, list[float]] = {}
    for x in points:
        place = x["share"], x["mechanism"], x["strength"], x["n"]
        sizes.setdefault(place, []).append(x["error"] / x["law"])
    off = np.array([np.mean(group) - 1 for group in sizes.values()])
    return (
        "Mean error over seeds against the law computed from the generator, with nothing fitted: median "
        f"{np.median(off):+.1%}, from {off.min():+.1%} to {off.max():+.1%} over {len(off)} sizes and curves."
    )


def _verdicts(lines: list[dict], name: str) -> str:
    rows = []
    for curve in curves(lines, name):
        verdict = verdict_of(lines, curve)
        words = [verdict["verdict"]]
        words += [verdict[test]["verdict"] for test in ("share_test", "joint_test") if test in verdict]
        rows.append(f"- *{label(curve)}*: {'; '.join(words)}.")
    return "\n".join(["Verdicts:\n", *rows])


def _limited(test: dict) -> bool:
    low, high = test["ratio_interval"]
    return None not in (low, high) and high < VAGUE * low
