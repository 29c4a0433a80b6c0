"""How many different things a set holds: clusters among a few, and the effective number of examples
(theory/README.md, 3.10).
"""

import numpy as np
from jaxtyping import Float, Int

from valuation.discrepancy import distance_table


def cluster_diversity(rows: Float[np.ndarray, "n d"], threshold: float, rng: np.random.Generator, *, each: int = 10,
                      draws: int = 100) -> float:  # fmt: skip
    """D: mean over draws of (clusters) / (mean size of a cluster) of a few examples, between 1/K and K.

    rows: features. threshold: mean distance up to which two clusters are one, in the unit of a feature.
    each: K examples a draw, or all where there are fewer. draws: how many.
    """
    count = min(each, len(rows))
    if count < 2:
        return 1.0
    chosen = np.stack([rng.choice(len(rows), count, replace=False) for _ in range(draws)])
    used, places = np.unique(chosen, return_inverse=True)
    places = places.reshape(chosen.shape)
    between = np.sqrt(distance_table(rows[used], rows[used]), dtype=np.float64)
    found = cluster_counts(between[places[:, :, None], places[:, None]], threshold)
    return float(np.mean(np.square(found) / count))


def cluster_counts(distances: Float[np.ndarray, "s k k"], threshold: float) -> Int[np.ndarray, " s"]:
    """Number of clusters of average linkage in each of s small sets: the closest two are joined until none are within
    the threshold, in the unit of the distances.
    """
    apart, counts = distances.copy(), np.full(len(distances), distances.shape[1])
    sizes, sets = np.ones(apart.shape[:2]), np.arange(len(apart))
    apart[:, np.eye(apart.shape[1], dtype=bool)] = np.inf
    for _ in range(apart.shape[1] - 1):
        closest = apart.reshape(len(apart), -1).argmin(1)
        a, b = np.divmod(closest, apart.shape[1])
        s = sets[apart[sets, a, b] <= threshold]
        a, b, both = a[s], b[s], (sizes[s, a[s]] + sizes[s, b[s]])[:, None]
        joined = (sizes[s, a, None] * apart[s, a] + sizes[s, b, None] * apart[s, b]) / both
        joined[np.arange(len(s)), a] = np.inf
        apart[s, a], apart[s, :, a] = joined, joined
        apart[s, b], apart[s, :, b] = np.inf, np.inf
        sizes[s, a] = both[:, 0]
        counts[s] -= 1
    return counts


def vendi_score(kernel: Float[np.ndarray, "n n"]) -> float:
    """exp of the entropy of the eigenvalues of K/n: the effective number of different examples, between 1 and n.

    kernel: symmetric, positive, with ones on the diagonal; no unit. One n^3 eigendecomposition in float64.
    """
    values = np.linalg.eigvalsh(np.asarray(kernel, np.float64) / len(kernel))
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))
