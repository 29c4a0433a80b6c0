"""How sure the difference of two unions' utilities is: a delete-block jackknife over examples, and the spread over
validation rows (theory/README.md, 3.9).

Bootstraps of examples would make duplicates, which no union of parts has; so examples are left out, a block at a time.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float, Int

from valuation.objective import pooled
from valuation.unions import Evaluate, Layout, checked

NORMAL = 1.96  # standard errors to either side that hold 95 % of a normal distribution
BLOCKS = 8  # about as many are left out of each contributor


class Difference(NamedTuple):
    """A difference of two utilities. interval: 95 %.

    examples, rows: standard errors from the examples that were fitted, and from the validation rows.
    """

    value: float
    interval: tuple[float, float]
    examples: float
    rows: float


def difference(
    evaluate: Evaluate,
    blocks: Layout,
    first: Float[np.ndarray, " B"],
    second: Float[np.ndarray, " B"],
    *,
    unit: str = "metric",
    about: int = BLOCKS,
) -> Difference:
    """Utility of the fit on the first union minus that on the second, such as those with and without a source.

    What both hold is left out of both at once. Of every contributor about an `about`-th of its examples is left out at
    a time, so that there are 2 * about fits a contributor at most; one with a single block adds nothing to the error.
    unit: as in Scores.utility. The interval is value -+ t s with s^2 the sum of the contributors' jackknife variances
    and of the variance of the mean over validation rows, and t of Satterthwaite's degrees of freedom. It holds what the
    difference is on average over sets of these sizes and over validation rows, under the surrogate; a relative margin's
    root mean square is taken as known. Raises ValueError where a union is empty without one of these parts.
    """
    first, second = checked(blocks, first), checked(blocks, second)
    weights = evaluate(first).weights

    def gap(kept: Bool[np.ndarray, " B"]) -> Float[np.ndarray, " m"]:
        return getattr(evaluate(first * kept), unit) - getattr(evaluate(second * kept), unit)

    return _jackknifed(gap, blocks, np.maximum(first, second), weights, about)


def crossed_difference(
    evaluate: Evaluate,
    blocks: Layout,
    chosen: tuple[Float[np.ndarray, " B"], Float[np.ndarray, " B"]],
    other: Float[np.ndarray, " B"],
    half: Bool[np.ndarray, " m"],
    *,
    unit: str = "metric",
    about: int = BLOCKS,
) -> Difference:
    """The same of what each half of the rows chose for the other, minus the fit on the other union.

    chosen: the union that the first half chose, by which the second is scored, and back. half: which rows are the first
    half. The choices are taken as known. Everything else as in `difference`.
    """
    first, second, other = checked(blocks, chosen[0]), checked(blocks, chosen[1]), checked(blocks, other)
    weights = evaluate(other).weights

    def gap(kept: Bool[np.ndarray, " B"]) -> Float[np.ndarray, " m"]:
        scored = [getattr(evaluate(union * kept), unit) for union in (second, first, other)]
        return np.where(half, *scored[:2]) - scored[2]

    return _jackknifed(gap, blocks, np.maximum.reduce([first, second, other]), weights, about)


def level(
    evaluate: Evaluate, blocks: Layout, union: Float[np.ndarray, " B"], *, unit: str = "metric", about: int = BLOCKS
) -> Difference:
    """The same of the utility of one union, with nothing taken from it."""
    union = checked(blocks, union)

    def gap(kept: Bool[np.ndarray, " B"]) -> Float[np.ndarray, " m"]:
        return getattr(evaluate(union * kept), unit)

    return _jackknifed(gap, blocks, union, evaluate(union).weights, about)


def _jackknifed(
    gap: Callable[[Bool[np.ndarray, " B"]], Float[np.ndarray, " m"]],
    blocks: Layout,
    union: Float[np.ndarray, " B"],
    weights: Float[np.ndarray, " m"],
    about: int,
) -> Difference:
    """gap: which blocks are kept -> the difference on every row. union: of all that it is made from."""
    whole = gap(np.ones(len(union), bool))
    value = float(pooled(whole, weights))
    variances, freedom = [variance_of_mean(whole, weights)], [max(len(whole) - 1, 1)]
    for number in np.unique(blocks.owner[union > 0]):
        groups = _groups(blocks, union, int(number), about)
        if len(groups) > 1:
            left = np.stack([gap(~group) for group in groups])
            sizes = np.array([blocks.counts[group].sum() for group in groups])
            variances.append(jackknife_variance(whole, left, sizes, weights))
            freedom.append(len(groups) - 1)
    total = sum(variances)
    if total == 0:
        return Difference(value, (value, value), 0.0, 0.0)
    degrees = total**2 / sum(one**2 / count for one, count in zip(variances, freedom, strict=True))
    reach = float(scipy.stats.t.ppf(0.975, degrees) * np.sqrt(total))
    rows = variances[0]
    return Difference(value, (value - reach, value + reach), float(np.sqrt(total - rows)), float(np.sqrt(rows)))


def jackknife_variance(
    whole: Float[np.ndarray, " m"],
    left: Float[np.ndarray, "g m"],
    sizes: Int[np.ndarray, " g"],
    weights: Float[np.ndarray, " m"],
) -> float:
    """Variance of a mean over all validation rows there could be, from fits without each of g >= 2 groups of examples.

    With n examples and h_j = n / sizes_j the delete-a-group jackknife (Busing et al. 1999) is, of one number,

        p_j = h_j whole - (h_j - 1) left_j,   p = g whole - sum_j (1 - sizes_j / n) left_j,
        variance = 1/g sum_j (p_j - p)^2 / (h_j - 1),

    for groups of one size (g - 1)/g sum_j (left_j - mean)^2. Of a mean over m rows, (p_j - p)^2 is larger than over all
    rows by the variance of that mean, which is estimated and taken off: it is in variance_of_mean already. 0 at least.
    whole: what every row gives. left: the same without each group. sizes: examples of each. weights: of the rows.
    """
    parts = sizes.sum() / sizes
    pseudo = parts[:, None] * whole - (parts[:, None] - 1) * left
    middle = len(left) * whole - ((1 - 1 / parts)[:, None] * left).sum(0)
    squares = [pooled(row, weights) ** 2 - variance_of_mean(row, weights) for row in pseudo - middle]
    return max(float(np.mean(squares / (parts - 1))), 0.0)


def mean_interval(values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Student's 95 % interval of the mean of n independent numbers, such as those of draws: mean -+ t s / sqrt n, with
    n - 1 degrees of freedom. Raises ValueError for less than two.
    """
    if len(values) < 2:
        raise ValueError(f"an interval of a mean needs two numbers, got {len(values)}")
    middle, reach = np.mean(values), scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)
    return float(middle - reach), float(middle + reach)


def variance_of_mean(values: Float[np.ndarray, " m"], weights: Float[np.ndarray, " m"]) -> float:
    """Variance of the weighted mean of m rows that are drawn at random, 0 for one row: m / (m - 1) times
    sum_j w_j^2 (value_j - mean)^2 / (sum_j w_j)^2, what a bootstrap over the rows tends to, but for that factor.
    """
    apart = weights * (values - pooled(values, weights))
    return float(np.sum(apart**2) / np.sum(weights) ** 2 * len(values) / max(len(values) - 1, 1))


def _groups(
    blocks: Layout, union: Float[np.ndarray, " B"], contributor: int, about: int
) -> list[Bool[np.ndarray, " B"]]:
    """The blocks of a contributor in a union, neighbours together that begin in the same of `about` equal parts."""
    inside = (blocks.owner == contributor) & (union > 0)
    counts = np.where(inside, blocks.counts, 0)
    begins = np.cumsum(counts) - counts
    group = begins * about // counts.sum()
    return [inside & (group == one) for one in np.unique(group[inside])]
