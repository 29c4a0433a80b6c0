"""A linear fit on the problem's features (theory/README.md, 3.4)."""

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import contributor_targets
from valuation.closed_form import utilities
from valuation.feature_space import shared_source
from valuation.linear_ridge import linear_ridge
from valuation.problem import Contributor, Problem
from valuation.workers import progress_over


def linear_utility(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of linear ridge regression with a free intercept on the features.

    ridge: lambda = ridge * mean squared length of the contributor's features, which are centred at their mean.
    In units of the objective's utility; of classes the predicted accuracy. Uses validation targets, trains nothing.
    O(n d min(n, d)) a contributor; from d examples on its inputs are read in blocks and may lie on disk, and memory is
    that of linear_ridge.memory_bytes, beside 8 n c bytes for targets.
    """

    def predicted(contributor: Contributor) -> Float[np.ndarray, "m c"]:
        data, v = shared_source(problem, contributor, contributor_targets(problem, contributor))
        return linear_ridge(data, v, ridge=ridge, progress=progress_over(data.count))

    return utilities(problem, predicted)
