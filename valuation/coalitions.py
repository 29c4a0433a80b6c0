"""Shapley, Banzhaf and leave-one-out values of contributors under any utility of a coalition.

A coalition is a boolean mask (C,) of the contributors that take part; utility(mask) -> float, higher = better, in
whatever unit it has (accuracy, nats); values have the same unit, higher = more useful. Up to 12 contributors all 2^C
coalitions are evaluated and values are exact; beyond, they are sampled and unbiased, with standard errors. A utility
that takes many masks at once goes through the pieces: masks from all_masks, order_masks or random_masks, values by
shapley_of, banzhaf_of, shapley_estimate or banzhaf_estimate.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, Key
from tqdm import tqdm

EXACT = 12

Utility = Callable[[np.ndarray], float]


class Estimate(NamedTuple):
    """Values of the contributors and their standard errors, which are 0 where the values are exact."""

    values: Float[np.ndarray, "C"]
    standard_errors: Float[np.ndarray, "C"]


def shapley(utility: Utility, contributors: int, *, pairs: int = 100, key: Key[jax.Array, ""]) -> Estimate:
    """Shapley values: the mean gain from joining, over all orders of arrival; they add up to U(all) - U(none).

    pairs: how many pairs of an order and its reverse are drawn beyond 12 contributors, at most 2 C evaluations each; 0
        asks for exact values.
    Raises ValueError for no contributor, exact values of more than 12, fewer than 2 pairs, and a utility that is not
    finite (the coalition is named).
    """
    if contributors <= EXACT or not pairs:
        values = shapley_of(evaluate(utility, all_masks(contributors)))
        return Estimate(values, np.zeros(contributors))
    orders = random_orders(key, pairs, contributors)
    return shapley_estimate(orders, evaluate(utility, order_masks(orders)))


def banzhaf(utility: Utility, contributors: int, *, pairs: int = 500, key: Key[jax.Array, ""]) -> Estimate:
    """Banzhaf values: the mean gain from joining, over all coalitions of the others alike (Wang and Jia, AISTATS 2023).

    pairs: how many pairs of a coalition and its complement are drawn beyond 12 contributors; 0 asks for exact values.
    Errors as in `shapley`.
    """
    if contributors <= EXACT or not pairs:
        values = banzhaf_of(evaluate(utility, all_masks(contributors)))
        return Estimate(values, np.zeros(contributors))
    masks = random_masks(key, pairs, contributors)
    return banzhaf_estimate(masks, evaluate(utility, masks))


def shapley_fits(contributors: int, *, pairs: int = 100) -> float:
    """How many coalitions `shapley` evaluates; where orders are drawn, the expected number of different ones."""
    if contributors <= EXACT or not pairs:
        return 2.0**contributors
    return sum(_different(2 * pairs, math.comb(contributors, size)) for size in range(contributors + 1))


def banzhaf_fits(contributors: int, *, pairs: int = 500) -> float:
    """How many coalitions `banzhaf` evaluates; where they are drawn, the expected number of different ones."""
    return 2.0**contributors if contributors <= EXACT or not pairs else _different(2 * pairs, 2**contributors)


def leave_one_out(utility: Utility, contributors: int) -> Float[np.ndarray, "C"]:
    """What each contributor adds to all the others, U(all) - U(all but i); C + 1 evaluations."""
    _at_least("contributors", contributors, 1)
    masks = np.concatenate([np.ones((1, contributors), bool), ~np.eye(contributors, dtype=bool)])
    utilities = evaluate(utility, masks)
    return utilities[0] - utilities[1:]


def evaluate(utility: Utility, masks: Bool[np.ndarray, "*shape C"]) -> Float[np.ndarray, "*shape"]:
    """The utility of each mask, each coalition evaluated once. Raises ValueError where it is not finite."""
    coalitions, place = np.unique(masks.reshape(-1, masks.shape[-1]), axis=0, return_inverse=True)
    utilities = np.empty(len(coalitions))
    for i, mask in enumerate(tqdm(coalitions, desc="coalitions", unit="coalition", delay=2, disable=None)):
        utilities[i] = utility(mask)
        if not np.isfinite(utilities[i]):
            raise ValueError(f"the utility of coalition {np.flatnonzero(mask).tolist()} is {utilities[i]}, not finite")
    return utilities[place.reshape(masks.shape[:-1])]


def all_masks(contributors: int) -> Bool[np.ndarray, "coalitions C"]:
    """All 2^C coalitions; row number b holds contributor i if bit i of b is set. Raises ValueError outside 1..12."""
    if not 1 <= contributors <= EXACT:
        raise ValueError(
            f"all coalitions are listed for 1 to {EXACT} contributors, got {contributors}: values of more are sampled, "
            "with standard errors; say how many pairs, at least 2"
        )
    return (np.arange(2**contributors)[:, None] >> np.arange(contributors) & 1).astype(bool)


def shapley_of(utilities: Float[np.ndarray, "coalitions"]) -> Float[np.ndarray, "C"]:
    """Exact Shapley values, sum over S without i of |S|! (C-1-|S|)!/C! (U(S + i) - U(S)); utilities as in all_masks."""
    size, gains = _gains(utilities)
    count = len(gains)
    # 1/(C binomial(C-1, s)), by recursion: (s+1)!(C-2-s)! / (s!(C-1-s)!) = (s+1)/(C-1-s)
    weights = np.cumprod([1 / count, *((s + 1) / (count - 1 - s) for s in range(count - 1))])
    return np.sum(weights[size] * gains, axis=1)


def banzhaf_of(utilities: Float[np.ndarray, "coalitions"]) -> Float[np.ndarray, "C"]:
    """Exact Banzhaf values, 2^-(C-1) sum over S without i of U(S + i) - U(S); utilities in the order of all_masks."""
    return _gains(utilities)[1].mean(axis=1)


def random_orders(key: Key[jax.Array, ""], pairs: int, contributors: int) -> Int[np.ndarray, "pairs 2 C"]:
    """Independent uniform orders of arrival, each with its reverse."""
    _at_least("contributors", contributors, 1)
    _at_least("pairs", pairs, 2)
    orders = np.argsort(np.asarray(jax.random.uniform(key, (pairs, contributors))), axis=1, kind="stable")
    return np.stack([orders, orders[:, ::-1]], axis=1)


def order_masks(orders: Int[np.ndarray, "pairs 2 C"]) -> Bool[np.ndarray, "pairs 2 C_plus_1 C"]:
    """The coalitions that arise as contributors arrive, from nobody to all."""
    arrival = np.argsort(orders, axis=-1)
    return arrival[..., None, :] < np.arange(orders.shape[-1] + 1)[:, None]


def shapley_estimate(
    orders: Int[np.ndarray, "pairs 2 C"], utilities: Float[np.ndarray, "pairs 2 C_plus_1"]
) -> Estimate:
    """Mean gain over the orders, utilities as in order_masks; an order and its reverse count as one draw.

    Exact for utilities that are sums over contributors and pairs of them: the two halves of a pair split what both add.
    """
    arrival = np.argsort(orders, axis=-1)
    gains = np.take_along_axis(np.diff(utilities, axis=-1), arrival, axis=-1)
    return _mean(gains.mean(axis=1))


def random_masks(key: Key[jax.Array, ""], pairs: int, contributors: int) -> Bool[np.ndarray, "pairs 2 C"]:
    """Independent uniform coalitions, each with its complement."""
    _at_least("contributors", contributors, 1)
    _at_least("pairs", pairs, 2)
    masks = np.asarray(jax.random.bernoulli(key, 0.5, (pairs, contributors)))
    return np.stack([masks, ~masks], axis=1)


def banzhaf_estimate(masks: Bool[np.ndarray, "pairs 2 C"], utilities: Float[np.ndarray, "pairs 2"]) -> Estimate:
    """Mean of U(S) - U(complement), with a plus where i is in S: every draw serves every contributor, unbiased."""
    difference = utilities[:, 0] - utilities[:, 1]
    return _mean(np.where(masks[:, 0], difference[:, None], -difference[:, None]))


def _gains(utilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of the coalitions S without i and U(S + i) - U(S), both (C, 2^(C-1)), from the table of all_masks."""
    count = len(utilities).bit_length() - 1
    if len(utilities) != 2**count:
        raise ValueError(f"a table of all coalitions has a power of two of entries, got {len(utilities)}")
    masks = all_masks(count)
    without = np.stack([np.flatnonzero(~masks[:, i]) for i in range(count)])
    joined = without + 2 ** np.arange(count)[:, None]
    return masks.sum(1)[without], utilities[joined] - utilities[without]


def _mean(draws: np.ndarray) -> Estimate:
    return Estimate(draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(len(draws)))


def _different(draws: int, of: int) -> float:
    """How many different ones that many draws of so many alike are expected to give: of (1 - (1 - 1/of)^draws)."""
    return -of * math.expm1(draws * math.log1p(-1 / of)) if of > 1 else 1.0


def _at_least(name: str, given: int, least: int) -> None:
    if given < least:
        raise ValueError(f"{name} must be at least {least}, got {given}")
