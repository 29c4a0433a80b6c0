"""Weights of the score's four terms: literal, scale-free, as DAVINZ does, or fitted to retrained contributors.

Scale-free weights serve any table of costs, such as the terms of the score that are used, (k, C).
"""

from collections.abc import Sequence

import numpy as np
import scipy.optimize
from jaxtyping import Float

from valuation.methods.score_terms import Terms
from valuation.scale import significant


def value(terms: Sequence[np.ndarray], weights) -> Float[np.ndarray, " C"]:
    """Minus the weighted sum of k costs (C,), higher = better; weights (k,) or one row a contributor."""
    return -np.sum(np.stack(terms, -1) * np.asarray(weights), -1)


def scale_free(*terms: np.ndarray) -> Float[np.ndarray, " C"]:
    """Minus the sum of the costs (C,), each over its standard deviation; higher = better, without a unit."""
    return value(terms, scale_free_weights(terms))


def literal_weights(terms: Terms) -> Float[np.ndarray, "4"]:
    """Least squares of the four terms on (residual + discrepancy) / 2, as the paper's fit has been described.

    The target lies in the span of two of the terms: the weights are (1/2, 1/2, 0, 0) whatever the data.
    """
    target = (terms.residual + terms.discrepancy) / 2
    return np.linalg.lstsq(np.stack(terms, -1), target, rcond=None)[0]


def scale_free_weights(terms: Sequence[np.ndarray]) -> Float[np.ndarray, " k"]:
    """Each term over its standard deviation across the contributors; a constant term gets exactly 0."""
    return 1 / spreads(terms)


def spreads(terms: Sequence[np.ndarray]) -> Float[np.ndarray, " k"]:
    """Standard deviation of each term across the contributors; infinite for a term that is constant but for rounding.

    What is divided by it then weighs nothing, as a constant changes no difference between contributors.
    """
    table = np.stack(terms)
    spread = table.std(1)
    return np.where(significant(spread, np.abs(table).max(1)), spread, np.inf)


def kappa_weights(terms: Terms) -> Float[np.ndarray, "4"]:
    """(1, 1, kappa, 1), kappa = mean |discrepancy| / mean kernel term: the balance that DAVINZ strikes.

    kappa is 0 where the kernel term is constant, as where it vanishes.
    """
    varies = np.isfinite(spreads(terms)[2])
    return np.array([1.0, 1.0, np.abs(terms.discrepancy).mean() / terms.kernel.mean() if varies else 0.0, 1.0])


def calibrated_weights(terms: Sequence[np.ndarray], losses, members) -> Float[np.ndarray, "C t"]:
    """Non-negative weights fitted to the held-out losses of a few retrained contributors; one row a contributor.

    terms: t costs of all contributors, (C,) each. losses: held-out loss of each retrained contributor, (k,).
    members: which contributors those are, (k,).
    Least squares with an intercept, on standardised terms. The row of a retrained contributor is fitted without it.
    Raises ValueError for fewer than 2 of them.
    """
    table, members, losses = np.stack(terms, -1), np.asarray(members), np.asarray(losses)
    if len(members) < 2:
        raise ValueError("calibrated weights need at least 2 retrained contributors: one of them is left out")
    spread = spreads(terms)

    def fitted(keep) -> np.ndarray:
        rows = table[members[keep]] / spread
        sides = np.ones((len(rows), 1))
        return scipy.optimize.nnls(np.hstack([rows, sides, -sides]), losses[keep])[0][: len(terms)] / spread

    everyone = fitted(np.ones(len(members), bool))
    weights = np.tile(everyone, (len(table), 1))
    for position, member in enumerate(members):
        weights[member] = fitted(np.arange(len(members)) != position)
    return weights
