"""A fitted law in natural units: parameters, breakpoints and slopes, with intervals (theory/README.md, 1.5)."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from theory.arguments import Number
from theory.laws import JOINTS, Law
from theory.likelihood import Optimum
from theory.measured import Curve
from theory.phases import breakpoints, local_slope
from theory.profile import interval, parameter


def natural(law: Law, best: Optimum) -> dict[str, float]:
    """Amplitude, floor and the law's own parameters in natural units, by name."""
    shape = [np.exp(x) if log else x for x, log in zip(best.parameters[2:], law.in_logs, strict=True)]
    values = [np.exp(best.parameters[0]), best.parameters[1], *shape]
    return {name: float(value) for name, value in zip(("amplitude", "floor", *law.names), values, strict=True)}


def intervals_of_parameters(law: Law, data: Curve, best: Optimum, rise: float) -> dict[str, tuple[float, float]]:
    """95 % profile-likelihood intervals of what `natural` returns, by name; infinite where the data set no limit.

    data: the curve; best: the law's optimum on it; rise: of the squares, inside an interval (profile.allowed_rise).
    """
    intervals = {}
    for index, (name, log) in enumerate(zip(natural(law, best), (True, False, *law.in_logs), strict=True)):
        low, high = interval(law, data, best, parameter(index), rise)
        low, high = (np.exp(low), np.exp(high)) if log else (low, high)
        intervals[name] = (float(max(low, 0.0) if name == "floor" else low), float(high))
    return intervals


def three_phase_breakpoints(
    law: Law, data: Curve, best: Optimum, rise: float
) -> tuple[tuple[float, float], dict[str, tuple[float, float]]]:
    """T1 and T2 of law iii, total draws, and their intervals by name. Arguments as for intervals_of_parameters."""
    values, ranges = [], {}
    for index, name in enumerate(JOINTS):

        def quantity(parameters, index=index):
            with jax.enable_x64(True):
                value, gradient = _log_breakpoint(parameters, data.real_share, data.shots)
            return float(value[index]), np.asarray(gradient[index])

        values.append(float(np.exp(quantity(best.parameters)[0])))
        low, high = interval(law, data, best, quantity, rise) if np.isfinite(values[-1]) else (np.inf,) * 2
        ranges[name] = (float(np.exp(low)), float(np.exp(high)))
    return (values[0], values[1]), ranges


@jax.jit
def _log_breakpoint(parameters, share, shots):
    def values(parameters):
        points = breakpoints(share, exponent=parameters[2], cutoff=jnp.exp(parameters[3]), shots=shots)
        return jnp.log(jnp.stack(points))

    return values(parameters), jax.jacfwd(values)(parameters)


def flattest(data: Curve, joints: tuple[float, float], *, exponent: float, cutoff: float) -> float:
    """Least slope between the breakpoints of law iii, relative to the slope -(1 - 1/beta) around them; 0 if T2 is inf.

    joints: T1 and T2. exponent, cutoff: of the law, at the shots and the real share of the data.
    """
    if not np.isfinite(joints[1]):
        return 0.0
    with jax.enable_x64(True):
        draws, law = np.geomspace(*joints, 64), {"exponent": exponent, "cutoff": cutoff, "shots": data.shots}
        slopes = local_slope(draws, data.real_share, **law)
    return float(np.max(np.asarray(slopes)) / (1 / exponent - 1))


def phase_slopes(
    samples: Float[np.ndarray, "n"], errors: Float[np.ndarray, "n"], *, floor: Number, breakpoints: tuple[float, float]
) -> tuple[float, float, float]:
    """Slopes of log(error - floor) against log n before, between and after the breakpoints (1.5).

    samples, errors: of the curve; floor: error that is left for n to infinity; breakpoints: T1, T2 in samples.
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
