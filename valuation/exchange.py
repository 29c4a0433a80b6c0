"""What examples are worth in real ones: equivalent real counts and exchange rates (theory/README.md, 3.9)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import isotonic_regression


class Equivalent(NamedTuple):
    """How many real examples do as well. censored: "" where the real curve says it; "above" or "below" where the count
    is an end of that curve, and the true one lies above or below it.
    """

    count: float  # type: ignore[assignment]  # tuple.count, which nobody needs of an Equivalent
    censored: str


def equivalent_real_count(
    counts: Sequence[int], utilities: Float[np.ndarray, " k"], target: float, *, through: int | None = None
) -> Equivalent:
    """The number of real examples at which their learning curve reaches a utility.

    counts: real examples, (k,) increasing, at least 1. utilities: of fits on them alone, higher = better; made
    non-decreasing by least squares, then linear in the logarithm of the count between levels. target: of real examples
    with others. through: one of counts, whose utility stands as it is, and whose count is what that utility is worth:
    lower counts that did better are brought down to it, and higher ones up. Raises ValueError for fewer than two
    counts, counts that do not increase, and another `through`.
    """
    places = np.log(np.asarray(counts, np.float64))
    if len(places) < 2 or len(places) != len(utilities) or not (np.diff(places) > 0).all():
        raise ValueError(f"a real curve needs two or more increasing counts, each with a utility, got {list(counts)}")
    rising = np.array(utilities, np.float64)
    at = None if through is None else list(counts).index(through)
    if at is not None:
        rising[:at], rising[at:] = np.minimum(rising[:at], rising[at]), np.maximum(rising[at:], rising[at])
    levels, which = np.unique(isotonic_regression(rising).x, return_inverse=True)
    middles = np.bincount(which, places) / np.bincount(which)  # what was pooled is one level, at its mean place
    if at is not None:
        middles[which[at]] = places[at]
    if target > levels[-1]:
        return Equivalent(float(counts[-1]), "above")
    if target < levels[0]:
        return Equivalent(float(counts[0]), "below")
    return Equivalent(float(np.exp(np.interp(target, levels, middles))), "")


def average_rate(equivalent: Equivalent, real: int, added: int | float) -> float:
    """Real examples that each added one stands for: (equivalent count - real) / added; negative where it harms.

    A bound where the equivalent count is censored. real: examples that are there. added: above 0.
    """
    return (equivalent.count - real) / added


def marginal_rate(
    counts: Sequence[int], utilities: Float[np.ndarray, " k"], amounts: Sequence[int],
    mixed: Float[np.ndarray, " a"], amount: int, *, more: int = 1000, through: int | None = None,
) -> float | None:  # fmt: skip
    """The same of further examples: equivalent count after `more` of them less that before, over how many they are.

    counts, utilities, through: the real curve, as in equivalent_real_count. amounts, mixed: the curve of real and added
    examples, linear between its amounts. amount: where further ones are added, up to the last of amounts. None where
    either equivalent count is censored, or no further amount was measured.
    """
    last = min(amount + more, amounts[-1])
    if last <= amount:
        return None
    before, after = (
        equivalent_real_count(counts, utilities, float(np.interp(at, amounts, mixed)), through=through)
        for at in (amount, last)
    )
    return None if before.censored or after.censored else (after.count - before.count) / (last - amount)
