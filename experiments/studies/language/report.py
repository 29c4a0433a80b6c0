"""report.md and the figures of the language study, from results.jsonl alone."""

from pathlib import Path

import numpy as np

from experiments.reporting.figures import draw_all, shown
from experiments.reporting.markdown import decimal, provenance, table, with_span
from experiments.reporting.pages import write_report
from experiments.runtime.results import select
from experiments.studies.language import figures
from experiments.studies.language.figures import bins, deviation, label, ordered, over_seeds, sources

LAWS = {
    "none": "nothing is lost by rank",
    "tilt": "a power of the rank",
    "exponential": "an exponential in the rank",
    "sharp": "a sharp cutoff",
    "step": "a step",
}
TERMS = """*Ranks* are those of the words in real reviews that no sample and no test text is part of, so that a rank is
the same knowledge for every source; in a source's own order no word can be missing, and the curve of its ranks
looks alike whichever words were lost. Own orders serve for Zipf's exponent only, and then the order comes from
every second text and the counts from the others.

*Kept*: w in p' ~ p w, p' the frequencies of the sample, p those of the reference, known through its counts alone.
*uncut*: samples of the same model and prompts at temperature 1 and top-p 1, so that w is what the sampler does;
*real*: real reviews, so that w is sampler and model together. Laws of w: 1 (nothing is lost by rank), i^-tilt,
exp(-i/cutoff), 1 up to a cutoff and 0 behind it (sharp), 1 up to a cutoff and a constant `kept` behind it (step). The
BIC differences are of log-likelihoods divided by the dispersion: words of one text are alike, and count for less
than independent ones. Intervals: 95 %, over resampled texts."""


