"""Synthetic patients in three parts, each fitted apart: covariates, treatment given them, outcome given both.

STEAM (arXiv 2510.18768): x from a generator of tables, w ~ Bernoulli(pi(x)), y = mu_w(x) and a residual of that arm.
Both mechanisms keep the outcomes' group: they make as many patients of every fifth of the outcome as they are given.
"""

from functools import partial

import jax
import numpy as np

from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism
from experiments.synthetic.table_columns import Columns, cells_of, vectors_of
from experiments.synthetic.tables_copula import Copula, draw, draw_given, fit
from theory.effects import least_squares
from theory.treatment import check_arms, propensities, with_one
from valuation.problem import Examples


def patients_in_parts(columns: Columns, real: Examples, groups: int, key: jax.Array) -> Mechanism:
    """The mechanism. Its strength: the share of the covariates' correlations that is kept, in [0, 1].

    columns: of the covariates. real: rows whose inputs are the covariates' vector, then the treatment; what all three
    parts are fitted to. groups: of equal size by the outcome, 5 for fifths: a patient made for an example lies in the
    group, among the patients made, that the example lies in among the real ones. key: of the order of ties.
    Raises ValueError for a treatment with one arm.
    """
    x, w = real.inputs[:, :-1], np.asarray(real.inputs[:, -1], np.float64)
    check_arms(w)
    return partial(_made, columns, real, groups, fit(cells_of(columns, x), generator(key)))


def patients_by_copula(columns: Columns, real: Examples, key: jax.Array) -> Mechanism:
    """The mechanism that knows no causes: one copula of covariates, treatment and outcome. Strength as above.

    Covariates and treatment are drawn given the outcomes of the examples.
    """
    cells = np.column_stack([cells_of(columns, real.inputs[:, :-1]), real.inputs[:, -1], real.targets])
    return partial(_joint, columns, fit(cells.astype(np.float64), generator(key)))


def _made(columns: Columns, real: Examples, groups: int, copula: Copula, examples: Examples, strength: float, key):
    rng, count = generator(key), groups * len(examples.inputs)  # so that every group has enough for all
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
    wanted = _groups_of(np.searchsorted(np.sort(y_real), examples.targets), len(y_real), groups)
    made, rows = _groups_of(y.argsort().argsort(), count, groups), np.empty(len(wanted), np.int64)
    for group in range(groups):
        rows[wanted == group] = np.flatnonzero(made == group)[: (wanted == group).sum()]
    return Examples(np.column_stack([x, w])[rows].astype(np.float32), y[rows].astype(np.float32))


def _groups_of(ranks: np.ndarray, count: int, groups: int) -> np.ndarray:
    """The group of every rank among `count`, from 0 on; a rank above all is of the last."""
    return np.minimum(ranks * groups // count, groups - 1)


def _joint(columns: Columns, copula: Copula, examples: Examples, strength: float, key) -> Examples:
    cells = draw_given(copula, np.asarray(examples.targets, np.float64), _share(strength), generator(key))
    x = vectors_of(columns, cells[:, :-1])
    return examples._replace(inputs=np.column_stack([x, cells[:, -1]]).astype(np.float32))


def _share(strength: float) -> float:
    if not 0 <= strength <= 1:
        raise ValueError(f"patients: strength {strength}, expected the share of correlations that is kept, in [0, 1]")
    return strength
