"""Precision and recall of support: does a contributor hold what is real, and all of it? (theory/README.md, 3.10)

Every validation example has a ball that reaches to its k-th nearest other validation example. The balls are the same
for all contributors, so that a small one has no larger balls than a large one.
"""

import numpy as np
from jaxtyping import Float

from valuation.discrepancy import distance_table


def squared_radii(rows: Float[np.ndarray, "m d"], nearest: int) -> Float[np.ndarray, " m"]:
    """Squared distance of every row to its k-th nearest other row, in squared units of a feature.

    nearest: k, at least 1; of fewer rows the farthest. Raises ValueError for less than two rows.
    """
    if len(rows) < 2:
        raise ValueError(f"balls of real examples need two of them, the validation set has {len(rows)}")
    between = distance_table(rows, rows).copy()
    np.fill_diagonal(between, np.inf)
    return np.partition(between, min(nearest, len(rows) - 1) - 1, axis=1)[:, min(nearest, len(rows) - 1) - 1]


def support_precision(distances: Float[np.ndarray, "m n"], radii: Float[np.ndarray, " m"]) -> float:
    """Share of n examples that lie in the ball of some real one, in [0, 1].

    distances: squared, of m real examples to n others. radii: squared, of the balls of the real ones.
    """
    return float((distances <= radii[:, None]).any(0).mean())


def support_recall(distances: Float[np.ndarray, "m n"], radii: Float[np.ndarray, " m"]) -> float:
    """Share of m real examples whose ball holds at least one of n others, in [0, 1]: what of the tail is covered.

    Arguments as above.
    """
    return float((distances <= radii[:, None]).any(1).mean())
