"""A fitted law in natural units: parameters, breakpoints and slopes, with intervals (theory/README.md, 1.5)."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from theory.arguments import Number
from theory.laws import JOINTS, LAWS, Law
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


def joints_and_plateau(name: str, data: Curve, best: Optimum) -> tuple[tuple[float, float] | None, float | None]:
    """Both breakpoints of a fit, total draws, and the least slope between them over that around; None without any.

    name: of the law, a key of LAWS. best: its optimum on the data.
    """
    values = natural(LAWS[name], best)
    if name == "piecewise":
        first, second = sorted(values[joint] for joint in JOINTS)
        around = max(values["first_slope"], values["last_slope"])
        return (first, second), values["plateau_slope"] / around if around < 0 else float("inf")
    if name != "three_phase":
        return None, None
    with jax.enable_x64(True):
        logs, _ = _log_breakpoint(best.parameters, data.real_share, data.shots)
    first, second = np.exp(np.asarray(logs)).tolist()
    return (first, second), flattest(data, (first, second), exponent=values["exponent"], cutoff=values["cutoff"])


def intervals_of_joints(
    name: str, data: Curve, best: Optimum, rise: float, intervals: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """95 % intervals of both breakpoints, total draws, by name; of a law that has some.

    intervals: of its parameters; the rest as for intervals_of_parameters.
    """
    if name == "piecewise":  # they are parameters, which may have changed places
        ends = sorted((intervals[joint] for joint in JOINTS), key=lambda ends: sum(ends))
        return dict(zip(JOINTS, ends, strict=True))
    ranges = {}
    joints, _ = joints_and_plateau(name, data, best)
    for index, joint in enumerate(JOINTS):

        def quantity(parameters, index=index):
            with jax.enable_x64(True):
                value, gradient = _log_breakpoint(parameters, data.real_share, data.shots)
            return float(value[index]), np.asarray(gradient[index])

        finite = joints is not None and np.isfinite(joints[index])
        low, high = interval(LAWS[name], data, best, quantity, rise) if finite else (np.inf,) * 2
        ranges[joint] = (float(np.exp(low)), float(np.exp(high)))
    if np.isinf(intervals["cutoff"][1]):  # then only the bound of the cutoff limits the breakpoints
        ranges = {joint: (low, float("inf")) for joint, (low, _) in ranges.items()}
    return ranges


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
