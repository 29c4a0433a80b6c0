"""Rows whose causal effect is set exactly: real marginals of the covariates, a copula, a chosen effect, hidden causes.

Frugal Flows (arXiv 2411.01295) in closed form (theory/README.md, section 6): with normal scores z ~ N(0, R) of the
covariates and (v, e) normal with variance 1 and correlation rho, both apart from z,

    w = 1[a0 + z'a + v > 0],     y = tau w + z'b + sigma e.

The hidden cause is what v and e have in common; with rho = 0 there is none. Every other effect on y is b's and sigma's.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.synthetic.tables_copula import Copula, at_scores, root_of


class Causes(NamedTuple):
    """constant, treatment: a0 and a (p,), of the probit. outcome: b (p,). spread: sigma > 0. effect: tau.

    b and sigma in units of the outcome, tau too.
    """

    constant: float
    treatment: np.ndarray
    outcome: np.ndarray
    spread: float
    effect: float


class Drawn(NamedTuple):
    """n rows: cells (n, p) in the covariates' units, scores (n, p) their normal scores, treatment and outcome (n,),
    probit (n,): Phi^-1 of the propensity given the covariates.
    """

    cells: np.ndarray
    scores: np.ndarray
    treatment: np.ndarray
    outcome: np.ndarray
    probit: np.ndarray


def causal_rows(copula: Copula, causes: Causes, count: int, hidden: float, rng: np.random.Generator) -> Drawn:
    """So many rows. copula: of the covariates, p columns. hidden: rho in (-1, 1).

    Raises ValueError for another rho, and for a spread that is not positive.
    """
    if not -1 < hidden < 1:
        raise ValueError(f"hidden confounding rho = {hidden}, expected a correlation between -1 and 1")
    if not causes.spread > 0:
        raise ValueError(f"the outcome's noise has spread {causes.spread}, expected a positive number")
    root = root_of(copula.correlations)
    z: Float[np.ndarray, "n p"] = rng.normal(size=(count, len(root))) @ root.T
    v, own = rng.normal(size=(2, count))
    e = hidden * v + np.sqrt(1 - hidden**2) * own
    index = causes.constant + z @ causes.treatment
    w = (index + v > 0).astype(np.float64)
    y = causes.effect * w + z @ causes.outcome + causes.spread * e
    return Drawn(at_scores(copula.values, z), z, w, y, index)
