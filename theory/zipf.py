"""A law for the frequencies themselves: Zipf and Mandelbrot's, whole, cut off or faded out (theory/README.md, 4.1)."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from theory.rank_counts import EDGE, NORMAL, Fit, checked_counts, cutoff_of, fit_of

STEPS = 50  # of Fisher's scoring at the most


def zipf(counts: ArrayLike, law: str = "none") -> Fit:
    """Zipf-Mandelbrot frequencies p_i ~ (i + offset)^-exponent w_i over the ranks that are listed (4.1).

    law: "none" w = 1, "exponential" w = exp(-i/cutoff), "sharp" w = 1 up to cutoff, else 0. The order of the ranks must
    not come from these very draws: order by one half of a sample, count in the other. offset >= 0.
    Raises ValueError for an unknown law and for counts that are negative, not finite or all 0.
    """
    if law not in ("none", "exponential", "sharp"):
        raise ValueError(f"unknown law {law!r}, known: none, exponential, sharp")
    listed = checked_counts("counts", counts)
    last = int(np.flatnonzero(listed)[-1]) + 1
    size = last if law == "sharp" else len(listed)
    rank, n, free = np.arange(1.0, size + 1), listed[:size], np.array([True, True, law == "exponential"])
    starts = [(1.0, 1.0, 1.0), (1.5, 30.0, 1.0)]
    maxima = (_scored(np.where(free, start, 0.0), rank, n, free) for start in starts)
    point, height, information = max(maxima, key=lambda maximum: maximum[1])
    errors = np.full(3, np.inf)
    inner = free & (point > [0, 1e-9, 0])  # what lies on its bound has no standard error
    errors[inner] = np.sqrt(np.diag(np.linalg.pinv(information[np.ix_(inner, inner)])))
    low, high = np.maximum(point - NORMAL * errors, 0.0), point + NORMAL * errors
    parameters = {"exponent": float(point[0]), "offset": float(point[1])}
    intervals = {"exponent": (low[0], high[0]), "offset": (low[1], high[1])}
    if law == "exponential":
        parameters["cutoff"] = size * cutoff_of(point[2])
        intervals["cutoff"] = (size * cutoff_of(high[2]), size * cutoff_of(low[2]))
    if law == "sharp":
        parameters["cutoff"] = float(size)
        intervals["cutoff"] = (float(size), _edge(point, size, len(listed), n.sum()))
    return fit_of(law, parameters, intervals, log_likelihood=height, free=2 if law == "none" else 3, counts=n)


def _scored(start, rank, n, free):
    """(exponent, offset, rate * size), log-likelihood and information of a local maximum, by Fisher's scoring."""
    size, total = len(rank), n.sum()

    def at(point):
        logs = -point[0] * np.log(rank + point[1]) - point[2] * rank / size
        return logs - special.logsumexp(logs)

    point, logs, information = start, at(start), np.zeros((3, 3))
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


def _edge(point, size, ranks, total) -> float:
    """The largest cutoff whose likelihood is within EDGE of that of the last rank seen, the others held fixed."""
    weights = (np.arange(1.0, ranks + 1) + point[1]) ** -point[0]
    growth = 2 * total * np.log(np.cumsum(weights)[size - 1 :] / weights[:size].sum())
    inside = np.flatnonzero(growth <= EDGE)[-1] + size
    return np.inf if inside == ranks else float(inside)
