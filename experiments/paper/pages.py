"""Tables inside pages: between two comments that a reader does not see, `<!-- table: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from configs.common import one_of
from experiments.paper import study_tables, tables
from experiments.paper.record import ROOT
from experiments.paper.tables import Read
from experiments.runtime import files

PAGES = (
    "README.md",
    "experiments/gallery/README.md",
    "experiments/benchmarks/README.md",
    "theory/README.md",
    "experiments/gallery/RELATED.md",
)
TABLES: Mapping[str, Callable[[Read], str]] = {
    "chosen": tables.chosen,
    "images": tables.images,
    "learners": tables.learners,
    "differences": tables.differences,
    "truths": tables.truths,
    "pretrained": tables.pretrained,
    "union": tables.union,
    "rows": tables.rows,
    "made": tables.made,
    "measures": tables.measures,
    "beside-images": partial(tables.beside, config="images"),
    "beside-sentiment": partial(tables.beside, config="sentiment"),
    "instructions": partial(tables.against, name="instructions"),
    "reasoning": partial(tables.against, name="reasoning"),
    "regret": study_tables.regret,
    "forecast": study_tables.forecast,
    "own-sources": study_tables.own_sources,
    "examples": study_tables.examples,
    "interaction": study_tables.interaction,
    "known-effects": study_tables.effects,
    "everywhere": study_tables.everywhere,
    "photographs": tables.photographs,
    "stability": study_tables.stability,
    "budgets": study_tables.budgets,
    "facts": study_tables.facts,
    "coverage": study_tables.coverage,
    "retained": study_tables.retained,
    "million": study_tables.million,
    "inducing": study_tables.inducing,
}
BLOCK = re.compile(r"(?<=<!-- table: )(?P<name>\S+) -->\n(?P<table>.*?)(?=<!-- end -->)", re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+\.png)\)")


def filled(text: str, read: Read) -> str:
    """The page with every table made anew from the lines. Raises ValueError for a table that there is not."""

    def made(found: re.Match) -> str:
        name = found["name"]
        return f"{name} -->\n{TABLES[one_of('table', name, tuple(TABLES))](read)}\n"

    return BLOCK.sub(made, text)


def write(read: Read, root: Path = ROOT) -> list[Path]:
    """Fills the tables of all pages; the paths of those that changed."""
    changed = []
    for path in (root / page for page in PAGES):
        old = path.read_text()
        new = filled(old, read)
        if new != old:
            files.write_text(path, new)
            changed.append(path)
    return changed


def shown(root: Path = ROOT) -> set[Path]:
    """The pictures that stand on the pages."""
    texts = {(root / page).parent: (root / page).read_text() for page in PAGES}
    return {(folder / found).resolve() for folder, text in texts.items() for found in PICTURE.findall(text)}


def stale(read: Read, root: Path = ROOT) -> list[str]:
    """What is wrong with the tables of the pages, a line each: the first row that the lines do not give."""
    wrong = []
    for page in PAGES:
        text = (root / page).read_text()
        for found in BLOCK.finditer(text):
            made = TABLES[one_of("table", found["name"], tuple(TABLES))](read).splitlines()
            rows = found["table"].splitlines()
            if rows != made:
                pairs = zip([*rows, *[""] * len(made)], [*made, *[""] * len(rows)], strict=True)
                row, other = next((a, b) for a, b in pairs if a != b)
                wrong.append(f"{page}, table {found['name']}: it says {row!r}, the lines give {other!r}")
    return wrong
