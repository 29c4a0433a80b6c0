"""Frames of somebody's own data -> what the study is given: examples of one kind, validation, what is said of it."""

import csv
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from experiments.data import cells, own_rows, splits
from experiments.data.own_files import Options, Schema, schema_of
from experiments.data.own_rows import Rows
from experiments.data.own_splits import beside, divide, refuse_same, renamed
from experiments.data.rows import Frame
from experiments.studies.sources.answer import Data, Set
from experiments.studies.sources.drivers import in_or_near, without
from experiments.studies.sources.fits import Effort, taken_sizes
from experiments.studies.sources.leaks import COPIES, LEAKS
from experiments.tasks import own_pairs, own_tables, own_texts
from experiments.tasks.own_data import Prepared, codes_of, repeats

MOST = 4000  # validation examples: what is fitted to them takes their cube
PREPARE = {"text": own_texts.prepare, "pairs": own_pairs.prepare, "table": own_tables.prepare}
RESERVED = ("real", "all")  # names that answers use
REPEATS = "repeats another of the same file, which teaches a learner of so many steps nothing new"
IN_REAL = "stands among the real examples, with the same target"
MANY = 0.01  # of real examples that repeat others; where more do, repeats tell how frequent an example is
REMEDY = "; mend the file, or set leave_out_rows to leave such rows out"
FEW = 20  # examples of the real file, below which nothing can be said


class Given(NamedTuple):
    """What was read. names: of the real file and each source, all different. real, sources: what is learned from.

    split: in words, where the validation examples come from.
    """

    schema: Schema
    names: tuple[str, ...]
    real: Rows
    sources: tuple[Rows, ...]
    validation: Rows
    split: str


def read(
    names: Sequence[str],
    real: Frame,
    sources: Sequence[Frame],
    validation: Frame | None,
    config,
) -> Given:
    """All sets as examples of one kind, which the real file decides, and which of them are for validation.

    names: of the real file and each source. config: of configs/sources.py. Raises ValueError, one line that names file,
    row and column, for what does not fit.
    """
    columns = {role: name for role, name in config.columns.items() if name}
    schema = schema_of(real, Options(config.kind, columns, config.target, tuple(listed(config.ignore))))
    checked = partial(own_rows.checked, schema=schema, leave_out=config.leave_out_rows, remedy=REMEDY)
    used, others = checked(real), [checked(frame) for frame in sources]
    files = {"the real file": used} | {f"source {i}": rows for i, rows in enumerate(others, start=1)}
    if validation is None:
        division = divide(used, size=config.held_out, salt=config.salt)
    else:
        held_out = checked(validation)
        files["the validation file"] = held_out
        division = beside(used, _fewer(held_out, config.salt))
    refuse_same(files)
    said = [*_renamed(used, others, schema), *_unknown(files.values(), schema)]
    schema = schema._replace(said=[*schema.said, *said])
    if len(division.real.row) < FEW:
        raise ValueError(
            f"{used.file}: {len(division.real.row)} examples are left to learn from, expected {FEW} or more real ones"
        )
    return Given(schema, tuple(names), division.real, tuple(others), division.validation, division.said)


