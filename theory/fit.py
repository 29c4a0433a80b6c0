"""Scaling laws fitted to measured errors, with intervals, and the choice between them (theory/README.md, 1.5)."""

from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from theory.arguments import Number
from theory.estimates import flattest, intervals_of_parameters, natural, phase_slopes, three_phase_breakpoints
from theory.laws import JOINTS, LAWS
from theory.likelihood import criteria, optimum, residuals_and_jacobian
from theory.measured import Curve, curve
from theory.profile import allowed_rise

PLATEAU = 0.25  # a plateau is at most this steep, relative to the slopes around it


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


class Comparison(NamedTuple):
    """All four laws. `best` has the lowest BIC; three_phases: it has two breakpoints and a plateau within the data."""

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
    """The four laws fitted to the same data, the one of lowest BIC, and in words whether the data show three phases.

    They do if the best law has two breakpoints with two sampled sizes or more before, between and after them, and
    between them a slope of at most a quarter of the slopes around. Arguments and errors as for `fit`.
    """
    data = curve(samples, errors, real_share, standard_errors, shots)
    fits = {law: fitted(law, data) for law in LAWS}
    first, second = sorted(fits.values(), key=lambda one: one.bic)[:2]
    margin = f"its BIC is {second.bic - first.bic:.3g} below that of the next, the {_words(second.law)} law"
    if first.breakpoints is None:
        return Comparison(
            first.law, fits, False, f"no three phases in these data: the {_words(first.law)} law is best, {margin}"
        )
    missing = missing_phase(first, np.asarray(samples, float))
    if missing:
        verdict = f"no three phases in these data: the {_words(first.law)} law is best, but {missing}; {margin}"
    else:
        places = zip(first.breakpoints, JOINTS, strict=True)
        head, tail = (_with_range(place, first.intervals[name]) for place, name in places)
        verdict = (
            f"three phases: the head is learned at {head} draws and the tail from {tail} on; "
            f"the {_words(first.law)} law is best, {margin}"
        )
    return Comparison(first.law, fits, not missing, verdict)


def missing_phase(fit: Fit, samples: Float[np.ndarray, "n"]) -> str:
    """Why a law does not show three phases within these samples; empty if it does.

    fit: of a law with breakpoints; samples: total draws of the measured points.
    """
    if fit.breakpoints is None or fit.plateau is None:
        return f"the {_words(fit.law)} law has no breakpoints"
    first, second = fit.breakpoints
    sizes = np.unique(samples)
    if not np.isfinite(second):
        return "without real data the tail is never learned (the second breakpoint is infinite)"
    if np.sum(sizes < first) < 2:
        return f"the first breakpoint, {first:.3g}, does not lie inside the sampled range"
    if np.sum(sizes > second) < 2:
        return f"the second breakpoint, {second:.3g}, does not lie inside the sampled range"
    if np.sum((sizes >= first) & (sizes <= second)) < 2:
        return f"fewer than two sizes were sampled between {first:.3g} and {second:.3g}"
    if not fit.plateau <= PLATEAU:
        slope = f"falls at {fit.plateau:.0%} of the slope around"
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
    best = optimum(law, data)
    if name == "piecewise":  # its joints may have changed places
        best = best._replace(parameters=np.append(best.parameters[:-2], np.sort(best.parameters[-2:])))
    rise = allowed_rise(data, best)
    parameters, intervals = natural(law, best), intervals_of_parameters(law, data, best, rise)
    joints: tuple[float, float] | None = None
    plateau, slopes = None, None
    if name == "three_phase":
        joints, ranges = three_phase_breakpoints(law, data, best, rise)
        if np.isinf(intervals["cutoff"][1]):  # then only the bound of the cutoff limits the breakpoints
            ranges = {label: (low, float("inf")) for label, (low, _) in ranges.items()}
        intervals |= ranges
        plateau = flattest(data, joints, exponent=parameters["exponent"], cutoff=parameters["cutoff"])
    if name == "piecewise":
        joints = parameters[JOINTS[0]], parameters[JOINTS[1]]
        around = max(parameters["first_slope"], parameters["last_slope"])
        plateau = parameters["plateau_slope"] / around if around < 0 else float("inf")
    if joints is not None:
        samples = (data.n_real + data.n_synthetic)[: data.size]
        slopes = phase_slopes(samples, data.errors[: data.size], floor=parameters["floor"], breakpoints=joints)
    residuals, _ = residuals_and_jacobian(law, data, best.parameters)
    noise = float(np.sqrt(np.mean((residuals * data.relative[: data.size]) ** 2)))
    return Fit(name, parameters, intervals, joints, *criteria(data, best), plateau, slopes, noise)


def _with_range(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3g} (95 %: {interval[0]:.3g} to {interval[1]:.3g})"


def _words(name: str) -> str:
    return name.replace("_", "-")
