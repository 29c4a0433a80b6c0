"""Scaling laws fitted to measured errors, with intervals, and the choice between them (theory/README.md, 1.5)."""

from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from theory.arguments import Number
from theory.estimates import intervals_of_joints, intervals_of_parameters, joints_and_plateau, natural, phase_slopes
from theory.laws import JOINTS, LAWS
from theory.likelihood import Optimum, bounds, criteria, criterion, descend, optimum, residuals_and_jacobian
from theory.measured import Curve, curve, rise, without
from theory.profile import allowed_rise

PLATEAU = 0.25  # a plateau is at most this steep, relative to the slopes around it
CLOSE = 1e-3  # of the squares: a fit without one point stops where a step gains no more
STILL = 0.01  # of the logarithm of an error: what falls by less over all samples does not fall


class Fit(NamedTuple):
    """One law at its maximum likelihood. Intervals hold 95 %; infinite where the data set no limit."""

    law: str
    parameters: dict[str, float]  # amplitude, floor (units of the errors) and the law's own
    intervals: dict[str, tuple[float, float]]  # of the parameters and of both breakpoints
    breakpoints: tuple[float, float] | None  # total draws; None for laws without
    aicc: float
    bic: float
    plateau: float | None  # least slope between the breakpoints over the slope around them
    slopes: tuple[float, float, float] | None  # of the measured log(error - floor) before, between, after them
    noise: float  # root mean square of the relative residuals

    @property
    def criterion(self) -> float:
        """By which laws are chosen, lower = better: the larger of AICc and BIC (theory/README.md, 1.5)."""
        return max(self.aicc, self.bic)


class Comparison(NamedTuple):
    """Those of the four laws that the points are enough for, by name.

    best: the law of the lowest criterion (likelihood.criterion). three_phases: it has two breakpoints and a plateau
    within the data, and so it is without any one of the points. verdict: the same in words.
    """

    best: str
    fits: dict[str, Fit]
    three_phases: bool
    verdict: str


def fit(
    samples: ArrayLike,
    errors: ArrayLike,
    *,
    real_share: ArrayLike,
    standard_errors: ArrayLike | None = None,
    law: str = "three_phase",
    shots: Number = 1.0,
) -> Fit:
    """One law fitted to errors at total numbers of draws, by least squares of log errors.

    samples, errors: (n,), draws > 0 and errors > 0 (rates, nats, ...). real_share: of the draws, a number or (n,); then
    breakpoints are those of the median share. standard_errors: (n,), of the errors; None: one unknown relative noise.
    law: "power" A n^-c + E, "rectified" B/(n0^c + n^c) + E, "three_phase" A L(n; exponent, cutoff) + E or "piecewise",
    three power laws + E. Raises ValueError for such input as it cannot use, and for too few points.
    """
    if law not in LAWS:
        raise ValueError(f"unknown law {law!r}, known: {', '.join(LAWS)}")
    return fitted(law, curve(samples, errors, real_share, standard_errors, shots))


def compare(
    samples: ArrayLike,
    errors: ArrayLike,
    *,
    real_share: ArrayLike,
    standard_errors: ArrayLike | None = None,
    shots: Number = 1.0,
) -> Comparison:
    """The four laws fitted to the same data, which of them is best, and in words whether the data show three phases.

    They do if the best law has two breakpoints with two sampled sizes or more before, between and after them, and
    between them a slope of at most a quarter of the slopes around; and if the same holds without any one of the points,
    so that no single bad run makes a phase. A law with as many parameters as there are points, or more, is left out.
    Arguments and errors as for `fit`.
    """
    data = curve(samples, errors, real_share, standard_errors, shots)
    optima = {name: optimum(law, data) for name, law in LAWS.items() if data.size > len(law.names) + 2}
    if not optima:
        raise ValueError(f"the power law has 3 parameters and needs more points than that, got {data.size}")
    fits = {name: _described(name, data, best) for name, best in optima.items()}
    chosen, *others = sorted(fits, key=lambda name: criterion(data, optima[name]))
    first, margin = fits[chosen], ""
    if others and np.isfinite(criterion(data, optima[others[0]])):
        ahead = criterion(data, optima[others[0]]) - criterion(data, optima[chosen])
        margin = f", its criterion is {ahead:.3g} below that of the next, the {_words(others[0])} law"
    rising = rise(np.asarray(samples, float), np.asarray(errors, float))
    missing = rising or missing_phase(first, np.asarray(samples, float)) or _without_one(data, optima)
    if first.breakpoints is None:
        reason = rising or _still(first, np.asarray(samples, float))
        reason += "; " if reason else ""
        verdict = f"no three phases in these data: {reason}the {_words(chosen)} law is best{margin}"
    elif missing:
        verdict = f"no three phases in these data: the {_words(chosen)} law is best, but {missing}{margin}"
    else:
        places = zip(first.breakpoints, JOINTS, strict=True)
        head, tail = (_with_range(place, first.intervals[name]) for place, name in places)
        verdict = (
            f"three phases: the head is learned at {head} draws and the tail from {tail} on; "
            f"the {_words(chosen)} law is best{margin}"
        )
    return Comparison(chosen, fits, not missing, verdict)


