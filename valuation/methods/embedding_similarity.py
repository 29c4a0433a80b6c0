"""How near a contributor's examples are to validation examples, by the angle between their features."""

import numpy as np
from jaxtyping import Float

from valuation.feature_space import contributor_features, validation_features
from valuation.problem import Problem
from valuation.scale import significant

ROWS = 2048  # of a contributor, compared at a time


def embedding_similarity(problem: Problem) -> Float[np.ndarray, " C"]:
    """Mean over a contributor's examples of the largest cosine with a validation example, from -1 to 1; no unit.

    Angles are those at the medians of the validation features; an example that lies there has cosine 0 with all.
    O(n m d) a contributor. Looks at no target and trains nothing. Raises ValueError for a validation set of one point.
    """
    v = validation_features(problem)
    scale = float(np.linalg.norm(v, axis=1).max())
    if not scale:
        raise ValueError(
            f"all {len(v)} validation examples have the same features, so that nothing lies at an angle to another: "
            "expected different ones"
        )
    columns = _directions(v, scale).T
    return np.array([_mean_largest(contributor_features(problem, one), columns, scale) for one in problem.contributors])


def _mean_largest(x: np.ndarray, columns: np.ndarray, scale: float) -> float:
    parts = (_directions(x[start : start + ROWS], scale) @ columns for start in range(0, len(x), ROWS))
    return float(np.concatenate([part.max(1) for part in parts]).mean(dtype=np.float64))


def _directions(rows: np.ndarray, scale: float) -> Float[np.ndarray, "n d"]:
    """Rows of length 1, or 0 where a length is no more than the rounding of one like `scale`."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=significant(lengths, scale))
