"""Rows with noise: Gaussian on numbers, other categories by chance. Targets stay."""

from functools import partial

import jax
import numpy as np

from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism
from experiments.synthetic.table_columns import Columns, cells_of, vectors_of
from valuation.problem import Examples


def noisy_rows(columns: Columns, real: Examples) -> Mechanism:
    """The mechanism. Its strength s: standard deviation of what is added to numbers, which have about 1; a category is
    drawn anew from those of its column in `real` with probability s / (1 + s).
    """
    return partial(_made, columns, cells_of(columns, real.inputs)[:, columns.numbers :])


def _made(columns: Columns, words: np.ndarray, examples: Examples, strength: float, key: jax.Array) -> Examples:
    if strength < 0:
        raise ValueError(f"noise: strength {strength}, expected a standard deviation of 0 or more")
    rng, cells = generator(key), cells_of(columns, examples.inputs)
    numbers, codes = cells[:, : columns.numbers], cells[:, columns.numbers :]
    others = np.take_along_axis(words, rng.integers(0, len(words), codes.shape), axis=0)
    anew = rng.random(codes.shape) < strength / (1 + strength)
    noise = strength * rng.normal(size=numbers.shape)
    made = np.concatenate([numbers + noise, np.where(anew, others, codes)], axis=1)
    return examples._replace(inputs=vectors_of(columns, made))
