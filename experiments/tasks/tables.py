"""Tables: a class or a number is learned from real rows and from rows that generators draw of them."""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.data import splits, tables
from experiments.data.cells import listed
from experiments.data.own_files import Schema
from experiments.data.own_rows import Rows
from experiments.data.table_rows import left_out, rows_of
from experiments.synthetic.table_columns import Columns
from experiments.synthetic.tables_conditional import conditional_rows
from experiments.synthetic.tables_copula import copula_rows
from experiments.synthetic.tables_noise import noisy_rows
from experiments.tasks.own_tables import r_squared, regressor, scales_of, vectors
from experiments.tasks.sentiment import learner as classifier
from experiments.tasks.task import Task, classified, other_labels
from models.functional import Model
from models.mlp import mlp
from valuation.objective import Classification, Regression
from valuation.problem import Examples

PARTS = ("training", "validation", "test")  # of the split
GROUPS = 5  # of a target that is a number, by its quantiles: a truncated part keeps some of them
NEAR = 0.9999  # cosine similarity of the vectors of two rows
STRENGTHS: dict[str, tuple[float, ...]] = {
    "copula": (0.0, 0.5, 1.0), "conditional": (1, 5, 20), "noise": (0.5, 1.0, 2.0),
}  # fmt: skip


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/tables.py, of classes or of numbers.

    data_dir: as in archives.data_folder. mesh: not used. Raises ValueError as rows_of does, for numbers whose spread is
    not finite, for classes that a part of the split lacks and for fewer real rows than numbers a row.
    """
    table = tables.read(config, data_dir)
    schema, rows = rows_of(table.frame, table.target, table.kind)
    parts = splits.split(rows.examples, None, config.split)
    taken = {name: rows.take(index) for name, index in zip(PARTS, parts, strict=False)}
    check(schema, taken)
    scales = scales_of(taken["training"], taken["validation"], schema)
    learn, validation, test = (vectors(scales, schema, name, one) for name, one in taken.items())
    classes = table.kind == "class"
    columns = Columns(len(schema.numeric), tuple(map(len, schema.categorical.values())))
    build = partial(mlp, (columns.width, *config.model.widths, len(schema.classes) if classes else 1))
    model, recipe = (classifier if classes else regressor)(build, config.training)
    return Task(
        train=learn,
        validation=validation,
        test=test,
        groups=np.asarray(learn.targets) if classes else quantiles(np.asarray(learn.targets), GROUPS),
        objective=Classification(len(schema.classes)) if classes else Regression(),
        mechanisms={
            "copula": copula_rows(columns, learn, classes, jax.random.key(0)),
            "conditional": conditional_rows(columns, learn, classes),
            "noise": noisy_rows(columns, learn),
        },
        strengths=STRENGTHS,
        corrupt_labels=partial(other_labels, classes=len(schema.classes)) if classes else other_numbers,
        model=model,
        recipe=recipe,
        learner="dense",
        features=np.asarray,
        measure=classified if classes else explained,
        metric="accuracy" if classes else "R2",
        count_near_duplicates=partial(splits.near_overlap, similarity=NEAR),
        near_rule=f"cosine similarity of the rows of at least {NEAR}",
        notes={
            "dataset": table.says,
            "columns": f"{len(schema.numeric)} of numbers, {len(schema.categorical)} of categories",
            "duplicates dropped": len(parts.dropped),
            "train / validation / test": " / ".join(str(len(one.row)) for one in taken.values()),
            **left_out(schema),
            **unseen(schema, taken),
        },
    )


def check(schema: Schema, parts: dict[str, Rows]) -> None:
    """Raises ValueError, naming the class, for one that a part lacks, and for fewer training rows than numbers a row.

    parts: of the split, by the names PARTS.
    """
    real = parts["training"]
    width = len(schema.numeric) + sum(map(len, schema.categorical.values()))
    if len(real.row) <= width:
        raise ValueError(f"{real.file}: {len(real.row)} rows are left to train on, expected more than the {width} "
                         "numbers of a row: take a larger table, or a smaller split.test")  # fmt: skip
    for name, part in parts.items():
        for number, label in enumerate(schema.classes):
            if not (part.targets == number).any():
                raise ValueError(f"{part.file}, class {label!r} of column {schema.columns['target']!r}: none of the "
                                 f"{len(part.row)} {name} rows has it: raise split.{name} or leave it out")  # fmt: skip


def unseen(schema: Schema, parts: dict[str, Rows]) -> dict[str, str]:
    """For the report: categories, by column, that no validation row has, so that values cannot tell what they are
    worth, and those that validation or test rows have and no training row, so that nothing is learned of them.

    parts: of the split, by the names PARTS.
    """
    found: dict[str, list[str]] = {}
    for place, (name, known) in enumerate(schema.categorical.items()):
        learned, held_out, tested = (np.isin(range(len(known)), parts[part].categories[:, place]) for part in PARTS)
        for what, missing in (
            ("categories that no validation row has", ~held_out),
            ("categories that validation or test rows have and no training row", (held_out | tested) & ~learned),
        ):
            words = [word for word, gone in zip(known, missing, strict=True) if gone]
            found.setdefault(what, []).extend([f"{name!r}: {listed(words)}"] if words else [])
    return {what: "; ".join(said) for what, said in found.items() if said}


def quantiles(targets: np.ndarray, count: int) -> np.ndarray:
    """The group of every number, 0 to count - 1, by equal shares of them; (n,) int."""
    return np.searchsorted(np.quantile(targets, np.linspace(0, 1, count + 1)[1:-1]), targets, side="right")


def other_numbers(examples: Examples, wrong: np.ndarray, rng: np.random.Generator) -> Examples:
    """The examples with the number of another one of them where wrong: the `corrupt_labels` of a regression's task."""
    targets = np.asarray(examples.targets)
    others = (np.arange(len(targets)) + rng.integers(1, max(len(targets), 2), len(targets))) % len(targets)
    return examples._replace(targets=np.where(wrong, targets[others], targets))


def explained(model: Model, data: Examples) -> tuple[float, float]:
    """(R2, mean squared error in variances of the validation target): the `measure` of a regression's task."""
    share = r_squared(model, data)
    return share, 1 - share
