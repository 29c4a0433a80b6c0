"""Which data to buy next, given the three-phase law and prices (theory/README.md, 1.4). Computes in float64."""

from typing import NamedTuple

import jax
import numpy as np
from scipy import optimize

from theory import phases
from theory.arguments import Number, check

SPLITS = 129  # of the budget, tried before the best is refined


class Purchase(NamedTuple):
    """Examples to add, and the expected error L - L_inf afterwards."""

    real: float
    synthetic: float
    error: float


class MoneyValue(NamedTuple):
    """Change of the error per unit of money spent on one kind of data; negative: it helps."""

    real: float
    synthetic: float


def best_purchase(
    n_real: Number,
    n_synthetic: Number,
    budget: Number,
    *,
    price_real: Number,
    price_synthetic: Number,
    exponent: Number,
    cutoff: Number,
    shots: Number = 1.0,
) -> Purchase:
    """The split of a budget that makes the expected error least (theory/README.md, 1.4).

    min L(n_r + x B / price_r, n_s + (1 - x) B / price_s) over x in [0, 1]: splits on a grid that is fine at both ends,
    the best one refined. For shots = 1 the error is convex along the line and the minimum the only one.
    budget >= 0 and prices > 0 in one unit of money. Examples need not be whole. Raises ValueError for bad values.
    """
    check_prices(price_real, price_synthetic)
    if not 0 <= budget < np.inf:
        raise ValueError(f"budget must be finite and not negative, got {budget}")
    law = {"exponent": float(exponent), "cutoff": float(cutoff), "shots": float(shots)}

    def error(share):
        real, synthetic = n_real + share * budget / price_real, n_synthetic + (1 - share) * budget / price_synthetic
        with jax.enable_x64(True):
            return np.asarray(phases.expected_error(real, synthetic, **law))

    half = np.geomspace(1e-9, 0.5, SPLITS // 2)
    splits = np.concatenate([[0.0], half, 1 - half[-2::-1], [1.0]])
    errors = error(splits)
    best = int(np.argmin(errors))
    share, least = splits[best], float(errors[best])
    low, high = splits[max(best - 1, 0)], splits[min(best + 1, len(splits) - 1)]
    refined = optimize.minimize_scalar(
        lambda x: float(error(x)), bounds=(low, high), method="bounded", options={"xatol": 1e-9 * high}
    )
    if refined.fun < least:
        share, least = float(refined.x), float(refined.fun)
    return Purchase(float(share * budget / price_real), float((1 - share) * budget / price_synthetic), least)


def value_of_money(
    n_real: Number,
    n_synthetic: Number,
    *,
    price_real: Number,
    price_synthetic: Number,
    exponent: Number,
    cutoff: Number,
    shots: Number = 1.0,
) -> MoneyValue:
    """dL/dn over the price, for real and for synthetic examples: error rate per unit of money, <= 0 (1.4).

    Where both kinds are bought, the best split makes the two equal. Raises ValueError for bad values.
    """
    check_prices(price_real, price_synthetic)
    with jax.enable_x64(True):
        slopes = phases.marginal_error(
            float(n_real), float(n_synthetic), exponent=float(exponent), cutoff=float(cutoff), shots=float(shots)
        )
    return MoneyValue(float(slopes.real) / float(price_real), float(slopes.synthetic) / float(price_synthetic))


def real_to_leave_plateau(n_real: Number, *, exponent: Number, cutoff: Number, shots: Number = 1.0) -> float:
    """Real examples still missing until learning of the tail begins, max(0, m zeta(beta) k^beta - n_r) (1.3, 1.4).

    No amount of synthetic data replaces them. Raises ValueError for bad values.
    """
    check(n_real=n_real)
    with jax.enable_x64(True):
        needed = phases.breakpoints(1.0, exponent=float(exponent), cutoff=float(cutoff), shots=float(shots)).second
    return max(0.0, float(needed) - float(n_real))


def check_prices(price_real: Number, price_synthetic: Number) -> None:
    """Raises ValueError unless both prices are positive and finite."""
    for name, price in (("price_real", price_real), ("price_synthetic", price_synthetic)):
        if not 0 < price < np.inf:
            raise ValueError(f"{name} must be positive and finite, got {price}")
