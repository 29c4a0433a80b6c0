"""How figures are made: style, colours, files; what they show is written in the studies.

Figures are matplotlib.figure.Figure objects made without pyplot: no backend is chosen and nothing is open afterwards.
"""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from experiments.reporting.markdown import picture
from experiments.runtime.files import replacing

# Okabe and Ito's colours, told apart by colour-blind readers too
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
GREY = "#808285"  # seen on white and on black
MARKERS = "osD^vPX*"
FORMATS, DPI = ("png", "pdf"), 150
STYLE: dict[RcKeyType, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}

UNDATED = {"pdf": {"CreationDate": None}}  # the same figure is the same file

Content = TypeVar("Content")  # what is drawn: lines of results.jsonl, an answer
# name -> (content -> a figure, or None where it does not allow it; caption)
Figures: TypeAlias = Mapping[str, tuple[Callable[[Content], Figure | None], str]]


def draw_all(figures: Figures[Content], content: Content, folder: Path) -> list[tuple[str, str]]:
    """Writes every figure that the content allows into the folder, as PNG and PDF; (PNG's name, caption) of each."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # texts may be of any script
        for name, (figure, caption) in figures.items():
            drawn = figure(content)
            if drawn is not None:
                for ending in FORMATS:
                    with replacing(folder / f"{name}.{ending}") as draft:
                        drawn.savefig(draft, dpi=DPI, metadata=UNDATED.get(ending))
                    drawn.set_layout_engine("none")  # the second file has the first one's layout, worked out once
                made.append((f"{name}.png", caption))
    return made


def literal(text: str) -> str:
    """A text of others as a figure shows it as it is, also one that reads like a formula."""
    return text.replace("$", r"\$")


def shown(made: list[tuple[str, str]]) -> list[str]:
    """The section of a report with those figures."""
    return ["## Figures", *(picture(file, caption) for file, caption in made)]
