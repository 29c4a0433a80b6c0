"""How right scores of single examples are. Arrays in, numbers out. n training examples, m queries, S subsets."""

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float


def datamodelling(
    scores: Float[np.ndarray, "n m"], kept: Bool[np.ndarray, "S n"], outputs: Float[np.ndarray, "S m"]
) -> Float[np.ndarray, " m"]:
    """Linear datamodelling score of every query (Park et al., ICML 2023): Spearman over subsets of the sum of the
    scores of the examples that a subset holds with what models trained on it say. 0 where one side is constant.
    """
    foretold = kept.astype(float) @ scores
    return np.array([_spearman(a, b) for a, b in zip(foretold.T, outputs.T, strict=True)])


def interval(each: Float[np.ndarray, " m"], count: int, rng: np.random.Generator) -> tuple[float, float]:
    """95 % of the mean over queries, by bootstrap over them."""
    means = each[rng.integers(0, len(each), (count, len(each)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def found(values: Float[np.ndarray, " n"], wrong: Bool[np.ndarray, " n"]) -> float:
    """Area under the ROC curve of finding the wrong examples by their low values; 0.5 is chance (ties count half)."""
    ranks = scipy.stats.rankdata(values)
    bad, good = int(wrong.sum()), int((~wrong).sum())
    if not bad or not good:
        raise ValueError(f"{bad} wrong and {good} right examples: expected some of both")
    return float(1 - (ranks[wrong].sum() - bad * (bad + 1) / 2) / (bad * good))


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(scipy.stats.spearmanr(a, b).statistic)
