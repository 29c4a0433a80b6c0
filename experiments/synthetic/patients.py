"""Synthetic patients in three parts, each fitted apart: covariates, treatment given them, outcome given both.

STEAM (arXiv 2510.18768): x from a generator of tables, w ~ Bernoulli(pi(x)), y = mu_w(x) and a residual of that arm.
"""

from functools import partial

import jax
import numpy as np

from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism
from experiments.synthetic.table_columns import Columns, cells_of, vectors_of
from experiments.synthetic.tables_copula import Copula, draw, fit
from theory.effects import check_arms, least_squares, propensities, with_one
from valuation.problem import Examples


def patients_in_parts(columns: Columns, real: Examples, key: jax.Array) -> Mechanism:
    """The mechanism. Its strength: the share of the covariates' correlations that is kept, in [0, 1].

    columns: of the covariates. real: rows whose inputs are the covariates' vector, then the treatment; what all three
    parts are fitted to. key: of the order of ties. Raises ValueError for a treatment with one arm.
    """
    x, w = real.inputs[:, :-1], np.asarray(real.inputs[:, -1], np.float64)
    check_arms(w)
    return partial(_made, columns, real, fit(cells_of(columns, x), generator(key)))


def patients_by_copula(columns: Columns, real: Examples, key: jax.Array) -> Mechanism:
    """The mechanism that knows no causes: one copula of covariates, treatment and outcome. Strength as above."""
    cells = np.column_stack([cells_of(columns, real.inputs[:, :-1]), real.inputs[:, -1], real.targets])
    return partial(_joint, columns, fit(cells.astype(np.float64), generator(key)))


def _made(columns: Columns, real: Examples, copula: Copula, examples: Examples, strength: float, key) -> Examples:
    rng, count = generator(key), len(examples.inputs)
    x_real, w_real = np.asarray(real.inputs[:, :-1], np.float64), np.asarray(real.inputs[:, -1], np.float64)
    y_real = np.asarray(real.targets, np.float64)
    x = vectors_of(columns, draw(copula, count, _share(strength), rng))
    w = (rng.random(count) < propensities(x_real, w_real, x.astype(np.float64))).astype(np.float64)
    y = np.empty(count)
    for arm in (0, 1):
        known, asked = w_real == arm, w == arm
        design = with_one(x_real[known])
        b = least_squares(design, y_real[known]).coefficients
        residuals = y_real[known] - design @ b
        y[asked] = with_one(x[asked].astype(np.float64)) @ b + rng.choice(residuals, asked.sum())
    return Examples(np.column_stack([x, w]).astype(np.float32), y.astype(np.float32))


def _joint(columns: Columns, copula: Copula, examples: Examples, strength: float, key) -> Examples:
    cells = draw(copula, len(examples.inputs), _share(strength), generator(key))
    x = vectors_of(columns, cells[:, :-2])
    return Examples(np.column_stack([x, cells[:, -2]]).astype(np.float32), cells[:, -1].astype(np.float32))


def _share(strength: float) -> float:
    if not 0 <= strength <= 1:
        raise ValueError(f"patients: strength {strength}, expected the share of correlations that is kept, in [0, 1]")
    return strength
