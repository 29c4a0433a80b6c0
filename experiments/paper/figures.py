"""Which figure of which study stands on the pages, and from which recorded lines it is drawn."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.benchmarks import scale_report
from experiments.paper.tables import Read
from experiments.reporting.figures import STYLE, fingerprint, save_shown, saved_fingerprint
from experiments.studies.examples.report import FIGURES as EXAMPLES
from experiments.studies.interaction.report import FIGURES as INTERACTION
from experiments.studies.language.figures import FIGURES as LANGUAGE
from experiments.studies.mixing.figures import FIGURES as MIXING
from experiments.studies.phases.figures import FIGURES as PHASES
from experiments.studies.relabelling.report import FIGURES as RELABELLING
from experiments.studies.valuation import axes, stability_report
from experiments.studies.valuation.figures import FIGURES as VALUATION


class Picture(NamedTuple):
    """A PNG of the gallery: the entry whose lines it shows, and how it is drawn from them."""

    file: str
    entry: str
    draw: Callable[[list[dict]], Figure | None]


def _valued(entry: str, **files: str) -> list[Picture]:
    return [Picture(f"{file}.png", entry, VALUATION[name][0]) for name, file in files.items()]


PICTURES = (
    *_valued(
        "images-mixed",
        correlations="images-mixed",
        ablation="images-ablation",
        validation_sizes="images-validation",
        value_against_truth="images-values",
    ),
    *_valued(
        "sentiment", correlations="sentiment", ablation="sentiment-ablation", validation_sizes="sentiment-validation"
    ),
    *(_valued(name, correlations=name)[0] for name in ("instructions", "reasoning")),
    *(Picture(f"{name}.png", name, axes.heat) for name in ("axes", "sentiment-axes")),
    *(Picture(f"{name}.png", "stability", stability_report.FIGURES[name][0]) for name in ("stability", "budgets")),
    *(Picture(f"mixing-{name}.png", "mixing", MIXING[name][0]) for name in ("curves", "equivalents")),
    Picture("examples.png", "examples", EXAMPLES["curves"][0]),
    Picture("interaction.png", "interaction", INTERACTION["interaction"][0]),
    Picture("relabelling.png", "relabelling", RELABELLING["changes"][0]),
    Picture("phases-simulation.png", "phases", PHASES["simulation"][0]),
    Picture("phases-facts.png", "phases", PHASES["facts"][0]),
    Picture("phases-ratio.png", "phases", PHASES["ratio"][0]),
    Picture("phases-plan.png", "phases", PHASES["plan"][0]),
    Picture("language-tail.png", "language", LANGUAGE["tail_mass"][0]),
    Picture("language-errors.png", "language", LANGUAGE["errors"][0]),
    Picture("scale.png", "scale", scale_report.draw),
)


def drawn(read: Read) -> Iterator[tuple[Picture, Figure]]:
    """Every picture whose lines are recorded, and its figure."""
    with rc_context(STYLE):
        for picture in PICTURES:
            figure = picture.draw(read(picture.entry)) if read(picture.entry) else None
            if figure is not None:
                yield picture, figure


def write(read: Read, folder: Path) -> list[Path]:
    """Draws what differs from the PNGs of the folder; the paths of what was written."""
    written = []
    for picture, figure in drawn(read):
        if saved_fingerprint(folder / picture.file) != fingerprint(figure):
            save_shown(figure, folder / picture.file)
            written.append(folder / picture.file)
    return written


def stale(read: Read, folder: Path, shown: Collection[Path] = ()) -> list[str]:
    """What is wrong with the PNGs of the folder, a line each: another figure than the lines give, or none.

    shown: pictures of pages. One that no recorded line gives is wrong too, there and in the folder.
    """
    wrong, given = [], set()
    for picture, figure in drawn(read):
        given.add((folder / picture.file).resolve())
        saved = saved_fingerprint(folder / picture.file)
        if saved is None:
            wrong.append(f"{picture.file} is missing, or was not drawn by this command")
        elif saved != fingerprint(figure):
            wrong.append(f"{picture.file} shows something else than the lines of {picture.entry} give")
    there = {*shown, *(path.resolve() for path in folder.glob("*.png"))}
    return wrong + [f"{path.name} is there, and no recorded line gives it" for path in sorted(there - given)]
