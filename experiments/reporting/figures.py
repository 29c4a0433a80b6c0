"""How figures are made: style, colours, files; what they show is written in the studies.

Figures are matplotlib.figure.Figure objects made without pyplot: no backend is chosen and nothing is open afterwards.
"""

import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter
from matplotlib.typing import RcKeyType
from PIL import Image

from experiments.reporting.markdown import picture
from experiments.runtime.files import replacing

# Okabe and Ito's colours, told apart by colour-blind readers too
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
GREY = "#808285"  # seen on white and on black
LIGHT = "0.92"  # the same on a coloured cell
MARKERS = "osD^vPX*"
FINGERPRINT = "Fingerprint"  # the key of a PNG's text
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
                    save(drawn, folder / f"{name}.{ending}", metadata=UNDATED.get(ending))
                    drawn.set_layout_engine("none")  # the second file has the first one's layout, worked out once
                made.append((f"{name}.png", caption))
    return made


def heat_map(
    grid: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    *,
    pale: np.ndarray | None = None,
    reach: float = 1.0,
) -> Figure:
    """Numbers from -reach to reach as a coloured table, such as correlations; a dash for one that does not exist (NaN).

    grid: (rows, columns). label: of the colours. pale: which numbers are written in grey, (rows, columns).
    """
    figure = Figure(figsize=(len(columns) + 2.6, 0.26 * len(rows) + 1.4))
    axis = figure.subplots()
    image = axis.imshow(np.ma.masked_invalid(grid), cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto")
    for place, number in np.ndenumerate(grid):
        dark = np.isfinite(number) and abs(number) > 0.7 * reach
        grey = GREY if np.isnan(number) or abs(number) < 0.45 * reach else LIGHT
        colour = grey if pale is not None and pale[place] else "white" if dark else "black"
        style = "italic" if colour == LIGHT else "normal"
        words = "–" if np.isnan(number) else f"{number:.2f}"
        axis.text(place[1], place[0], words, ha="center", va="center", fontsize=7, color=colour, style=style)
    axis.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    figure.colorbar(image, ax=axis, label=label, shrink=0.6)
    return figure


def save(figure: Figure, path: Path, *, dpi: int | None = None, metadata: Mapping | None = None) -> None:
    """Writes a figure in the format of the path's ending. dpi: DPI if None.

    It is rendered in memory: what a renderer says of a full disk is not what the system says.
    """
    rendered = io.BytesIO()
    figure.savefig(rendered, dpi=dpi or DPI, format=path.suffix[1:], metadata=metadata)
    with replacing(path) as draft:
        draft.write_bytes(rendered.getvalue())


def save_shown(figure: Figure, path: Path) -> None:
    """Writes a PNG for a page, in which the figure's `fingerprint` stands as text."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        save(figure, path, metadata={FINGERPRINT: fingerprint(figure)})


def saved_fingerprint(path: Path) -> str | None:
    """That of the figure in a PNG of `save_shown`; None for another file, or none."""
    if not path.is_file():
        return None
    with Image.open(path) as image:
        return image.info.get(FINGERPRINT)


def fingerprint(figure: Figure) -> str:
    """A hash of what a figure shows: its words, and its numbers to four digits; not of how it is rendered.

    So it is the same on another machine, with other fonts, and after a reordering of the code.
    """
    words = [text.get_text() for text in figure.texts] + [figure.get_suptitle()]
    words += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        words += _words(axes)
        for number in _numbers(axes):
            flat: np.ndarray = np.ma.filled(np.ma.asarray(number, dtype=float), np.nan).ravel()
            words.append(" ".join(f"{x + 0.0:.4g}" for x in flat))
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def _words(axes: Axes) -> list[str]:
    """Titles, labels, legend and named ticks."""
    words = [axes.get_title(loc) for loc in ("left", "center", "right")]
    words += [axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale(), axes.get_yscale()]
    words += [text.get_text() for text in axes.texts]
    legend = axes.get_legend()
    words += [text.get_text() for text in legend.get_texts()] if legend else []
    for axis in (axes.xaxis, axes.yaxis):
        form, places = axis.get_major_formatter(), axis.get_major_locator()
        words += map(str, form.seq) if isinstance(form, FixedFormatter) else []
        if isinstance(form, FuncFormatter) and isinstance(places, FixedLocator):  # set_xticks(..., labels)
            words += [form(place, number) for number, place in enumerate(places())]
    return words


def _numbers(axes: Axes) -> Iterator[Any]:
    """Arrays of what is drawn in data units: lines, bars, points, areas, images."""
    yield from (line.get_xydata() for line in axes.lines)
    yield from (patch.get_bbox().bounds for patch in axes.patches if isinstance(patch, Rectangle))
    for collection in axes.collections:
        yield collection.get_offsets()
        yield from (path.vertices for path in collection.get_paths())
    yield from (image.get_array() for image in axes.images)


def literal(text: str) -> str:
    """A text of others as a figure shows it as it is, also one that reads like a formula."""
    return text.replace("$", r"\$")


def shown(made: list[tuple[str, str]]) -> list[str]:
    """The section of a report with those figures."""
    return ["## Figures", *(picture(file, caption) for file, caption in made)]