def missing_phase(fit: Fit, samples: Float[np.ndarray, "n"]) -> str:
    """Why a law does not show three phases within these samples; empty if it does.

    fit: of a law with breakpoints; samples: total draws of the measured points.
    """
    if fit.breakpoints is None or fit.plateau is None:
        return f"the {_words(fit.law)} law has no breakpoints"
    return _missing(fit.breakpoints, fit.plateau, samples)


def _still(fit: Fit, samples: Float[np.ndarray, "n"]) -> str:
    """In words that a law without breakpoints does not fall within the samples; empty if it does."""
    fall = fit.parameters["decay"] * np.log(samples.max() / samples.min())
    return "the curve does not fall" if fall < STILL else ""


def _missing(breakpoints: tuple[float, float], plateau: float, samples: Float[np.ndarray, "n"]) -> str:
    first, second = breakpoints
    sizes = np.unique(samples)
    if not np.isfinite(second):
        return "without real data the tail is never learned (the second breakpoint is infinite)"
    if np.sum(sizes < first) < 2:
        return f"the first breakpoint, {first:.3g}, does not lie inside the sampled range"
    if np.sum(sizes > second) < 2:
        return f"the second breakpoint, {second:.3g}, does not lie inside the sampled range"
    if np.sum((sizes >= first) & (sizes <= second)) < 2:
        return f"fewer than two sizes were sampled between {first:.3g} and {second:.3g}"
    if not plateau <= PLATEAU:
        slope = (
            f"falls at {plateau:.0%} of the slope around" if np.isfinite(plateau) else "falls and around it does not"
        )
        return f"there is no plateau: between {first:.3g} and {second:.3g} the curve {slope}"
    return ""


def fitted(name: str, data: Curve) -> Fit:
    """The law of that name fitted to a checked curve. Raises ValueError for too few points."""
    law = LAWS[name]
    free = len(law.names) + 2
    if data.size <= free:
        raise ValueError(
            f"the {_words(name)} law has {free} parameters and needs more points than that, got {data.size}"
        )
    return _described(name, data, optimum(law, data))


def _described(name: str, data: Curve, best: Optimum) -> Fit:
    law, rise = LAWS[name], allowed_rise(data, best)
    parameters, intervals = natural(law, best), intervals_of_parameters(law, data, best, rise)
    joints, plateau = joints_and_plateau(name, data, best)
    slopes = None
    if joints is not None:
        intervals |= intervals_of_joints(name, data, best, rise, intervals)
        samples = (data.n_real + data.n_synthetic)[: data.size]
        slopes = phase_slopes(samples, data.errors[: data.size], floor=parameters["floor"], breakpoints=joints)
    residuals, _ = residuals_and_jacobian(law, data, best.parameters)
    noise = float(np.sqrt(np.mean((residuals * data.relative[: data.size]) ** 2)))
    return Fit(name, parameters, intervals, joints, *criteria(data, best), plateau, slopes, noise)


def _without_one(data: Curve, optima: dict[str, Optimum]) -> str:
    """Which point the claim of three phases rests on; empty if on none. optima: of the laws, by name, on all points."""
    samples = (data.n_real + data.n_synthetic)[: data.size]
    for position in range(data.size):
        rest = without(data, position)
        again = {}
        for name, best in optima.items():
            if rest.size > len(LAWS[name].names) + 2:
                start = np.clip(best.parameters, *bounds(LAWS[name], rest))
                again[name] = descend(LAWS[name], rest, start, tolerance=CLOSE * best.squares)
        chosen = min(again, key=lambda name: criterion(rest, again[name]))
        joints, plateau = joints_and_plateau(chosen, rest, again[chosen])
        if joints is None or plateau is None or _missing(joints, plateau, np.delete(samples, position)):
            return f"that hangs on one point, at {samples[position]:.3g} draws: without it they are not seen"
    return ""


def _with_range(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3g} (95 %: {interval[0]:.3g} to {interval[1]:.3g})"


def _words(name: str) -> str:
    return name.replace("_", "-")
