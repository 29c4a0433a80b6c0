"""What generation does to the tail: tail mass, and laws of what was kept of each rank (theory/README.md, section 4).

Ranks are rows: counts[0] is how often the most frequent item of the reference order was drawn. Float64 NumPy.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import special

from theory.rank_counts import EDGE, LEVEL, NORMAL, Fit, checked_counts, cutoff_of, fit_of

STEPS = 50  # of Newton's method at the most


def beyond(counts: ArrayLike, ranks: ArrayLike) -> Float[np.ndarray, "r"]:
    """Tail mass: the share of draws whose rank is above each of `ranks`, whole numbers from 0 on."""
    below = np.concatenate([[0.0], np.cumsum(checked_counts("counts", counts))])
    return 1 - below[np.clip(np.asarray(ranks, int), 0, len(below) - 1)] / below[-1]


def retention(counts: ArrayLike, reference: ArrayLike, law: str) -> Fit:
    """What sampling kept of each rank, w_i, from counts n_i of p' and m_i of p, without any law for p itself (4.2).

    "none" w = 1; "tilt" w = i^-tilt; "exponential" w = exp(-i/cutoff); "sharp" w = 1 up to the rank cutoff, else 0;
    "step" w = 1 up to the rank cutoff, else kept in [0, 1]. Maximum of the binomial likelihood of n_i given n_i + m_i,
    in which p cancels: P(a draw of rank i is of p') = c w_i / (1 + c w_i).
    Raises ValueError for an unknown law, for counts of unequal length, negative, not finite or empty.
    """
    if law not in RETENTION:
        raise ValueError(f"unknown law {law!r}, known: {', '.join(RETENTION)}")
    n, m = checked_counts("counts", counts), checked_counts("reference", reference)
    if len(n) != len(m):
        raise ValueError(f"counts and reference list the same ranks, found {len(n)} and {len(m)} of them")
    return RETENTION[law](n, m)


def compare(counts: ArrayLike, reference: ArrayLike) -> dict[str, Fit]:
    """Every law of retention by name, the lowest BIC first. Arguments and errors as for `retention`."""
    fits = [retention(counts, reference, law) for law in RETENTION]
    return {fit.law: fit for fit in sorted(fits, key=lambda fit: fit.bic)}


def _none(n, m):
    return fit_of("none", {}, {}, log_likelihood=_two_cells(n.sum(), m.sum()), free=1, counts=n)


def _tilt(n, m):
    slope, error, height = _logistic(n, m, np.log(np.arange(1.0, len(n) + 1)))
    interval = (slope - NORMAL * error, slope + NORMAL * error)
    return fit_of("tilt", {"tilt": slope}, {"tilt": interval}, log_likelihood=height, free=2, counts=n)


def _exponential(n, m):
    rate, error, height = _logistic(n, m, np.arange(1.0, len(n) + 1))
    low, high = max(rate - NORMAL * error, 0.0), max(rate + NORMAL * error, 0.0)
    if rate <= 0:
        rate, height = 0.0, _two_cells(n.sum(), m.sum())
    interval = (cutoff_of(high), cutoff_of(low))
    return fit_of(
        "exponential", {"cutoff": cutoff_of(rate)}, {"cutoff": interval}, log_likelihood=height, free=2, counts=n
    )


def _sharp(n, m):
    """No rank beyond the last one seen can be more likely: the likelihood is greatest there."""
    last = int(np.flatnonzero(n)[-1])
    heights = _two_cells(n.sum(), np.cumsum(m)[last:])
    inside = np.flatnonzero(2 * (heights[0] - heights) <= EDGE)[-1] + last + 1
    end = np.inf if inside == len(n) else float(inside)
    first = float(last + 1)
    return fit_of("sharp", {"cutoff": first}, {"cutoff": (first, end)}, log_likelihood=heights[0], free=2, counts=n)


def _step(n, m):
    """For each cutoff the two levels have a closed form; all ranks are tried as the cutoff."""
    head_n, head_m = np.cumsum(n)[:-1], np.cumsum(m)[:-1]
    tail_n, tail_m = n.sum() - head_n, m.sum() - head_m
    heights = _two_cells(head_n, head_m) + _two_cells(tail_n, tail_m)
    fair = (tail_n * head_m <= head_n * tail_m) & (head_n > 0) & (tail_m > 0)
    if not fair.any():  # the tail is nowhere less frequent than in the reference
        whole, unlimited = {"cutoff": np.inf, "kept": 1.0}, {"cutoff": (1.0, np.inf), "kept": (0.0, 1.0)}
        return fit_of("step", whole, unlimited, log_likelihood=_two_cells(n.sum(), m.sum()), free=3, counts=n)
    heights = np.where(fair, heights, -np.inf)
    best = int(heights.argmax())
    near = np.flatnonzero(2 * (heights[best] - heights) <= EDGE) + 1.0
    parts = np.array([head_n[best], head_m[best], tail_n[best], tail_m[best]])
    kept = parts[2] * parts[1] / (parts[0] * parts[3])
    spread = np.exp(NORMAL * np.sqrt((1 / np.maximum(parts, 0.5)).sum()))
    most = -np.log(1 - LEVEL) * parts[1] / (parts[0] * parts[3])  # none seen: fewer than 3 expected
    limits = (kept / spread, min(kept * spread, 1.0)) if kept else (0.0, min(most, 1.0))
    intervals = {"cutoff": (near[0], near[-1]), "kept": limits}
    return fit_of(
        "step", {"cutoff": best + 1.0, "kept": float(kept)}, intervals, log_likelihood=heights[best], free=3, counts=n
    )


RETENTION = {"none": _none, "tilt": _tilt, "exponential": _exponential, "sharp": _sharp, "step": _step}


def _two_cells(n, m):
    """Greatest log-likelihood of n + m draws of two kinds, n log(n/(n+m)) + m log(m/(n+m))."""
    return special.xlogy(n, n) + special.xlogy(m, m) - special.xlogy(n + m, n + m)


def _logistic(n, m, x):
    """(slope, its standard error, log-likelihood) of P(n | x) = 1/(1 + exp(-c + slope x)), by Newton's method."""
    seen = n + m > 0
    n, both, x = n[seen], (n + m)[seen], x[seen]
    centre = both @ x / both.sum()
    scale = np.sqrt(both @ (x - centre) ** 2 / both.sum()) or 1.0
    design = np.stack([np.ones_like(x), -(x - centre) / scale])

    def height(point):
        score = point @ design
        return n @ score - both @ np.logaddexp(0, score)

    point = np.array([np.log(n.sum() / max((both - n).sum(), 0.5)), 0.0])
    value = height(point)
    for _ in range(STEPS):
        chance = special.expit(point @ design)
        curvature = (design * (both * chance * (1 - chance))) @ design.T
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), design @ (n - both * chance))
        while (new := height(point + step)) < value - 1e-12 * abs(value) and np.abs(step).max() > 1e-9:
            step /= 2
        point, gain, value = point + step, new - value, new
        if gain < 1e-10 * abs(value):
            break
    chance = special.expit(point @ design)
    curvature = (design * (both * chance * (1 - chance))) @ design.T
    error = np.sqrt(np.linalg.inv(curvature + 1e-12 * np.eye(2))[1, 1])
    return float(point[1] / scale), float(error / scale), float(value)
