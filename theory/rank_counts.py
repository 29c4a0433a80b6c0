"""Counts of ranks: how often each was drawn, checked; and one law fitted to them (theory/README.md, section 4).

Ranks are rows: counts[0] is how often the most frequent item of the reference order was drawn. Float64 NumPy.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
NORMAL = float(stats.norm.ppf((1 + LEVEL) / 2))
# rise of 2 log L at the end of a support: twice an exponential, not chi2_1 (4.3)
EDGE = float(stats.chi2.ppf(LEVEL, 2))


class Fit(NamedTuple):
    """One law at its maximum likelihood; intervals hold 95 % if draws are independent. A cutoff may be infinite."""

    law: str
    parameters: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    log_likelihood: float
    bic: float


def fit_of(
    law: str,
    parameters: dict[str, float],
    intervals: dict[str, tuple[float, float]],
    *,
    log_likelihood: float,
    free: int,
    counts: Float[np.ndarray, "i"],
) -> Fit:
    """The Fit with its BIC, free log N - 2 log L; free: how many parameters were fitted; N: the sum of the counts."""
    bic = float(free * np.log(counts.sum()) - 2 * log_likelihood)
    return Fit(law, parameters, intervals, float(log_likelihood), bic)


def cutoff_of(rate: float) -> float:
    """The cutoff of exp(-rate * rank), 1 / rate; infinite for a rate of 0 or less."""
    return float(1 / rate) if rate > 0 else np.inf


def checked_counts(name: str, values: ArrayLike) -> Float[np.ndarray, "i"]:
    """The counts as float64. Raises ValueError, naming `name`, unless they are one row, finite, >= 0 and not all 0."""
    counts = np.asarray(values, float)
    if counts.ndim != 1 or not np.isfinite(counts).all() or (counts < 0).any() or not counts.sum() > 0:
        raise ValueError(f"{name} holds how often each rank was drawn: one row, at least 0 each, not all 0")
    return counts
