"""Who is treated: both arms, and the probability of treatment given the covariates (README.md, section 6).

Rows have covariates x (n, p) and a treatment w, 0 or 1, all float64.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

CLIP = 0.01  # propensities are kept this far from 0 and 1
STEPS = 30  # of Newton's method
Rows = Float[np.ndarray, "n p"]
Column = Float[np.ndarray, " n"]


def check_arms(w: Column, name: str = "the treatment") -> None:
    """Raises ValueError that begins with the name for a treatment with one arm, or other numbers than 0 and 1."""
    found = np.unique(w)
    if not set(found.tolist()) <= {0.0, 1.0}:
        raise ValueError(f"{name} holds {found[~np.isin(found, (0, 1))][0]:g}, expected 0 and 1")
    if len(found) < 2:
        raise ValueError(f"{name} is {found[0]:g} in all {len(w)} rows, expected two arms")


def with_one(x: Rows) -> Float[np.ndarray, "n q"]:
    """The rows with a one in front."""
    return np.column_stack([np.ones(len(x)), x])


def propensities(
    x: Rows, w: Column, at: Float[np.ndarray, "m p"] | None = None, *, ridge: float = 1e-3
) -> Float[np.ndarray, " k"]:
    """Probability of treatment of every row by logistic regression, in [CLIP, 1 - CLIP].

    at: rows that are asked about; None: x itself. ridge: of the coefficients but the constant, by which they stay
    finite where the arms can be told apart.
    """
    check_arms(w)
    design, penalty = with_one(x), ridge * (np.arange(x.shape[1] + 1) > 0)
    b = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = expit(design @ b)
        curvature = (design * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ design + np.diag(penalty)
        b = b + np.linalg.lstsq(curvature, design.T @ (w - p) - penalty * b, rcond=None)[0]
    return np.clip(expit((design if at is None else with_one(at)) @ b), CLIP, 1 - CLIP)
