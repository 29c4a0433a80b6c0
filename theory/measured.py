"""A measured scaling curve, checked once, as the fits take it."""

from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float
from scipy import stats

from theory.arguments import Number

RISE, LEAST_RISE = 4.0, 0.02  # of the noise, and of the logarithm of an error, from which on a curve rises
TREND = 0.016  # of a curve without a trend so large a share has one as clear as this
UNITS = 1e15  # how far from 1 errors and samples may be as a rule: the fits' bounds are absolute
LEAST_ERROR = 1e-12  # least standard error, of an error
BLOCK = 32  # points are padded to a multiple of this, so that one compilation serves many curves


class Curve(NamedTuple):
    """Points (n,), padded to whole blocks with points of no weight."""

    n_real: Float[np.ndarray, "n"]
    n_synthetic: Float[np.ndarray, "n"]
    errors: Float[np.ndarray, "n"]
    relative: Float[np.ndarray, "n"]  # standard error of log error, or 1 if unknown; infinite for padding
    size: int  # points that count
    real_share: float  # the median
    known: bool  # whether standard errors were given
    shots: float


def curve(
    samples: ArrayLike, errors: ArrayLike, real_share: ArrayLike, standard_errors: ArrayLike | None, shots: Number = 1.0
) -> Curve:
    """The curve of errors at total numbers of draws, (n,) each; real_share and standard_errors numbers or (n,).

    Raises ValueError for lists of unequal length, NaN or non-positive samples, errors and standard errors, shares
    outside [0, 1], shots that are not positive and finite, units in which numbers are beyond UNITS, and for fewer than
    four different sizes; the message names the first bad point.
    """
    samples, errors = np.asarray(samples, float), np.asarray(errors, float)
    if samples.ndim != 1 or samples.shape != errors.shape:
        raise ValueError(f"samples and errors are lists of one length, got shapes {samples.shape} and {errors.shape}")
    known = standard_errors is not None
    try:
        share = np.broadcast_to(np.asarray(real_share, float), samples.shape)
        deviations = np.broadcast_to(np.asarray(standard_errors if known else 1.0, float), samples.shape)
    except ValueError:
        raise ValueError("real_share and standard_errors are numbers, or as many as there are samples") from None
    for name, values, holds in (
        ("samples", samples, samples > 0),
        ("errors", errors, errors > 0),
        ("standard_errors", deviations, deviations > 0),
        ("real_share", share, (share >= 0) & (share <= 1)),
    ):
        bad = np.flatnonzero(~(holds & np.isfinite(values)))
        if len(bad):
            wanted = "between 0 and 1" if name == "real_share" else "positive and finite"
            raise ValueError(f"{name} must be {wanted}, got {values[bad[0]]} at position {bad[0]}")
    if len(np.unique(samples)) < 4:
        raise ValueError(f"a scaling law needs at least 4 different sample sizes, got {len(np.unique(samples))}")
    if not 0 < shots < np.inf:
        raise ValueError(f"shots must be positive and finite, got {shots}")
    for name, values in (("errors", errors), ("samples", samples)):
        if not 1 / UNITS < (usual := float(np.exp(np.log(values).mean()))) < UNITS:
            raise ValueError(f"{name} are some {usual:.0e}: expected another unit, in which they are nearer to 1")
    if known and (deviations < LEAST_ERROR * errors).any():
        raise ValueError(
            f"standard_errors are some {np.median(deviations):.0e} of errors of {np.median(errors):.0e}: expected at "
            f"least {LEAST_ERROR:g} of them"
        )
    size, padding = len(samples), -len(samples) % BLOCK
    relative = np.pad(deviations / errors if known else deviations, (0, padding), constant_values=np.inf)
    samples, errors, padded = (np.pad(x, (0, padding), mode="edge") for x in (samples, errors, share))
    return Curve(
        padded * samples, (1 - padded) * samples, errors, relative, size, float(np.median(share)), known, float(shots)
    )


def without(data: Curve, position: int) -> Curve:
    """The curve without one of its points, from 0 on."""
    kept = np.delete(np.arange(data.size), position)
    padded = np.pad(kept, (0, len(data.errors) - len(kept)), mode="edge")
    relative = np.pad(data.relative[kept], (0, len(data.errors) - len(kept)), constant_values=np.inf)
    columns = (data.n_real[padded], data.n_synthetic[padded], data.errors[padded])
    return Curve(*columns, relative, len(kept), data.real_share, data.known, data.shots)


def rise(samples: Float[np.ndarray, "n"], errors: Float[np.ndarray, "n"]) -> str:
    """In words where a curve rises by more than its noise, as errors do not; empty if it does not.

    samples, errors: (n,), positive; several of one size are averaged (geometric mean). The noise is that of log errors
    beside the line between their neighbours, by the median; a rise counts from RISE of its standard deviations on, or
    from 1.5 on where sizes and errors have the same order more clearly than by chance (Kendall's tau, TREND).
    """
    sizes, place = np.unique(samples, return_inverse=True)
    logs = np.array([np.log(errors[place == i]).mean() for i in range(len(sizes))])
    x = np.log(sizes)
    share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    beside = logs[1:-1] - (1 - share) * logs[:-2] - share * logs[2:]
    noise = 1.4826 * np.median(np.abs(beside) / np.sqrt(1 + share**2 + (1 - share) ** 2))
    middle = np.concatenate([logs[:1], np.median([logs[:-2], logs[1:-1], logs[2:]], axis=0), logs[-1:]])
    least = int(middle.argmin())
    end = min(float(middle[-1]), float(middle[-2]))
    third = max(len(logs) // 3, 1)
    higher = logs[-third:].mean() - logs[:third].mean() > max(1.5 * noise, LEAST_RISE)
    trend = higher and stats.kendalltau(x, logs, alternative="greater").pvalue < TREND
    if not trend and end - middle[least] <= max(RISE * noise, LEAST_RISE):
        return ""
    if trend or least == 0:
        first, last = np.exp(logs[[0, -1]])
        return f"the curve rises, from {first:.3g} to {last:.3g}: are these accuracies, where errors are expected"
    return f"the curve rises again from {sizes[least]:.3g} draws on, where errors are expected, which fall"
