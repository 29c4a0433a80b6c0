"""Somebody's own tables: a dense network on their columns learns a class or a number."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.data.own_files import Schema
from experiments.data.own_rows import Rows
from experiments.tasks.own_data import Originals, Prepared, Prints, codes_of, hashes, problem_of
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


class Scales(NamedTuple):
    """Mean and standard deviation of each column of numbers in the real file, (p,); how many words each column of
    words has, q of them; mean and unit of a target that is a number, 0 and 1 of classes.
    """

    means: np.ndarray
    spreads: np.ndarray
    words: list[int]
    centre: float
    unit: float


def prepare(
    names: Sequence[str], sets: Sequence[Rows], validation: Rows, schema: Schema, settings, key: jax.Array
) -> Prepared:
    """The rows as vectors, a dense network, and its training.

    A target that is a number is counted from the real file's mean in standard deviations of the validation set's, so
    that 1 - mean squared error is R2.
    names, sets: the real rows first. settings: the group `table` of configs/sources.py.
    Raises ValueError for a target that is the same in all of validation, and for numbers far beyond those of the real
    file, as fill values are.
    """
    classes = schema.target == "class"
    scales = scales_of(sets[0], validation, schema)
    held_out, *parts = [
        vectors(scales, schema, name, one)
        for name, one in zip(("the validation set", *names), (validation, *sets), strict=True)
    ]
    width = held_out.inputs.shape[1]
    build = partial(mlp, (width, *settings.model.widths, len(schema.classes) if classes else 1))
    model, recipe = (classifier if classes else regressor)(build, settings.training)
    shown = [
        originals(one, schema, examples.inputs)
        for one, examples in zip((validation, *sets), (held_out, *parts), strict=True)
    ]
    return Prepared(
        problem=problem_of(
            names,
            parts,
            held_out,
            model=model,
            features=np.asarray,
            objective=Classification(len(schema.classes)) if classes else Regression(),
            learner="dense",
            key=key,
        ),
        originals=tuple(shown[1:]),
        held_out=shown[0],
        recipe=recipe,
        measure=accuracy if classes else r_squared,
        learner=f"a dense network of {' and '.join(map(str, settings.model.widths))} units on {width} numbers a row",
        surrogate="a Gaussian ridge fit in closed form on the same numbers",
        metric="accuracy" if classes else "R2",
        offset=0.0 if classes else 1.0,
        most=1.0,
        near_rule=NEAR_RULE,
        notes=[],
    )


def scales_of(real: Rows, validation: Rows, schema: Schema) -> Scales:
    """From the real file, and the unit of the target from validation; 1 for what is the same in every row.

    Raises ValueError for a target that is the same in all of validation, and for numbers so large that a column has no
    finite standard deviation, naming row and column of the largest.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        means, spreads = real.numbers.mean(0), real.numbers.std(0)
    for place, column in enumerate(schema.numeric):
        check_spread(real, column, real.numbers[:, place], spreads[place])
    words = [len(known) for known in schema.categorical.values()]
    centre, unit = 0.0, 1.0
    if schema.target == "number":
        with np.errstate(over="ignore", invalid="ignore"):
            centre, unit = float(real.targets.mean()), float(validation.targets.std())
            spread = float(real.targets.std())
        check_spread(real, schema.columns["target"], real.targets, spread)
        check_spread(validation, schema.columns["target"], validation.targets, unit)
        if not unit > 0:
            raise ValueError(
                f"the target is {validation.targets[0]:g} in all {len(validation.targets)} validation examples: "
                "expected numbers that differ"
            )
    return Scales(means, np.where(spreads > 0, spreads, 1.0), words, centre, unit)


def check_spread(rows: Rows, column: str, numbers: Float[np.ndarray, " n"], spread: float) -> None:
    """Raises ValueError that names row and column of the largest of the numbers if their spread is not finite."""
    if not np.isfinite(spread):
        first = int(np.abs(numbers).argmax())
        raise ValueError(
            f"{rows.file}, row {rows.row[first]}, column {column!r}: {numbers[first]:g} is so large that the column "
            "has no finite standard deviation: is it a fill value?"
        )


def vectors(scales: Scales, schema: Schema, name: str, rows: Rows) -> Examples:
    """The rows: numbers in standard deviations, a one at each row's word of each column; a word that is not known has
    none. name: of the set. Raises ValueError that names row and column of a number far beyond the real ones.
    """
    columns = len(scales.means)
    out = np.zeros((len(rows.row), columns + sum(scales.words)), np.float32)
    for place, column in enumerate(schema.numeric):
        with np.errstate(over="ignore"):
            scaled = (rows.numbers[:, place] - scales.means[place]) / scales.spreads[place]
        far = ~(np.abs(scaled) <= LARGEST)
        if far.any():
            first = int(far.argmax())
            raise ValueError(
                f"{rows.file}, row {rows.row[first]}, column {column!r}: {rows.numbers[first, place]:g} lies more than "
                f"{LARGEST:,.0f} standard deviations from the mean of the real file: is it a fill value?"
            )
        out[:, place] = scaled
    start = columns
    for place, count in enumerate(scales.words):
        known = np.flatnonzero(rows.categories[:, place] >= 0)
        out[known, start + rows.categories[known, place]] = 1
        start += count
    if schema.target == "class":
        return Examples(out, rows.targets)
    targets = (rows.targets - scales.centre) / scales.unit
    check_rows(targets, f"{name}: the target of example")
    return Examples(out, targets.astype(np.float32))


def originals(rows: Rows, schema: Schema, inputs: Float[np.ndarray, "n d"]) -> Originals:
    """The columns and values of each row, and its target, in words. inputs: the rows as vectors."""

    def text(place: int) -> str:
        numbers = [f"{name}={rows.numbers[place, i]:g}" for i, name in enumerate(schema.numeric)]
        numbered = ((name, known, int(rows.categories[place, i])) for i, (name, known) in
                    enumerate(schema.categorical.items()))  # fmt: skip
        return ", ".join([*numbers, *(f"{name}={known[i] if i >= 0 else '?'}" for name, known, i in numbered)])

    def label(place: int) -> str:
        target = rows.targets[place]
        return schema.classes[int(target)] if schema.target == "class" else f"{float(target):g}"

    return Originals(rows.row.tolist(), codes_of(rows.inputs), partial(grid_prints, inputs), text, label)


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
