"""How well values agree with the truth. Arrays in, numbers out.

D draws, C contributors, S seeds, M methods, B resamples.
"""

from itertools import combinations

import numpy as np
import scipy.stats
from jaxtyping import Float

CORRELATIONS = {
    "spearman": scipy.stats.spearmanr,
    "pearson": scipy.stats.pearsonr,
    "kendall": scipy.stats.kendalltau,
}


def correlation(kind: str, values: Float[np.ndarray, " C"], truth: Float[np.ndarray, " C"]) -> float:
    """The correlation of that kind; NaN where one side is constant, since it orders nothing."""
    if len(values) < 2 or np.ptp(values) == 0 or np.ptp(truth) == 0:
        return float("nan")
    return float(CORRELATIONS[kind](values, truth).statistic)


def seed_agreement(truth: Float[np.ndarray, "C S"]) -> float:
    """r: mean Spearman correlation between the truths of two single seeds. NaN for one seed."""
    pairs = [correlation("spearman", truth[:, i], truth[:, j]) for i, j in combinations(range(truth.shape[1]), 2)]
    return float(np.mean(pairs)) if pairs else float("nan")


def ceiling(agreement: float, seeds: int) -> float:
    """sqrt(s r / (1 + (s-1) r)): the correlation that a perfect value can expect with the mean of s seeds."""
    spread = 1 + (seeds - 1) * agreement
    return float(np.sqrt(max(seeds * agreement / spread, 0.0))) if spread > 0 else 0.0


def validation_agreement(validation: Float[np.ndarray, "C S"], truth: Float[np.ndarray, "C S"]) -> float:
    """How well models' validation metric orders contributors by the truth of other seeds: mean over seeds of Spearman.

    For every seed the mean validation metric of the other seeds' models, against that seed's truth: no model stands on
    both sides, so that nothing that one training did by chance counts as foresight. NaN for one seed.
    """
    seeds = range(truth.shape[1])
    others = [[s for s in seeds if s != t] for t in seeds]
    if not all(others):
        return float("nan")
    pairs = [(validation[:, o].mean(1), truth[:, t]) for o, t in zip(others, seeds, strict=True)]
    return float(np.mean([correlation("spearman", *pair) for pair in pairs]))


def validation_ceiling(measured: float, truth: float, validation: float, seeds: int, most: float) -> float:
    """The correlation with the mean truth of s seeds that the expected validation metric itself would have.

    measured: validation_agreement. truth, validation: seed_agreement r of the truth and r_v of the validation metric.
    most: `ceiling` of r and s. With truth = quality + noise of a seed, and so the validation metric, a mean of k seeds
    correlates with the expectation as c(r, k) = sqrt(k r / (1 + (k-1) r)), the ceiling. So `measured` is
    rho c(r_v, s-1) c(r, 1), where rho is the correlation of the two expected metrics, which differ by the examples that
    they are taken on; returned is rho c(r, s), rho at most 1. NaN where seeds do not agree.
    """
    reliable = ceiling(truth, 1) * ceiling(validation, seeds - 1)
    return float(min(measured / reliable, 1.0) * most) if reliable > 0 else float("nan")


def regret(values: Float[np.ndarray, " C"], truth: Float[np.ndarray, " C"]) -> float:
    """Truth lost by taking the contributor of the highest value instead of the truly best one."""
    return float(truth.max() - truth[int(np.argmax(values))])


def bootstrap(
    values: list[Float[np.ndarray, "M C"]], truth: list[Float[np.ndarray, "C S"]], count: int, seed: int
) -> Float[np.ndarray, "B M"]:
    """Mean within-draw Spearman of every method in `count` resamples of draws, contributors and seeds.

    All methods see the same resamples, so that the difference of two columns is a paired one. values and truth hold
    one array a draw. A resample in which a method or the truth is constant counts as correlation 0.
    """
    rng = np.random.default_rng(seed)
    draws = [_resampled(v, t, count, rng) for v, t in zip(values, truth, strict=True)]
    chosen = rng.integers(0, len(draws), (count, len(draws)))
    return np.stack(draws)[chosen, np.arange(count)[:, None]].mean(1)


def interval(samples: Float[np.ndarray, " B"], level: float = 0.95) -> tuple[float, float]:
    """The central interval of that level."""
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resampled(values, truth, count, rng) -> Float[np.ndarray, "B M"]:
    contributors, seeds = truth.shape
    rows = rng.integers(0, contributors, (count, contributors))
    columns = rng.integers(0, seeds, (count, seeds))
    mean_truth = truth[:, columns].mean(2).T  # (B, C)
    target = standard_ranks(np.take_along_axis(mean_truth, rows, 1))
    return np.stack([(standard_ranks(method[rows]) * target).sum(1) for method in values], 1)


def standard_ranks(table: Float[np.ndarray, "B C"]) -> Float[np.ndarray, "B C"]:
    """Ranks of every row (ties averaged), centred and of unit length; zeros where the row is constant."""
    ranks = scipy.stats.rankdata(table, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