def write(workdir: str | Path) -> Path:
    """Draws the figures and writes workdir/report.md. Raises ValueError if the run is not finished.

    Of several processes only the first does.
    """
    return write_report(workdir, sections)


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figures are drawn into workdir/figures."""
    made = draw_all(figures.FIGURES, lines, workdir / "figures")
    return [*_head(lines), *_tails(lines), *_kept(lines), *_errors(lines), *shown(made)]


def _head(lines: list[dict]) -> list[str]:
    line = select(lines, kind="run")[0]
    notes = "; ".join(f"{key}: {value:,}" for key, value in line["notes"].items())
    return [
        "# What does generation do to the tail of language?",
        f"{provenance(line)} {line['seconds']:.0f} s.",
        TERMS,
        notes + "." if notes else "",
        _answer(lines),
    ]


def _answer(lines: list[dict]) -> str:
    """Is a sharp cutoff a fair model? Over all sources that are cut, against uncut samples."""
    verdicts = select(lines, kind="verdict", reference="uncut")
    if not verdicts:
        return "No samples to compare with uncut ones."
    sharp = sum(x["best"] == "sharp" for x in verdicts)
    excess = [x["sharp_excess"] for x in verdicts]
    kinds = {law: sum(x["best"] == law for x in verdicts) for law in LAWS}
    counts = ", ".join(f"{LAWS[law]} {count}" for law, count in kinds.items() if count)
    return (
        f"**Is a sharp cutoff a fair model of what a sampler does to words?** It has the lowest BIC in {sharp} of "
        f"{len(verdicts)} samples; its BIC exceeds the lowest by {min(excess):.0f} to {max(excess):.0f}. Lowest BIC: "
        f"{counts}."
    )


def _tails(lines: list[dict]) -> list[str]:
    """Tail mass, types and Zipf's exponent of every source."""
    tails = ordered(select(lines, kind="tail"))
    ranks = np.array(tails[0]["ranks"])
    wanted = [rank for rank in (100, 1000, 10_000) if rank < ranks[-1]] or [int(ranks[len(ranks) // 2])]
    places = [int(np.abs(np.log(ranks / rank)).argmin()) for rank in wanted]
    head = ["source", "different words", *(f"beyond rank {ranks[i]:,}" for i in places), "not in real text", "exponent"]
    head += ["cutoff if exponential", "its BIC less", "cutoff if sharp", "its BIC less"]
    rows = []
    for line in tails:
        source = {name: line[name] for name in ("source", "temperature", "top_p")}
        fits = {x["law"]: x for x in select(lines, kind="zipf", **source)}
        cells = [label(line), f"{line['types']:,}"]
        cells += [with_span(line["beyond"][i], (line["low"][i], line["high"][i]), decimal) for i in places]
        cells += [decimal(line["outside"]), _value(fits["none"], "exponent")]
        for law in ("exponential", "sharp"):
            cells += [_value(fits[law], "cutoff"), f"{fits['none']['bic'] - fits[law]['bic']:.1f}"]
        rows.append(cells)
    words = (
        f"{tails[0]['words']:,} words of every source. *Exponent*, *cutoff*: Zipf-Mandelbrot frequencies "
        "(i + offset)^-exponent in the source's own order, not cut, cut by exp(-i/cutoff), or cut sharply; intervals "
        "as if words were independent. Real text looks cut here too, since the rarest words of one half are few of "
        "those of the other: this cut says little. *BIC less*: by how much the cut lowers BIC; negative: it does not "
        "pay."
    )
    return ["## The tail of every source", table(head, rows), words]


def _kept(lines: list[dict]) -> list[str]:
    """Which law of retention, against uncut and against real text."""
    parts = []
    head = ["source", "tilt", "cutoff if exponential", "cutoff and kept, if a step", "dispersion", "best law"]
    head += [f"BIC, {law}" for law in LAWS]
    for reference, title in (("uncut", "against uncut samples"), ("real", "against real text")):
        verdicts = ordered(select(lines, kind="verdict", reference=reference))
        rows = []
        for line in verdicts:
            source = {name: line[name] for name in ("source", "temperature", "top_p", "reference")}
            fits = {x["law"]: x for x in select(lines, kind="retention", **source)}
            least = min(line["corrected"].values())
            cells = [label(line), _value(fits["tilt"], "tilt", "bootstrap")]
            cells += [_value(fits["exponential"], "cutoff", "bootstrap")]
            cells += [f"{_value(fits['step'], 'cutoff', 'bootstrap')}; {_value(fits['step'], 'kept', 'bootstrap')}"]
            cells += [f"{line['dispersion']:.1f}", LAWS[line["best"]]]
            cells += [f"{line['corrected'][law] - least:.1f}" for law in LAWS]
            rows.append(cells)
        if verdicts:
            parts += [f"## What was kept of each rank, {title}", table(head, rows)]
    return parts


def _errors(lines: list[dict]) -> list[str]:
    """Error on held-out real text by rank."""
    parts = ["## Error on real reviews by rank"]
    for line in select(lines, kind="error", learner="pretrained"):
        head = ["tokens of rank", "targets", "nats per token", "first guess wrong"]
        rows = []
        for i, name in enumerate(bins(line["edges"])):
            if line["targets"][i]:
                spans = [with_span(line[key][i], line[f"{key}_interval"][i]) for key in ("nats", "wrong")]
                rows.append([name, f"{line['targets'][i]:,}", *spans])
        facts = line["facts"]
        words = (
            f"{line['model']} on {facts['texts']} held-out reviews; {facts['cut']} were longer and cut, "
            f"{facts['empty']} too short and left out. Whether it was trained on these reviews is not known "
            "(contamination unknown)."
        )
        parts += [table(head, rows), words]
    trained = select(lines, kind="error", learner="decoder")
    if trained:
        names = bins(trained[0]["edges"])
        head = ["trained on", *(f"{name}, {what}" for what in ("nats", "wrong") for name in names)]
        rows = []
        for line in ordered(sources(trained)):
            cells = [label(line)]
            for name in ("nats", "wrong"):
                values = over_seeds(trained, line, name)
                cells += [f"{a:.2f} ± {b:.2f}" for a, b in zip(values.mean(0), deviation(values), strict=True)]
            rows.append(cells)
        seeds = len({line["seed"] for line in trained})
        words = (
            f"Small decoders over words, trained on {trained[0]['words']:,} words of each source ({seeds} seeds, ± "
            "their deviation; the real text is another excerpt for each), measured on the same held-out reviews."
        )
        parts += [table(head, rows), words]
    return parts


def _value(fit: dict, name: str, spans: str = "intervals") -> str:
    return with_span(fit["parameters"][name], fit[spans][name])
