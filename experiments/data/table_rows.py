"""A table of which every cell is needed, as rows: what a task of the library cannot learn from is refused by name.

A person's own files are read by own_files and own_rows alone: there a missing category is none of its column's, and
what is left out is said.
"""

from experiments.data import cells
from experiments.data.own_files import Options, Schema, half_numbers, reasons, schema_of
from experiments.data.own_kinds import LEVELS, few, profiles
from experiments.data.own_rows import Rows, checked
from experiments.data.rows import Frame

MIXED = 1 - cells.MOSTLY  # of the rows of a column of texts: as many numbers are no accident


def rows_of(frame: Frame, target: str, kind: str) -> tuple[Schema, Rows]:
    """What the table is about, and all its rows.

    target: the column that is learned. kind: of it, "class" or "number". Raises ValueError, one line that names the
    column, and the row where it is one, for a missing cell, for a number that is none or not finite, for a column of
    which a part is numbers and the rest too many different words for categories, for one class only and for a table
    without features.
    """
    for name, profile in profiles(frame).items():
        neither = name != target and not profile.numbers and not few(profile, LEVELS, frame.rows)
        if neither and (both := half_numbers(frame.columns[name], MIXED)):
            raise ValueError(f"{frame.path}, column {name!r}: expected numbers, or categories, found "
                             f"{profile.distinct} different texts{both}")  # fmt: skip
    schema = schema_of(frame, Options("table", {"target": target}, kind))
    rows = checked(frame, schema)
    for place, name in enumerate(schema.categorical):
        missing = rows.categories[:, place] < 0
        if missing.any():
            more = f" (and {missing.sum() - 1} more rows)" if missing.sum() > 1 else ""
            raise ValueError(f"{frame.where(int(missing.argmax()), name)}: expected a category, found nothing{more}")
    return schema, rows


def left_out(schema: Schema) -> dict[str, str]:
    """For the notes of a run: the columns that are not learned from, each with the reason; nothing where all are."""
    return {"columns left out": reasons(schema.ignored)} if schema.ignored else {}
