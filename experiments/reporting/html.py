"""A page as one HTML file that opens from disk: no script, nothing fetched, figures inside, light and dark.

What stands in page.html is markup; everything that is put into it is escaped (autoescape), after characters that steer
are made visible. Figures are SVG whose texts and colours are those of the page.
"""

import re
import warnings
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from experiments.reporting.document import Block, Document, Mark, Section
from experiments.reporting.figures import COLOURS, STYLE
from experiments.reporting.plain_text import one_line

INK, FAINT = "#202122", "#c0c1c2"  # what the page's text colour and its lines' colour take the place of
IN_PAGE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",  # texts stay texts: they are read aloud, found, and shown in the reader's font
    "savefig.transparent": True,
    "grid.color": FAINT,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


def as_html(document: Document) -> str:
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined,
        finalize=_seen, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["kind"] = _kind
    return environment.get_template("page.html").render(page=Section(*document))


def drawing(draw: Callable[[], Figure | None], name: str, alt: str) -> list[Markup]:
    """The figure as an SVG element of an HTML page, in a list that is empty where there is none.

    draw: () -> figure or None, called with the page's style. name: told apart from those of the page's other figures.
    alt: what the figure shows, in words, for those who do not see it.
    """
    with rc_context(STYLE | IN_PAGE | {"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's fonts have it, if not ours
        figure, file = draw(), StringIO()
        if figure is None:
            return []
        figure.savefig(file, format="svg", metadata={"Creator": None, "Date": None, "Format": None, "Type": None})
    svg = file.getvalue()
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg[svg.index("<svg") :], count=2)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)  # no two figures share one
    for colour, of_page in {INK: "currentColor", FAINT: "var(--line)", **_PALETTE}.items():
        svg = svg.replace(colour.lower(), of_page)
    return [Markup(svg.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(one_line(alt)), 1))]


_PALETTE = {colour: f"var(--colour-{number})" for number, colour in enumerate(COLOURS[:-1])}


def _kind(block: Block | Mark | str) -> str:
    return type(block).__name__


def _seen(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value
