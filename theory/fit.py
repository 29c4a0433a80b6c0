"""Scaling laws fitted to measured errors, with intervals, and the choice between them (theory/README.md, 1.5)."""

from numbers import Real
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from theory import likelihood
from theory.laws import JOINTS, LAWS, Law
from theory.likelihood import Optimum
from theory.measured import Curve, curve
from theory.phases import breakpoints, local_slope

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
    slopes: tuple[float, float, float] | None  # of the measured log(error - floor) before, between, behind them
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
    shots: Real = 1.0,
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
    shots: Real = 1.0,
) -> Comparison:
    """The four laws fitted to the same data, the one of lowest BIC, and in words whether the data show three phases.

    They do if the best law has two breakpoints with two sampled sizes or more before, between and behind them, and
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
        head, tail = _with_range(first, 0), _with_range(first, 1)
        verdict = (
            f"three phases: the head is learned at {head} draws and the tail from {tail} on; "
            f"the {_words(first.law)} law is best, {margin}"
        )
    return Comparison(first.law, fits, not missing, verdict)


def missing_phase(fitted: Fit, samples: Float[np.ndarray, "n"]) -> str:
    """Why a law with breakpoints does not show three phases within these samples; empty if it does."""
    first, second = fitted.breakpoints
    sizes = np.unique(samples)
    if not np.isfinite(second):
        return "without real data the tail is never learned (the second breakpoint is infinite)"
    if np.sum(sizes < first) < 2:
        return f"the first breakpoint, {first:.3g}, does not lie inside the sampled range"
    if np.sum(sizes > second) < 2:
        return f"the second breakpoint, {second:.3g}, does not lie inside the sampled range"
    if np.sum((sizes >= first) & (sizes <= second)) < 2:
        return f"fewer than two sizes were sampled between {first:.3g} and {second:.3g}"
    if not fitted.plateau <= PLATEAU:
        slope = f"falls at {fitted.plateau:.0%} of the slope around"
        return f"there is no plateau: between {first:.3g} and {second:.3g} the curve {slope}"
    return ""


def phase_slopes(
    samples: Float[np.ndarray, "n"],
    errors: Float[np.ndarray, "n"],
    *,
    floor: Real,
    breakpoints: tuple[float, float],
) -> tuple[float, float, float]:
    """Slopes of log(error - floor) against log n before, between and behind the breakpoints (1.5).

    Straight lines weighted for equal relative noise of the errors; NaN with fewer than two sizes in a phase.
    """

    def slope(inside):
        inside &= errors > floor
        if len(np.unique(samples[inside])) < 2:
            return float("nan")
        weights = (errors[inside] - floor) / errors[inside]
        return float(np.polyfit(np.log(samples[inside]), np.log(errors[inside] - floor), 1, w=weights)[0])

    first, second = breakpoints
    return slope(samples < first), slope((samples >= first) & (samples <= second)), slope(samples > second)


def fitted(name: str, data: Curve) -> Fit:
    """One law fitted to a checked curve."""
    law = LAWS[name]
    free = len(law.names) + 2
    if data.size <= free:
        raise ValueError(
            f"the {_words(name)} law has {free} parameters and needs more points than that, got {data.size}"
        )
    best = likelihood.optimum(law, data)
    if name == "piecewise":  # its joints may have changed places
        best = best._replace(parameters=np.append(best.parameters[:-2], np.sort(best.parameters[-2:])))
    rise = likelihood.allowed_rise(data, best)
    parameters, intervals = natural(law, best), intervals_of_parameters(law, data, best, rise)
    joints, plateau, slopes = None, None, None
    if name == "three_phase":
        joints, ranges = three_phase_breakpoints(law, data, best, rise)
        if np.isinf(intervals["cutoff"][1]):  # then only the bound of the cutoff limits the breakpoints
            ranges = {label: (low, float("inf")) for label, (low, _) in ranges.items()}
        intervals |= ranges
        plateau = _flattest(data.real_share, joints, parameters["exponent"], parameters["cutoff"], data.shots)
    if name == "piecewise":
        joints = tuple(parameters[label] for label in JOINTS)
        around = max(parameters["first_slope"], parameters["last_slope"])
        plateau = parameters["plateau_slope"] / around if around < 0 else float("inf")
    if joints is not None:
        samples = (data.n_real + data.n_synthetic)[: data.size]
        slopes = phase_slopes(samples, data.errors[: data.size], floor=parameters["floor"], breakpoints=joints)
    residuals, _ = likelihood.residuals_and_jacobian(law, data, best.parameters)
    noise = float(np.sqrt(np.mean((residuals * data.relative[: data.size]) ** 2)))
    return Fit(name, parameters, intervals, joints, *likelihood.criteria(data, best), plateau, slopes, noise)


def natural(law: Law, best: Optimum) -> dict[str, float]:
    """Amplitude, floor and the law's own parameters in natural units, by name."""
    own = [np.exp(x) if log else x for x, log in zip(best.parameters[2:], law.in_logs, strict=True)]
    values = [np.exp(best.parameters[0]), best.parameters[1], *own]
    return {name: float(value) for name, value in zip(("amplitude", "floor", *law.names), values, strict=True)}


def intervals_of_parameters(law: Law, data: Curve, best: Optimum, rise: float) -> dict[str, tuple[float, float]]:
    """Profile-likelihood intervals of `natural`, by name."""
    found = {}
    for index, (name, log) in enumerate(zip(natural(law, best), (True, False, *law.in_logs), strict=True)):
        low, high = likelihood.interval(law, data, best, likelihood.parameter(index), rise)
        low, high = (np.exp(low), np.exp(high)) if log else (low, high)
        found[name] = (float(max(low, 0.0) if name == "floor" else low), float(high))
    return found


def three_phase_breakpoints(law: Law, data: Curve, best: Optimum, rise: float) -> tuple[tuple[float, float], dict]:
    """T1 and T2 of law iii and their profile-likelihood intervals by name."""
    values, ranges = [], {}
    for index, name in enumerate(JOINTS):

        def quantity(parameters, index=index):
            with jax.enable_x64(True):
                value, gradient = _log_breakpoint(parameters, data.real_share, data.shots)
            return float(value[index]), np.asarray(gradient[index])

        values.append(float(np.exp(quantity(best.parameters)[0])))
        low, high = likelihood.interval(law, data, best, quantity, rise) if np.isfinite(values[-1]) else (np.inf,) * 2
        ranges[name] = (float(np.exp(low)), float(np.exp(high)))
    return tuple(values), ranges


@jax.jit
def _log_breakpoint(parameters, share, shots):
    def values(parameters):
        points = breakpoints(share, exponent=parameters[2], cutoff=jnp.exp(parameters[3]), shots=shots)
        return jnp.log(jnp.stack(points))

    return values(parameters), jax.jacfwd(values)(parameters)


def _flattest(share, joints, exponent, cutoff, shots):
    """Least slope between the breakpoints relative to the outer slope -(1 - 1/beta)."""
    if not np.isfinite(joints[1]):
        return 0.0
    with jax.enable_x64(True):
        slopes = local_slope(np.geomspace(*joints, 64), share, exponent=exponent, cutoff=cutoff, shots=shots)
    return float(np.max(np.asarray(slopes)) / (1 / exponent - 1))


def _with_range(fitted, which):
    low, high = fitted.intervals[JOINTS[which]]
    return f"{fitted.breakpoints[which]:.3g} (95 %: {low:.3g} to {high:.3g})"


def _words(name):
    return name.replace("_", "-")
