"""Intervals by profile likelihood: how far a quantity goes until the fit is too bad (theory/README.md, 1.5)."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from scipy import stats

from theory.laws import Law
from theory.likelihood import NOISELESS, Optimum, descend, residuals_and_jacobian
from theory.measured import Curve

LEVEL = 0.95  # of all intervals
STIFFNESS = 30  # of the pull along a profile: comes to rest within 0.2 % of a standard error
FARTHEST = 60  # a logarithm that got so far without misfit has no limit

# parameters (p,) -> (value, gradient (p,))
Quantity: TypeAlias = Callable[[Float[np.ndarray, "p"]], tuple[float, Float[np.ndarray, "p"]]]


def allowed_rise(data: Curve, best: Optimum) -> float:
    """By how much the squares may exceed the least inside a 95 % interval (1.5).

    Known standard errors: 3.84. Unknown, or too small for this law (at 1 %): F(1, spare) times squares / spare.
    """
    spare = data.size - len(best.parameters)
    if data.known and best.squares <= stats.chi2.ppf(0.99, spare):
        return float(stats.chi2.ppf(LEVEL, 1))
    return float(max(best.squares / spare, NOISELESS) * stats.f.ppf(LEVEL, 1, spare))


def parameter(index: int) -> Quantity:
    """The quantity parameters[index] and its gradient, for `interval`."""

    def quantity(parameters):
        return parameters[index], np.eye(len(parameters))[index]

    return quantity


def interval(law: Law, data: Curve, best: Optimum, quantity: Quantity, rise: float) -> tuple[float, float]:
    """Range of a quantity over all parameters whose squares exceed the least by at most `rise` (profile likelihood).

    quantity: parameters -> (value, gradient); best: the law's optimum on these data. A pull towards a wanted value
    moves along the profile: where it comes to rest, the squares are the least possible for the value reached.
    -inf or inf where the data set no limit.
    """
    value, gradient = quantity(best.parameters)
    _, jacobian = residuals_and_jacobian(law, data, best.parameters)
    covariance = np.linalg.pinv(jacobian.T @ jacobian, rcond=1e-12)
    spread = float(np.sqrt(max(float(gradient @ covariance @ gradient), 1e-12)))
    low, high = (value + sign * _distance(law, data, best, quantity, rise, sign, min(spread, 1.0)) for sign in (-1, 1))
    return low, high


def _distance(law, data, best, quantity, rise, sign, spread):
    """How far the quantity goes to one side until the squares have risen by `rise`, by secants on the rise's root."""
    origin, start, wanted = quantity(best.parameters)[0], best.parameters, np.sqrt(rise)
    inside, outside = (0.0, 0.0), None  # (distance, root of the rise) on both sides of the end
    distance, stalled = wanted * spread, 0
    for _ in range(20):
        target = origin + sign * distance

        def pull(parameters, target=target):
            value, gradient = quantity(parameters)
            return (value - target) * STIFFNESS / spread, gradient * STIFFNESS / spread

        nearest = descend(law, data, start, pull, tolerance=1e-4 * rise)
        reached = sign * (quantity(nearest.parameters)[0] - origin)
        root = np.sqrt(max(nearest.squares - best.squares, 0.0))
        if abs(root - wanted) < 0.01 * wanted:
            return reached
        if root > wanted:
            outside = (min(reached, distance), root)
        elif reached > inside[0]:
            inside, start = (reached, root), nearest.parameters
        if outside is not None:
            part = (wanted - inside[1]) / (outside[1] - inside[1])
            distance = inside[0] + np.clip(part, 0.05, 0.95) * (outside[0] - inside[0])
        elif reached < 0.9 * distance:  # a bound of the parameters, or a start too far off
            stalled += 1
            distance = inside[0] + (distance - inside[0]) / 4
        else:
            distance *= np.clip(1.2 * wanted / max(root, 1e-9), 1.3, 3)
        if stalled == 3 or distance > FARTHEST * max(spread, 1.0):
            break
    return np.inf if outside is None else distance
