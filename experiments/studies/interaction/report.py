"""Page and figures of the study of interactions, from its lines alone."""

import functools
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from experiments.reporting.figures import Figures, draw_all, heat_map, shown
from experiments.reporting.markdown import decimal, provenance, table
from experiments.reporting.pages import write_report
from experiments.runtime.results import select
from experiments.studies.interaction.judge import CONTRAST, INTERACTION, MEASURES, UNITS, by_draw
from experiments.studies.interaction.sets import Union
from valuation.methods import METHODS

WHAT = """Strings of four digits, read one character at a time. u is the test accuracy of characters that networks
reach, or that a surrogate predicts; R real strings, A and B as many strings of two sources, A' and B' as many others
of the same. *Interaction*: u(RAB) - u(RA) - u(RB) + u(R), above 0 where both together add more to R than each alone.
*Contrast*: u(AB) - [u(AA') + u(BB')]/2, above 0 where a mixture is worth more than as much of one; R is not in it.
Points are hundredths of accuracy; 95 % intervals are over draws, each the mean of its seeds."""
POINTS = 100  # a unit of accuracy


def write(workdir: str | Path) -> Path:
    """Draws the figures and writes workdir/report.md. Raises ValueError if the run is not finished."""
    return write_report(workdir, sections)


def sections(lines: list[dict], workdir: Path) -> list[str]:
    """The report's sections; the figures are drawn into workdir/figures."""
    made = draw_all(FIGURES, lines, workdir / "figures")
    return ["# Are unions of sources worth more than their parts?", provenance(lines[0]), WHAT, *answer(lines),
            together(lines), worth(lines), pair_table(lines), sign_table(lines), *shown(made)]  # fmt: skip


def answer(lines: list[dict]) -> list[str]:
    """How often the surrogates have the sign of training, a paragraph a measure."""
    said = []
    for measure in MEASURES:
        every = select(lines, kind="signs", measure=measure, unit=UNITS[0])
        if clear := every[0]["clear"]:
            right = "; ".join(f"*{METHODS[signs['surrogate']].title}* has {signs['right']} right" for signs in every)
            said.append(
                f"*{measure.capitalize()}*: training tells {clear} from 0; {right}, the best guess of one sign for all "
                f"{every[0]['constant']}."
            )
        else:
            said.append(f"*{measure.capitalize()}*: training tells none from 0.")
    return said


def together(lines: list[dict]) -> str:
    """A row for every measure and number of real strings: all pairs together, by training."""
    rows = [
        [line["measure"], f"{line['real']}", f"{line['mean'] * POINTS:+.2f} ({spanned(line['interval'])})",
         f"{line['above']}", f"{line['below']}"]
        for line in select(lines, kind="pairs")
    ]  # fmt: skip
    return table(["measure", "real strings", "points, mean over pairs (95 %)", "pairs above 0", "pairs below 0"], rows)


def worth(lines: list[dict]) -> str:
    """What real strings reach alone, and what each source adds to them."""
    sources = sources_of(lines)
    rows = []
    for real in amounts_of(lines):
        some = select(lines, real=real)
        characters, strings = (by_draw(some, "union trained", field) for field in ("utility", "strings"))
        alone = characters(Union(True))
        gains = [f"{(characters(Union(True, name)) - alone).mean() * POINTS:+.2f}" for name in sources]
        rows.append([f"{real}", f"{alone.mean():.3f}", f"{strings(Union(True)).mean():.3f}", *gains])
    return table(["real strings", "characters read", "strings read", *(f"points by {name}" for name in sources)], rows)


def pair_table(lines: list[dict]) -> str:
    """A row for every measure, number of real strings and pair."""
    surrogates, predicted = surrogates_of(lines), select(lines, kind="pair predicted")
    rows = [
        [
            line["measure"],
            f"{line['real']}",
            f"{line['first']}, {line['second']}",
            f"{line['value'] * POINTS:+.2f} ({spanned(line['interval'])})",
            f"{line['strings'] * POINTS:+.2f}",
            *(f"{foretold(predicted, line, name):+.2f}" for name in surrogates),
        ]
        for line in select(lines, kind="pair")
    ]
    head = ["measure", "real strings", "pair", "points by training (95 %)", "of strings"]
    return table([*head, *(f"by {METHODS[name].title}" for name in surrogates)], rows)


def foretold(predicted: list[dict], pair: dict, surrogate: str) -> float:
    """Points that a surrogate predicts of a pair. predicted: lines of pairs. pair: a line of one, by training."""
    about = {field: pair[field] for field in ("measure", "real", "first", "second")}
    (line,) = select(predicted, **about, surrogate=surrogate)
    return line["metric"] * POINTS


def sign_table(lines: list[dict]) -> str:
    """How often a surrogate has the sign of training, and how alike they order all pairs."""
    units = dict(zip(UNITS, ("accuracy", "its own"), strict=True))
    rows = [
        [line["measure"], METHODS[line["surrogate"]].title, units[line["unit"]],
         *(f"{line[field]}" for field in ("clear", "constant", "right")),
         decimal(line["spearman"])]
        for line in select(lines, kind="signs")
    ]  # fmt: skip
    head = ["measure", "surrogate", "its unit", "told from 0 by training", "right by the best constant sign"]
    return table([*head, "by the surrogate", "Spearman over all pairs"], rows)


def spanned(interval: list[float]) -> str:
    """Both ends in points."""
    low, high = interval
    return f"{low * POINTS:+.2f} to {high * POINTS:+.2f}"


def amounts_of(lines: list[dict]) -> list[int]:
    """Numbers of real strings, in their order."""
    return list(dict.fromkeys(line["real"] for line in select(lines, kind="pairs")))


def sources_of(lines: list[dict]) -> list[str]:
    """The sources, in their order."""
    every = select(lines, kind="pair")
    return list(dict.fromkeys(line[end] for end in ("first", "second") for line in every))


def surrogates_of(lines: list[dict]) -> list[str]:
    """The surrogates, in their order."""
    return list(dict.fromkeys(line["surrogate"] for line in select(lines, kind="signs")))


def matrix(lines: list[dict], measure: str) -> Figure | None:
    """Pairs x numbers of real strings, by training and by surrogates, in points; grey where training is unsure."""
    found = select(lines, kind="pair", measure=measure)
    if not found:
        return None
    amounts, names = amounts_of(lines), list(dict.fromkeys((line["first"], line["second"]) for line in found))
    cells = [[select(found, real=real, first=a, second=b)[0] for real in amounts] for a, b in names]
    labels = {name: METHODS[name].title.partition(",")[0] for name in surrogates_of(lines)}
    predicted = select(lines, kind="pair predicted")
    grid = [
        [line["value"] * POINTS for line in row] + [foretold(predicted, line, name) for name in labels for line in row]
        for row in cells
    ]
    unsure = [[line["interval"][0] <= 0 <= line["interval"][1] for line in row] * (1 + len(labels)) for row in cells]
    columns = [f"{real} real, {by}" for by in ("trained", *labels.values()) for real in amounts]
    rows = [f"{a}, {b}" for a, b in names]
    reach = float(np.abs(grid).max())
    return heat_map(np.array(grid), rows, columns, "points of accuracy", pale=np.array(unsure), reach=reach)


FIGURES: Figures = {
    INTERACTION: (
        functools.partial(matrix, measure=INTERACTION),
        "What two sources add to real strings beyond what each adds. Grey where training does not tell it from 0.",
    ),
    CONTRAST: (
        functools.partial(matrix, measure=CONTRAST),
        "What a mixture of two sources is worth beyond as much of one, without the real strings that both are made of.",
    ),
}
