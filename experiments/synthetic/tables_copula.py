"""Rows of a Gaussian copula with the real marginals: columns look as they are, and go together as normal scores do.

Patki et al. 2016 (the Synthetic Data Vault). Every column becomes normal scores z = Phi^-1(F(x)), of a tie (a category)
a random one within its step; their correlations R are estimated; new scores are drawn, given the target, and each is
mapped to the value of that rank in its column. With strength s the correlations are s R + (1 - s) I.
"""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism
from experiments.synthetic.table_columns import Columns, cells_of, vectors_of
from valuation.problem import Examples


class Copula(NamedTuple):
    """values: (n, c) every column in order. correlations: (c, c) of their normal scores."""

    values: np.ndarray
    correlations: np.ndarray


def fit(cells: Float[np.ndarray, "n c"], rng: np.random.Generator) -> Copula:
    """The copula of rows of numbers and codes; a column that is the same everywhere goes with none."""
    scores = normal_scores(cells, rng)
    spread = scores.std(0)
    whole = np.where(spread > 0, (scores - scores.mean(0)) / np.where(spread > 0, spread, 1), 0)
    correlations = whole.T @ whole / len(cells)
    np.fill_diagonal(correlations, 1)
    return Copula(np.sort(cells, axis=0), correlations)


def normal_scores(cells: Float[np.ndarray, "n c"], rng: np.random.Generator) -> Float[np.ndarray, "n c"]:
    """Phi^-1 of every cell's rank in its column over n; of equal cells in a random order."""
    ties = rng.random(cells.shape)
    ranks = np.stack([np.lexsort(pair).argsort() for pair in zip(ties.T, cells.T, strict=True)], axis=1)
    return norm.ppf((ranks + 0.5) / len(cells))


def draw(copula: Copula, count: int, strength: float, rng: np.random.Generator) -> Float[np.ndarray, "m c"]:
    """So many rows. strength: share of the correlations that is kept, in [0, 1]; 0: nothing but marginals."""
    root = root_of(_shrunk(copula, strength))
    return at_scores(copula.values, rng.normal(size=(count, len(root))) @ root.T)


def draw_given(
    copula: Copula, last: Float[np.ndarray, " m"], strength: float, rng: np.random.Generator
) -> Float[np.ndarray, "m c-1"]:
    """Rows without the last column, given its values: normal with mean r z and covariance R - r r'."""
    values, kept = copula.values[:, -1], _shrunk(copula, strength)
    below, upto = (np.searchsorted(values, last, side) for side in ("left", "right"))
    share = below + rng.random(len(last)) * (upto - below)
    z = norm.ppf(np.clip(share / len(values), 0.5 / len(values), 1 - 0.5 / len(values)))
    r = kept[:-1, -1]
    root = root_of(kept[:-1, :-1] - np.outer(r, r))
    return at_scores(copula.values[:, :-1], z[:, None] * r + rng.normal(size=(len(last), len(r))) @ root.T)


def at_scores(values: Float[np.ndarray, "n c"], scores: Float[np.ndarray, "m c"]) -> Float[np.ndarray, "m c"]:
    """Of every column, in order in `values`, the value of the rank Phi(score) n."""
    rows = np.minimum((norm.cdf(scores) * len(values)).astype(np.int64), len(values) - 1)
    return np.take_along_axis(values, rows, axis=0)


def copula_rows(columns: Columns, real: Examples, classes: bool, key: jax.Array) -> Mechanism:
    """The mechanism that draws rows given the target, of a copula a class or of one with the target as last column.

    real: what it is fitted to. classes: whether targets are classes. key: of the order of ties.
    """
    rng, cells, targets = generator(key), cells_of(columns, real.inputs), np.asarray(real.targets)
    if classes:
        fitted = {int(c): fit(cells[targets == c], rng) for c in np.unique(targets)}
    else:
        fitted = {0: fit(np.column_stack([cells, targets]), rng)}
    return partial(_made, columns, fitted, classes)


def _made(columns: Columns, fitted: dict[int, Copula], classes: bool, examples: Examples, strength: float, key):
    if not 0 <= strength <= 1:
        raise ValueError(f"copula: strength {strength}, expected the share of correlations that is kept, in [0, 1]")
    rng, targets = generator(key), np.asarray(examples.targets)
    if not classes:
        return examples._replace(inputs=vectors_of(columns, draw_given(fitted[0], targets, strength, rng)))
    cells = np.empty((len(targets), columns.numbers + len(columns.words)))
    for c in np.unique(targets):
        rows = targets == c
        cells[rows] = draw(fitted[int(c)], int(rows.sum()), strength, rng)
    return examples._replace(inputs=vectors_of(columns, cells))


def _shrunk(copula: Copula, strength: float) -> np.ndarray:
    return strength * copula.correlations + (1 - strength) * np.eye(len(copula.correlations))


def root_of(matrix: np.ndarray) -> np.ndarray:
    """A root of a positive matrix, which may be singular."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0))
