"""What generation does to the tail: rank counts of two samples, and laws of what became of each rank (section 4).

Ranks are rows: counts[0] is how often the most frequent item of the reference order was drawn. Float64 NumPy.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import special, stats

LEVEL = 0.95
NORMAL = float(stats.norm.ppf((1 + LEVEL) / 2))
EDGE = float(
    stats.chi2.ppf(LEVEL, 2)
)  # rise of 2 log L at the end of a support: twice an exponential, not chi2_1 (4.3)
STEPS = 50


class Fit(NamedTuple):
    """One law at its maximum likelihood; intervals hold 95 % if draws are independent. k may be infinite."""

    law: str
    parameters: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    log_likelihood: float
    bic: float


def beyond(counts: ArrayLike, ranks: ArrayLike) -> Float[np.ndarray, "r"]:
    """Tail mass: the share of draws whose rank is above each of `ranks`."""
    counts = _counts("counts", counts)
    below = np.concatenate([[0.0], np.cumsum(counts)])
    return 1 - below[np.clip(np.asarray(ranks, int), 0, len(counts))] / below[-1]


# --- retention: p'_i = p_i w_i / sum_j p_j w_j, p known only through a second sample (4.2)


def retention(counts: ArrayLike, reference: ArrayLike, law: str) -> Fit:
    """What sampling kept of each rank, w_i, from counts n_i of p' and m_i of p, without any law for p itself (4.2).

    "none" w = 1; "tilt" w = i^-tilt; "exponential" w = exp(-i/cutoff); "sharp" w = 1 up to the rank cutoff, else 0;
    "step" w = 1 up to the rank cutoff, else kept in [0, 1]. Maximum of the binomial likelihood of n_i given n_i + m_i,
    in which p cancels: P(a draw of rank i is of p') = c w_i / (1 + c w_i).
    Raises ValueError for an unknown law, for counts of unequal length, negative, not finite or empty.
    """
    if law not in RETENTION:
        raise ValueError(f"unknown law {law!r}, known: {', '.join(RETENTION)}")
    n, m = _counts("counts", counts), _counts("reference", reference)
    if len(n) != len(m):
        raise ValueError(f"counts and reference list the same ranks, found {len(n)} and {len(m)} of them")
    return RETENTION[law](n, m)


def compare(counts: ArrayLike, reference: ArrayLike) -> dict[str, Fit]:
    """Every law of retention, the lowest BIC first."""
    fits = [retention(counts, reference, law) for law in RETENTION]
    return {fit.law: fit for fit in sorted(fits, key=lambda fit: fit.bic)}


def _none(n, m):
    return _fit("none", {}, {}, _two_cells(n.sum(), m.sum()), 1, n)


def _tilt(n, m):
    slope, error, height = _logistic(n, m, np.log(np.arange(1.0, len(n) + 1)))
    return _fit("tilt", {"tilt": slope}, {"tilt": (slope - NORMAL * error, slope + NORMAL * error)}, height, 2, n)


def _exponential(n, m):
    rate, error, height = _logistic(n, m, np.arange(1.0, len(n) + 1))
    low, high = max(rate - NORMAL * error, 0.0), max(rate + NORMAL * error, 0.0)
    if rate <= 0:
        rate, height = 0.0, _two_cells(n.sum(), m.sum())
    return _fit("exponential", {"cutoff": _inverse(rate)}, {"cutoff": (_inverse(high), _inverse(low))}, height, 2, n)


def _sharp(n, m):
    """No rank beyond the last one seen can be more likely: the likelihood is greatest there."""
    last = int(np.flatnonzero(n)[-1])
    heights = _two_cells(n.sum(), np.cumsum(m)[last:])
    inside = np.flatnonzero(2 * (heights[0] - heights) <= EDGE)[-1] + last + 1
    end = np.inf if inside == len(n) else float(inside)
    return _fit("sharp", {"cutoff": float(last + 1)}, {"cutoff": (float(last + 1), end)}, float(heights[0]), 2, n)


def _step(n, m):
    """For each cutoff the two levels have a closed form; the cutoff is found by trying all ranks."""
    head_n, head_m = np.cumsum(n)[:-1], np.cumsum(m)[:-1]
    tail_n, tail_m = n.sum() - head_n, m.sum() - head_m
    heights = _two_cells(head_n, head_m) + _two_cells(tail_n, tail_m)
    fair = (tail_n * head_m <= head_n * tail_m) & (head_n > 0) & (tail_m > 0)
    if not fair.any():  # the tail is nowhere less frequent than in the reference
        return _fit(
            "step", {"cutoff": np.inf, "kept": 1.0}, {"cutoff": (1.0, np.inf), "kept": (0.0, 1.0)},
            _two_cells(n.sum(), m.sum()), 3, n,
        )  # fmt: skip
    heights = np.where(fair, heights, -np.inf)
    best = int(heights.argmax())
    near = np.flatnonzero(2 * (heights[best] - heights) <= EDGE) + 1.0
    parts = np.array([head_n[best], head_m[best], tail_n[best], tail_m[best]])
    kept = parts[2] * parts[1] / (parts[0] * parts[3])
    spread = np.exp(NORMAL * np.sqrt((1 / np.maximum(parts, 0.5)).sum()))
    most = -np.log(1 - LEVEL) * parts[1] / (parts[0] * parts[3])  # none seen: fewer than 3 expected
    limits = (kept / spread, min(kept * spread, 1.0)) if kept else (0.0, min(most, 1.0))
    found = {"cutoff": best + 1.0, "kept": float(kept)}
    return _fit("step", found, {"cutoff": (near[0], near[-1]), "kept": limits}, float(heights[best]), 3, n)


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


# --- a law for the frequencies themselves (4.1)


def zipf(counts: ArrayLike, law: str = "none") -> Fit:
    """Zipf-Mandelbrot frequencies p_i ~ (i + offset)^-exponent w_i over the ranks that are listed (4.1).

    law: "none" w = 1, "exponential" w = exp(-i/cutoff), "sharp" w = 1 up to cutoff, else 0. The order of the ranks must
    not come from these very draws: order by one half of a sample, count in the other. offset >= 0.
    """
    if law not in ("none", "exponential", "sharp"):
        raise ValueError(f"unknown law {law!r}, known: none, exponential, sharp")
    n = _counts("counts", counts)
    last = int(np.flatnonzero(n)[-1]) + 1
    size = last if law == "sharp" else len(n)
    rank, n, free = np.arange(1.0, size + 1), n[:size], np.array([True, True, law == "exponential"])
    starts = [(1.0, 1.0, 1.0), (1.5, 30.0, 1.0)]
    point, height, information = max(
        (_scored(np.where(free, start, 0.0), rank, n, free) for start in starts), key=_second
    )
    errors = np.full(3, np.inf)
    inner = free & (point > [0, 1e-9, 0])  # what lies on its bound has no standard error
    errors[inner] = np.sqrt(np.diag(np.linalg.pinv(information[np.ix_(inner, inner)])))
    low, high = np.maximum(point - NORMAL * errors, 0.0), point + NORMAL * errors
    found = {"exponent": float(point[0]), "offset": float(point[1])}
    intervals = {"exponent": (low[0], high[0]), "offset": (low[1], high[1])}
    if law == "exponential":
        found["cutoff"] = size * _inverse(point[2])
        intervals["cutoff"] = (size * _inverse(high[2]), size * _inverse(low[2]))
    if law == "sharp":
        found["cutoff"] = float(size)
        intervals["cutoff"] = (float(size), _edge(point, size, len(counts), n.sum()))
    return _fit(law, found, intervals, height, {"none": 2}.get(law, 3), n)


def _scored(start, rank, n, free):
    """(exponent, offset, rate * size), log-likelihood and information of a local maximum, by Fisher's scoring."""
    size, total = len(rank), n.sum()

    def at(point):
        logs = -point[0] * np.log(rank + point[1]) - point[2] * rank / size
        return logs - special.logsumexp(logs)

    point, logs = start, at(start)
    for _ in range(STEPS):
        scores = np.stack([-np.log(rank + point[1]), -point[0] / (rank + point[1]), -rank / size])
        centred = scores - (scores @ np.exp(logs))[:, None]
        slope, information = centred @ n, total * (centred * np.exp(logs)) @ centred.T
        move = free & ~((point <= 0) & (slope < 0))
        step = np.zeros(3)
        scale = np.sqrt(np.diag(information)[move]) + 1e-12
        curvature = information[np.ix_(move, move)] / np.outer(scale, scale) + 1e-9 * np.eye(move.sum())
        step[move] = np.linalg.solve(curvature, slope[move] / scale) / scale
        while n @ at(np.maximum(point + step, 0)) < n @ logs and np.abs(step).max() > 1e-9:
            step /= 2
        point, before, logs = np.maximum(point + step, 0), logs, at(np.maximum(point + step, 0))
        if n @ (logs - before) < 1e-9:
            break
    return point, float(n @ logs), information


def _second(found):
    return found[1]


def _edge(point, size, ranks, total) -> float:
    """The largest cutoff whose likelihood is within EDGE of that of the last rank seen, the others held fixed."""
    weights = (np.arange(1.0, ranks + 1) + point[1]) ** -point[0]
    growth = 2 * total * np.log(np.cumsum(weights)[size - 1 :] / weights[:size].sum())
    inside = np.flatnonzero(growth <= EDGE)[-1] + size
    return np.inf if inside == ranks else float(inside)


def _fit(law, parameters, intervals, height, count, n) -> Fit:
    return Fit(law, parameters, intervals, float(height), float(count * np.log(n.sum()) - 2 * height))


def _inverse(rate: float) -> float:
    return float(1 / rate) if rate > 0 else np.inf


def _counts(name: str, values) -> Float[np.ndarray, "i"]:
    values = np.asarray(values, float)
    if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
        raise ValueError(f"{name} holds how often each rank was drawn: one row, at least 0 each, not all 0")
    return values
