"""Somebody's own tables: a dense network on their columns learns a class or a number."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.tasks.own_data import Originals, Prepared, Prints, hashes, problem_of
from experiments.tasks.own_texts import accuracy
from experiments.tasks.sentiment import learner as classifier
from experiments.training.recipe import Recipe, adam
from models.functional import Model
from models.mlp import mlp
from valuation.kernel import outputs
from valuation.objective import Classification, Regression
from valuation.problem import Examples
from valuation.scale import check_rows

GRID = 0.02  # standard deviations: rows that are the same on this grid are near copies
NEAR_RULE = f"all columns but the target the same to {GRID:.0%} of their standard deviation"
LARGEST = 1e6  # standard deviations from the mean


class Table(NamedTuple):
    """n rows: columns of numbers by name, (n,) float; columns of words by name, n texts each; the target (n,).

    target: numbers of classes from 0 on, int, or numbers. rows: the place of each in the file, (n,) int.
    """

    numbers: Mapping[str, np.ndarray]
    words: Mapping[str, Sequence[str]]
    target: np.ndarray
    rows: np.ndarray


class Columns(NamedTuple):
    """How a row becomes a vector: mean and standard deviation of each column of numbers in the real file; the words of
    each column of words, in order, of which each has a number of its own, 0 or 1.
    """

    scales: dict[str, tuple[float, float]]
    words: dict[str, list[str]]


def prepare(
    names: Sequence[str],
    sets: Sequence[Table],
    validation: Table,
    classes: Sequence[str] | None,
    settings,
    key: jax.Array,
) -> Prepared:
    """The rows as vectors, a dense network, and its training.

    names, sets: the real rows first; all tables have the same columns. classes: their names; None where the target is a
    number, which is then counted in standard deviations of the validation set's from the real file's mean, so that
    1 - mean squared error is R2. settings: the group `table` of configs/sources.py.
    Raises ValueError for a target that is the same in all of validation, and for numbers far beyond those of the real
    file, as fill values are.
    """
    columns = columns_of(sets)
    centre, unit = (0.0, 1.0) if classes is not None else _scale(sets[0], validation)
    kind = np.int32 if classes is not None else np.float32
    held_out, *parts = [
        Examples(vectors(columns, name, one), ((one.target - centre) / unit if classes is None else one.target)
                 .astype(kind))
        for name, one in zip(("the validation set", *names), (validation, *sets), strict=True)
    ]  # fmt: skip
    width = held_out.inputs.shape[1]
    build = partial(mlp, (width, *settings.model.widths, len(classes) if classes is not None else 1))
    _, recipe = classifier(build, settings.training) if classes is not None else regressor(build, settings.training)
    shown = [
        originals(columns, one, classes, examples.inputs)
        for one, examples in zip((validation, *sets), (held_out, *parts), strict=True)
    ]
    problem = problem_of(
        names,
        parts,
        held_out,
        build=build,
        features=np.asarray,
        objective=Regression() if classes is None else Classification(len(classes)),
        learner="dense",
        key=key,
    )
    return Prepared(
        problem=problem,
        originals=tuple(shown[1:]),
        held_out=shown[0],
        recipe=recipe,
        measure=r_squared if classes is None else accuracy,
        learner=f"a dense network of {' and '.join(map(str, settings.model.widths))} units on {width} numbers a row",
        surrogate="a Gaussian ridge fit in closed form on the same numbers",
        metric="R2" if classes is None else "accuracy",
        target="number" if classes is None else "class",
        classes=list(classes or ()),
        offset=1.0 if classes is None else 0.0,
        most=1.0,
        near_rule=NEAR_RULE,
        notes=[],
    )


def columns_of(sets: Sequence[Table]) -> Columns:
    """Means and standard deviations of the first table, and the words of all of them; 1 for a column of a constant."""
    real = sets[0]
    scales = {name: (float(np.mean(column)), float(np.std(column)) or 1.0) for name, column in real.numbers.items()}
    words = {name: sorted(set().union(*(one.words[name] for one in sets))) for name in real.words}
    return Columns(scales, words)


def vectors(columns: Columns, name: str, table: Table) -> Float[np.ndarray, "n d"]:
    """The rows in standard deviations, a one at each row's word of each column; a word that is not known has none.

    name: of the table, for messages. Raises ValueError that names row and column of a number far beyond the real ones.
    """
    width = len(columns.scales) + sum(map(len, columns.words.values()))
    out = np.zeros((len(table.target), width), np.float32)
    for place, (column, (mean, spread)) in enumerate(columns.scales.items()):
        scaled = (np.asarray(table.numbers[column], np.float64) - mean) / spread
        far = np.abs(scaled) > LARGEST
        if far.any():
            row = int(far.argmax())
            raise ValueError(
                f"{name}: {table.numbers[column][row]:g} in column {column!r} of example {row} lies more than "
                f"{LARGEST:,.0f} standard deviations from the mean of the real file: is it a fill value?"
            )
        out[:, place] = scaled
    start = len(columns.scales)
    for column, known in columns.words.items():
        place_of = {word: start + place for place, word in enumerate(known)}
        places = np.array([place_of.get(word, -1) for word in table.words[column]], int)
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1
        start += len(known)
    check_rows(out, f"{name}: example")
    return out


def originals(
    columns: Columns, table: Table, classes: Sequence[str] | None, inputs: Float[np.ndarray, "n d"]
) -> Originals:
    """The columns and values of each row, and its target, in words. inputs: the rows as vectors."""

    def text(row: int) -> str:
        numbers = [f"{name}={float(table.numbers[name][row]):g}" for name in columns.scales]
        return ", ".join([*numbers, *(f"{name}={table.words[name][row]}" for name in columns.words)])

    def label(row: int) -> str:
        return f"{float(table.target[row]):g}" if classes is None else classes[int(table.target[row])]

    return Originals(table.rows, hashes(row.tobytes() for row in inputs), partial(grid_prints, inputs), text, label)


def grid_prints(inputs: Float[np.ndarray, "n d"], rows: slice) -> Prints:
    """One hash of each row, that of its numbers on a grid."""
    on_grid = np.rint(inputs[rows] / GRID).astype(np.int32)
    return np.arange(len(on_grid)), hashes(row.tobytes() for row in on_grid)


def regressor(build, training) -> tuple[Model, Recipe]:
    """The model that `build` makes of a key, and its training by Adam on the squared error.

    training: the group `training` of a config.
    """
    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return jnp.square(model.apply(params, frozen, examples.inputs)[:, 0] - examples.targets)

    return model, adam(loss, lambda key: build(key).params, model.frozen, training)


def r_squared(model: Model, examples: Examples) -> float:
    """1 - mean squared error of a trained model, in variances of the validation target."""
    errors = outputs(model, examples.inputs)[:, 0].astype(np.float64) - examples.targets
    return 1 - float(np.square(errors).mean())


def _scale(real: Table, validation: Table) -> tuple[float, float]:
    spread = float(np.std(validation.target))
    if not spread > 0:
        raise ValueError(
            f"the target is {validation.target[0]:g} in all {len(validation.target)} validation examples: "
            "expected numbers that differ"
        )
    return float(np.mean(real.target)), spread
