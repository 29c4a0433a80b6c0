"""A page as plain data: what it says, once, for every form in which it is written (Markdown here, HTML in html.py).

All texts are plain, those of users as they are: a form escapes whatever means something to it.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from experiments.reporting import markdown
from experiments.reporting.plain_text import one_line

ESCAPES = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\*_[]~$#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "`": "&#96;"}
)


class Mark(NamedTuple):
    """A cell that is told by its colour too. tone: "good", "bad" or "open"."""

    text: str
    tone: str


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Terms(NamedTuple):
    """Terms and what is said of each; leading: they are what the page is read for."""

    pairs: list[tuple[str, str]]
    leading: bool = False


class Table(NamedTuple):
    """A table with a caption that says what it shows; the first column names the rows."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Mark]]


class Picture(NamedTuple):
    """A figure. file: its name in the folder figures/. drawings: the same as SVG, in one part or in several."""

    file: str
    caption: str
    drawings: Sequence[str]


class Section(NamedTuple):
    """A heading and what stands below it. folded: shown when it is asked for, where the form allows that."""

    title: str
    blocks: "list[Block]"
    folded: bool = False


Block: TypeAlias = Text | Terms | Table | Picture | Section


class Document(NamedTuple):
    """A page: its title and what it holds."""

    title: str
    blocks: list[Block]


def as_markdown(document: Document) -> str:
    """The page in Markdown, with figures beside it in the folder figures/."""
    return "\n\n".join(_section(Section(*document), 1)) + "\n"


def escaped(text: str) -> str:
    """The text on one line, in Markdown that shows it as it is: no markup, link, formula, HTML or border of a cell."""
    return one_line(text).translate(ESCAPES).replace("://", "\\://").replace("www.", "www\\.")


def _paragraph(text: str) -> str:
    """The same where a line begins, at which dashes and numbers make lists, and dashes and equal signs headings."""
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", escaped(text))


def _section(section: Section, level: int) -> list[str]:
    blocks = [text for block in section.blocks for text in _block(block, level)]
    return [f"{'#' * level} {_paragraph(section.title)}", *blocks]


def _block(block: Block, level: int) -> list[str]:
    match block:
        case Text(text):
            return [_paragraph(text)]
        case Terms(pairs):
            return [
                "\n".join(
                    f"- **{escaped(term)}**{'' if term[-1:] in '?.' else ':'} {escaped(said)}" for term, said in pairs
                )
            ]
        case Table(caption, head, rows):
            cells = [[escaped(cell.text if isinstance(cell, Mark) else cell) for cell in row] for row in rows]
            return [_paragraph(caption), markdown.table([*map(escaped, head)], cells)]
        case Picture(file, caption):
            return [markdown.picture(file, escaped(caption))]
        case Section():
            return _section(block, level + 1)
