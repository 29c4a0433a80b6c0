"""Knowledge with power-law frequencies: distributions, and the expected error by plain summation.

The slow and obvious side of theory/phases.py, in float64 NumPy.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int
from scipy import integrate, special

from theory.arguments import Number, check

RANKS_SUMMED = 200_000  # one by one; an integral adds the ranks beyond


class Accuracy(NamedTuple):
    """Pr(correct | i seen) = seen i^-seen_decay, Pr(correct | i unseen) = unseen i^-unseen_decay."""

    seen: Number = 1.0
    seen_decay: Number = 0.0
    unseen: Number = 0.0
    unseen_decay: Number = 0.0


MEMORISER = Accuracy()


def power_law(exponent: Number, size: int) -> Float[np.ndarray, "i"]:
    """Probability of the first `size` pieces of knowledge, p_i = i^-beta / zeta(beta) (theory/README.md, 1.1).

    They sum to less than 1: the law goes on for ever. Raises ValueError unless exponent > 1 and size >= 1.
    """
    check(exponent=exponent)
    if size < 1:
        raise ValueError(f"size counts pieces of knowledge and is at least 1, got {size}")
    return np.arange(1, size + 1) ** -float(exponent) / special.zeta(exponent)


def head_mass(exponent: Number, cutoff: Number) -> float:
    """H = sum_{i <= k} p_i, in (0, 1] (theory/README.md, 1.1). Between whole cutoffs: Hurwitz' zeta function."""
    check(exponent=exponent, cutoff=cutoff)
    return float(1 - special.zeta(exponent, cutoff + 1) / special.zeta(exponent))


def truncated(probabilities: Float[np.ndarray, "i"], cutoff: int) -> Float[np.ndarray, "i"]:
    """The distribution cut off after rank k: p'_i = p_i / sum_{j <= k} p_j for i <= k, else 0 (1.1)."""
    if not 1 <= cutoff <= len(probabilities):
        raise ValueError(f"cutoff is a rank from 1 to {len(probabilities)}, got {cutoff}")
    kept = np.where(np.arange(1, len(probabilities) + 1) <= cutoff, probabilities, 0.0)
    return kept / kept.sum()


def mixture(probabilities: Float[np.ndarray, "i"], cutoff: int, real_share: Number) -> Float[np.ndarray, "i"]:
    """What one draw of real and synthetic data together shows, q_i = pi p_i + (1 - pi) p'_i (1.1)."""
    check(real_share=real_share)
    return real_share * probabilities + (1 - real_share) * truncated(probabilities, cutoff)


def ranked_error(
    probabilities: Float[np.ndarray, "i"],
    expected_draws: Float[np.ndarray, "i"],
    *,
    accuracy: Accuracy = MEMORISER,
    shots: Number = 1.0,
) -> float:
    """Expected test error over finitely many ranks, by summation (theory/README.md, 1.1).

    sum_i p_i [1 - a i^-alpha + (a i^-alpha - b i^-lambda) Q(m, u_i)]; Q(m, u): fewer than m of Poisson(u) draws
    probabilities: p_i of the test distribution, any finite distribution; expected_draws: u_i = n q_i >= 0, whatever
    made them, so a cutoff measured on a generator fits as well as an imposed one.
    """
    if np.any(np.asarray(expected_draws) < 0):
        raise ValueError("expected_draws counts examples and cannot be negative")
    seen, unseen = _accuracies(np.arange(1, len(probabilities) + 1), accuracy)
    return float(np.sum(probabilities * (1 - seen + (seen - unseen) * special.gammaincc(shots, expected_draws))))


def exact_error(
    n_real: Number,
    n_synthetic: Number,
    *,
    exponent: Number,
    cutoff: Number,
    accuracy: Accuracy = MEMORISER,
    shots: Number = 1.0,
    ranks: int = RANKS_SUMMED,
) -> float:
    """Expected test error of infinitely many ranks, L_inf included: the sum up to `ranks`, an integral beyond (1.1).

    The integral (midpoint rule, numerical quadrature) is off by O(ranks^-2) of itself. Draws are Poissonised: against
    (1 - q_i)^n this changes the error by O(1/n) of itself. Raises ValueError for exponent <= 1, cutoff < 1, n < 0.
    """
    check(exponent=exponent, cutoff=cutoff)
    if n_real < 0 or n_synthetic < 0:
        raise ValueError(f"counts of examples cannot be negative, got {n_real} real and {n_synthetic} synthetic")
    size = max(int(ranks), int(cutoff))
    probabilities = power_law(exponent, size)
    draws = n_real * probabilities + n_synthetic * truncated(probabilities, int(cutoff))

    def beyond(log_rank):
        rank = np.exp(log_rank)
        probability = rank**-exponent / special.zeta(exponent)
        seen, unseen = _accuracies(rank, accuracy)
        return rank * probability * (seen - unseen) * special.gammaincc(shots, n_real * probability)

    start = np.log(size + 0.5)
    fall = 40 / (exponent - 1)  # e^-40 of the rest lies beyond
    turn = np.log(max(n_real / shots / special.zeta(exponent), 1.0)) / exponent  # the last ranks learned
    points = np.clip([start, turn - 3, turn + 3, start + fall, turn + fall], start, None)
    pieces = [
        integrate.quad(beyond, low, high, epsrel=1e-11, limit=200)[0]
        for low, high in zip(np.sort(points), np.sort(points)[1:], strict=False)
    ]
    seen, unseen = _accuracies(np.arange(1, size + 1), accuracy)
    head = float(np.sum(probabilities * (seen - unseen) * special.gammaincc(shots, draws)))
    return floor(exponent, accuracy) + head + sum(pieces)


def floor(exponent: Number, accuracy: Accuracy = MEMORISER) -> float:
    """L_inf = 1 - a zeta(beta + alpha) / zeta(beta), the error left with everything seen (1.1)."""
    check(exponent=exponent)
    check_accuracy(accuracy)
    return float(1 - accuracy.seen * special.zeta(exponent + accuracy.seen_decay) / special.zeta(exponent))


def simulated_error(
    ranks: Int[Array, "n"], *, exponent: Number, accuracy: Accuracy = MEMORISER, shots: int = 1
) -> float:
    """Test error of a learner that was shown these ranks and knows those it saw at least `shots` times (1.1).

    Exact for this sample: the infinitely many unseen ranks enter through their known total.
    """
    shown, times = np.unique(np.asarray(ranks), return_counts=True)
    learned = shown[times >= shots].astype(float)
    seen, unseen = _accuracies(learned, accuracy)
    guessed = accuracy.unseen * special.zeta(exponent + accuracy.unseen_decay) / special.zeta(exponent)
    gained = np.sum(learned**-exponent / special.zeta(exponent) * (seen - unseen))
    return float(1 - guessed - gained)


def _accuracies(ranks, accuracy):
    """Pr(correct) at each rank if seen and if unseen."""
    check_accuracy(accuracy)
    ranks = np.asarray(ranks, float)
    return accuracy.seen * ranks**-accuracy.seen_decay, accuracy.unseen * ranks**-accuracy.unseen_decay


def check_accuracy(accuracy: Accuracy) -> None:
    """Raises ValueError unless 1 >= seen >= unseen >= 0 and unseen_decay >= seen_decay >= 0."""
    a, alpha, b, decay = accuracy
    if not (1 >= a >= b >= 0 and decay >= alpha >= 0):
        raise ValueError(
            f"accuracies need 1 >= seen >= unseen >= 0 and unseen_decay >= seen_decay >= 0, got {accuracy}"
        )
