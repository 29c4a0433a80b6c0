"""How near a contributor's examples are to validation examples, by the angle between their features."""

import numpy as np
from jaxtyping import Float

from valuation.feature_space import contributor_features, validation_features
from valuation.problem import Problem

ROWS = 2048  # of a contributor, compared at a time


def embedding_similarity(problem: Problem) -> Float[np.ndarray, " C"]:
    """Mean over a contributor's examples of the largest cosine with a validation example, from -1 to 1; no unit.

    Angles are those at the medians of the validation features; an example that lies there has cosine 0 with all.
    O(n m d) a contributor. Looks at no target and trains nothing.
    """
    v = _directions(validation_features(problem)).T
    return np.array([_mean_largest(contributor_features(problem, one), v) for one in problem.contributors])


def _mean_largest(x: np.ndarray, v: np.ndarray) -> float:
    parts = (_directions(x[start : start + ROWS]) @ v for start in range(0, len(x), ROWS))
    return float(np.concatenate([part.max(1) for part in parts]).mean(dtype=np.float64))


def _directions(rows: np.ndarray) -> Float[np.ndarray, "n d"]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