def prepared(given: Given, config, key: jax.Array) -> tuple[Prepared, Data]:
    """What is valued and learned, and what is said of it."""
    sets = (given.real, *given.sources)
    made = PREPARE[given.schema.kind](given.names, sets, given.validation, given.schema, config[given.schema.kind], key)
    real, *others = made.originals
    gone: dict[str, Sequence[np.ndarray]] = {}
    codes = [codes_of(rows.examples) for rows in sets]
    again = [repeats(one) for one in codes]
    none = np.zeros(len(codes[0]), bool)
    if again[0].mean() <= MANY:
        gone[REPEATS] = again
        gone[IN_REAL] = [none, *(np.isin(one, codes[0]) for one in codes[1:])]
    near = in_or_near(real, made.held_out)
    if config.leave_out_leaks:
        gone[LEAKS] = [near, *(in_or_near(one, made.held_out) for one in others)]
    if config.leave_out_copies:
        gone[COPIES] = [none, *(in_or_near(one, real) for one in others)]
    for why in gone:
        made = without(made, gone[why], why)
    described = [
        _set(name, rows, {why: some[number] for why, some in gone.items()})
        for number, (name, rows) in enumerate(zip(given.names, sets, strict=True))
    ]
    effort = effort_of(config)
    fitted = [taken_sizes(made, (0, number), effort) for number in range(1, len(sets))]
    sizes = [fitted[0][0], *(size for _, size in fitted)]
    described = [one._replace(fitted=size) for one, size in zip(described, sizes, strict=True)]
    return made, Data(
        kind=given.schema.kind,
        columns=dict(given.schema.columns),
        target=given.schema.target,
        classes=list(given.schema.classes),
        features=[*given.schema.numeric, *given.schema.categorical],
        ignored=dict(given.schema.ignored),
        found=list(given.schema.said),
        metric=made.metric,
        learner=made.learner,
        surrogate=made.surrogate,
        real=described[0],
        validation=_set("validation", given.validation, {}),
        sources=described[1:],
        split=" ".join([given.split, *(note[0].upper() + note[1:] + "." for note in made.notes)]),
        repeated=_repeated(real.codes),
        near_validation=float(near.mean()),
    )


def effort_of(config) -> Effort:
    """How much is computed."""
    return Effort(config.blocks, config.exact, config.points, config.orders, config.ridge)


def names_of(files: Sequence[str]) -> tuple[str, ...]:
    """A short name for each file, all different: of its own name without endings, as much of its path as it takes.

    files: paths, with / between folders.
    """
    short = [file.rpartition("/")[2].partition(".")[0] or file for file in files]
    taken = [*RESERVED, *short[:1]]  # the real file's name is nobody else's
    return tuple(
        name if number == 0 or (short.count(name) == 1 and name not in taken) else file
        for number, (name, file) in enumerate(zip(short, files, strict=True))
    )


def listed(text: str) -> list[str]:
    """The parts of a text between commas, blanks around them left out; quotes around what holds a comma."""
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), []) if part.strip()]


def _renamed(real: Rows, sources: Sequence[Rows], schema: Schema) -> list[str]:
    """A sentence for every source that holds real rows under other names."""
    naming = [schema.numeric.index(name) for name in schema.naming]
    counts = [renamed(rows, real, naming) for rows in sources]
    return [
        f"{count} of {len(rows.row)} examples of {rows.file} are real ones with another {cells.listed(schema.naming)}."
        for rows, count in zip(sources, counts, strict=True)
        if count
    ]


def _unknown(sets: Iterable[Rows], schema: Schema) -> list[str]:
    """A sentence for every column of a set that holds categories that the real file lacks, or nothing."""
    return [
        f"In column {name!r} {count} of {len(rows.row)} examples of {rows.file} hold nothing, or a category that the "
        "real file lacks: they count as none."
        for rows in sets
        for place, name in enumerate(schema.categorical)
        if (count := int((rows.categories[:, place] < 0).sum()))
    ]


def _fewer(rows: Rows, salt: str) -> Rows:
    """At most MOST of them, chosen by their content."""
    if len(set(rows.inputs)) <= MOST:
        return rows
    some = rows.take(splits.by_content(rows.inputs, validation=MOST, test=0, salt=salt).validation)
    why = f"beyond {MOST:,} different validation examples"
    return some._replace(left_out={**rows.left_out, why: len(rows.row) - len(some.row)})


def _repeated(codes: np.ndarray) -> float:
    """Share of examples that another one shares its code with."""
    _, counts = np.unique(codes, return_counts=True)
    return float(counts[counts > 1].sum() / len(codes))


def _set(name: str, rows: Rows, gone: dict[str, np.ndarray]) -> Set:
    """What is said of a set. gone: why -> which examples are left out, counted where it comes first."""
    left_out, used = dict(rows.left_out), np.ones(len(rows.row), bool)
    for why, some in gone.items():
        if count := int((some & used).sum()):
            left_out[why] = count
        used &= ~some
    return Set(name, rows.file, rows.total, int(used.sum()), int(used.sum()), left_out)
