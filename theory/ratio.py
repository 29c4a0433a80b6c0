"""Two tests of T2 / T1 = s / pi that do not put the answer in by hand (theory/README.md, 1.5)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Key

from theory.arguments import Number
from theory.estimates import natural
from theory.knowledge import head_mass
from theory.laws import FREE_SHARE, LAWS
from theory.likelihood import optimum, residuals_and_jacobian
from theory.measured import Curve, curve
from theory.power_sums import zeta
from theory.profile import LEVEL, allowed_rise, interval, parameter


class ShareTest(NamedTuple):
    """The three-phase law fitted with its real share unknown."""

    real_share: float
    interval: tuple[float, float]  # 95 %, profile likelihood
    ratio: float  # T2 / T1 of that fit
    ratio_interval: tuple[float, float]
    known_share: float
    known_ratio: float  # s / pi at the known share and the fitted cutoff
    holds: bool  # the interval of the share holds the known one
    verdict: str


class JointTest(NamedTuple):
    """The joints of the piecewise law against those of curves that follow the three-phase law."""

    ratio: float  # of the measured curve's two joints
    expected: float  # median over simulated curves
    expected_interval: tuple[float, float]  # 95 % of simulated curves
    calibrated: float  # T2 / T1: the ratio, times s / pi over what its joints show on simulated curves
    calibrated_interval: tuple[float, float]
    known_ratio: float
    holds: bool  # the measured ratio lies where those of simulated curves do
    verdict: str


def share_test(
    samples: ArrayLike, errors: ArrayLike, *,
    real_share: Number, standard_errors: ArrayLike | None = None, shots: Number = 1.0,
) -> ShareTest:  # fmt: skip
    """Whether the real share read off a curve agrees with the one it was made with (theory/README.md, 1.5).

    The share enters the fit only as T2 / T1, so this tests the ratio. real_share in (0, 1), one for the whole curve;
    the rest, and what is raised, as for theory.fit.fit.
    """
    data = _checked(samples, errors, real_share, standard_errors, shots)
    best = optimum(FREE_SHARE, data)
    rise = allowed_rise(data, best)
    values = natural(FREE_SHARE, best)
    share, law = values["real_share"], (values["exponent"], values["cutoff"])
    low, high = (float(x) for x in np.exp(interval(FREE_SHARE, data, best, parameter(4), rise)))
    least, most = (float(x) for x in 1 + np.exp(interval(FREE_SHARE, data, best, _log_excess_ratio, rise)))
    holds = bool(low <= real_share <= high)
    verdict = (
        f"real share fitted {share:.3g} (95 %: {low:.3g} to {high:.3g}), known {real_share:.3g}: "
        f"T2/T1 = s/pi {'agrees with' if holds else 'is rejected by'} these data"
    )
    return ShareTest(
        share,
        (low, high),
        share_ratio(share, *law),
        (least, most),
        float(real_share),
        share_ratio(real_share, *law),
        holds,
        verdict,
    )


def joint_test(
    key: Key[Array, ""], samples: ArrayLike, errors: ArrayLike, *,
    real_share: Number, standard_errors: ArrayLike | None = None, shots: Number = 1.0, draws: int = 40,
) -> JointTest:  # fmt: skip
    """Whether the joints of three power laws lie as far apart as the three-phase law puts them (1.5).

    Joints do not sit at T1 and T2, because the phases pass smoothly into each other. So the same piecewise fit is made
    on `draws` curves of the known real share that have the sizes, the noise, and the exponent, cutoff, amplitude and
    floor of the measured one; those four come from a fit whose share is free, so the share is not put in by hand.
    Arguments and errors as for share_test; draws >= 20.
    """
    if draws < 20:
        raise ValueError(f"an interval needs at least 20 draws, got {draws}")
    data = _checked(samples, errors, real_share, standard_errors, shots)
    best = optimum(FREE_SHARE, data)
    values = natural(FREE_SHARE, best)
    parameters = np.append(best.parameters[:-1], np.log(float(real_share)))
    residuals, _ = residuals_and_jacobian(FREE_SHARE, data, parameters)
    size, spread = data.size, data.relative[: data.size]
    curve_of_law = np.log(data.errors[:size]) + residuals * spread
    if not data.known:
        spread = spread * np.sqrt(best.squares / (size - len(parameters)))
    measured = _log_joint_ratio(data)
    noise = np.asarray(jax.random.normal(key, (draws, size)), float)
    simulated = [
        _log_joint_ratio(data._replace(errors=_padded(np.exp(curve_of_law + spread * one), data))) for one in noise
    ]
    low, middle, high = np.quantile(simulated, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    known = share_ratio(real_share, values["exponent"], values["cutoff"])
    holds = bool(low <= measured <= high)
    calibrated = known * np.exp(measured - np.array([middle, high, low]))
    verdict = (
        f"the joints lie a factor {np.exp(measured):.3g} apart, those of simulated curves {np.exp(low):.3g} to "
        f"{np.exp(high):.3g} (95 %): T2/T1 = s/pi {'agrees with' if holds else 'is rejected by'} these data"
    )
    return JointTest(
        float(np.exp(measured)),
        float(np.exp(middle)),
        (float(np.exp(low)), float(np.exp(high))),
        float(calibrated[0]),
        (float(calibrated[1]), float(calibrated[2])),
        known,
        holds,
        verdict,
    )


def share_ratio(real_share: Number, exponent: Number, cutoff: Number) -> float:
    """T2 / T1 = s / pi = 1 + (1 - pi) / (pi H) (theory/README.md, 1.3); infinite without real data."""
    if real_share == 0:
        return float("inf")
    return float(1 + (1 - real_share) / (real_share * head_mass(exponent, cutoff)))


def _checked(samples, errors, real_share, standard_errors, shots) -> Curve:
    if not 0 < real_share < 1:
        raise ValueError(
            f"real_share must lie between 0 and 1, both excluded, got {real_share}: without real data the second "
            "breakpoint is infinite, without synthetic data there is none"
        )
    data = curve(samples, errors, real_share, standard_errors, shots)
    if data.size <= 7:
        raise ValueError(f"the test fits up to 7 parameters and needs more points than that, got {data.size}")
    return data


def _padded(errors, data):
    return np.pad(errors, (0, len(data.errors) - len(errors)), mode="edge")


def _log_joint_ratio(data):
    return float(np.ptp(optimum(LAWS["piecewise"], data).parameters[-2:]))


def _log_excess_ratio(parameters):
    """log(T2 / T1 - 1) and its gradient: unbounded on both sides, so intervals are not cut."""
    with jax.enable_x64(True):
        value, gradient = _excess_and_gradient(parameters)
    return float(value), np.asarray(gradient)


@jax.jit
@jax.value_and_grad
def _excess_and_gradient(parameters):
    head = 1 - zeta(parameters[2], jnp.exp(parameters[3]) + 1) / zeta(parameters[2])
    return jnp.log1p(-jnp.exp(parameters[4])) - parameters[4] - jnp.log(head)
