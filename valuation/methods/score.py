"""The mixture score: our reconstruction of the paper's retraining-free value (theory/README.md, 3.3).

    v(S) = -[ w1 (omega L_r + (1-omega) L_s) + w2 (omega d_r + (1-omega) d_s) + w3 sqrt(y' Theta^-1 y / n)
              + w4 sqrt(max(omega, 1-omega) / n) ],   omega = n_r / n

Every term is a cost, lower = better; a part that is absent contributes exactly 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import scipy.linalg
import scipy.optimize
from jaxtyping import Float

from valuation.discrepancy import mean_squared_distance, mk_mmd
from valuation.kernel import likelihoods
from valuation.problem import Contributor, Examples, Problem, contributor_examples, flat_features
from valuation.tangent import initial_residual, tangent

CALIBRATION = 2  # purposes of a key


class Terms(NamedTuple):
    """The four costs of every contributor, (C,) each."""

    loss: np.ndarray
    discrepancy: np.ndarray
    kernel: np.ndarray
    size: np.ndarray


def mixture_score(
    problem: Problem,
    *,
    weights: Callable,
    output: str = "true_class",
    scaled: bool = False,
    ridge: float = 1e-3,
    estimator: str = "unbiased",
    joint: bool = False,
) -> Float[np.ndarray, " C"]:
    """The score with weights(terms); the other options are those of `terms`. No labels of validation, no training."""
    costs = terms(problem, output=output, scaled=scaled, ridge=ridge, estimator=estimator, joint=joint)
    return value(costs, weights(costs))


def calibrated_score(
    problem: Problem,
    *,
    retrained: int = 6,
    output: str = "true_class",
    scaled: bool = False,
    ridge: float = 1e-3,
    estimator: str = "unbiased",
    joint: bool = False,
) -> Float[np.ndarray, " C"]:
    """The score with weights fitted to the held-out losses of `retrained` contributors that are really trained on."""
    costs = terms(problem, output=output, scaled=scaled, ridge=ridge, estimator=estimator, joint=joint)
    losses, members = retrained_losses(problem, count=retrained)
    return value(costs, calibrated_weights(costs, losses, members))


def mmd_only(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> Float[np.ndarray, " C"]:
    """The discrepancy term alone."""
    return -np.array([discrepancy_term(problem, c, estimator=estimator, joint=joint) for c in problem.contributors])


def mmd_size(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> Float[np.ndarray, " C"]:
    """The score of its discrepancy and size terms alone, scale-free weights: neither gradients nor labels."""
    distances = -mmd_only(problem, estimator=estimator, joint=joint)
    nothing = np.zeros(len(distances))
    costs = Terms(nothing, distances, nothing, size_terms(problem))
    return value(costs, scale_free_weights(costs))


def loss_only(problem: Problem, *, output: str = "true_class", ridge: float = 1e-3) -> Float[np.ndarray, " C"]:
    """The loss term alone."""
    pairs = (kernel_and_loss(problem, c, output=output, scaled=False, ridge=ridge) for c in problem.contributors)
    return -np.array([loss for _, loss in pairs])


def terms(
    problem: Problem,
    *,
    output: str = "true_class",
    scaled: bool = False,
    ridge: float = 1e-3,
    estimator: str = "unbiased",
    joint: bool = False,
) -> Terms:
    """The four terms of every contributor; kernel and loss are means over the problem's initialisations.

    output: scalar whose gradient makes the kernel, as in kernel.gram. "true_class" takes y = 1 - f_y(x), "sum" takes
        y = onehot - f(x) with one kernel for all classes; sequences take their nats per token (tangent.py).
    scaled: multiplies the kernel term by sqrt(mean Theta_ii), which makes it free of the kernel's scale.
    ridge: Theta + ridge * mean(Theta_ii) I is inverted: duplicates make Theta itself singular.
    joint: the discrepancy is that of inputs and labels together.
    """
    kernel_terms = [
        kernel_and_loss(problem, c, output=output, scaled=scaled, ridge=ridge) for c in problem.contributors
    ]
    kernel, loss = np.array(kernel_terms).T
    discrepancy = [discrepancy_term(problem, c, estimator=estimator, joint=joint) for c in problem.contributors]
    return Terms(loss, np.array(discrepancy), kernel, size_terms(problem))


def size_terms(problem: Problem) -> Float[np.ndarray, " C"]:
    """sqrt(max(omega, 1 - omega) / n) of every contributor, omega its real share."""
    share = np.array([c.real.mean() for c in problem.contributors])
    count = np.array([len(c.index) for c in problem.contributors])
    return np.sqrt(np.maximum(share, 1 - share) / count)


def value(terms: Terms, weights) -> Float[np.ndarray, " C"]:
    """-(w1 loss + w2 discrepancy + w3 kernel + w4 size), higher = better; weights (4,) or one row a contributor."""
    return -np.sum(np.stack(terms, -1) * np.asarray(weights), -1)


def literal_weights(terms: Terms) -> Float[np.ndarray, "4"]:
    """Least squares of the four terms on (loss + discrepancy) / 2, as the paper's fit has been described.

    The target lies in the span of two of the terms: the weights are (1/2, 1/2, 0, 0) whatever the data.
    """
    target = (terms.loss + terms.discrepancy) / 2
    return np.linalg.lstsq(np.stack(terms, -1), target, rcond=None)[0]


def scale_free_weights(terms: Terms) -> Float[np.ndarray, "4"]:
    """Each term over its standard deviation across the contributors; a constant term gets 0."""
    spread = np.stack(terms).std(1)
    return np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0.0)


def kappa_weights(terms: Terms) -> Float[np.ndarray, "4"]:
    """(1, 1, kappa, 1), kappa = mean |discrepancy| / mean kernel term: the balance that DAVINZ strikes."""
    return np.array([1.0, 1.0, np.abs(terms.discrepancy).mean() / terms.kernel.mean(), 1.0])


def calibrated_weights(terms: Terms, losses, members) -> Float[np.ndarray, "C 4"]:
    """Non-negative weights fitted to the held-out losses of a few retrained contributors; one row a contributor.

    losses: held-out loss of each retrained contributor, (k,). members: which contributors those are, (k,).
    Least squares with an intercept, on standardised terms. The row of a retrained contributor is fitted without it.
    """
    table, members, losses = np.stack(terms, -1), np.asarray(members), np.asarray(losses)
    if len(members) < 2:
        raise ValueError("calibrated weights need at least 2 retrained contributors: one of them is left out")
    spread = table.std(0)
    spread = np.where(spread > 0, spread, np.inf)

    def fitted(keep) -> np.ndarray:
        rows = table[members[keep]] / spread
        sides = np.ones((len(rows), 1))
        return scipy.optimize.nnls(np.hstack([rows, sides, -sides]), losses[keep])[0][:4] / spread

    everyone = fitted(np.ones(len(members), bool))
    weights = np.tile(everyone, (len(table), 1))
    for position, member in enumerate(members):
        weights[member] = fitted(np.arange(len(members)) != position)
    return weights


def retrained_losses(problem: Problem, *, count: int = 6, share: float = 1.0):
    """(held-out losses (k,) nats, members (k,)) of `count` contributors chosen by the key and really trained."""
    if problem.train is None:
        raise ValueError("calibrated weights need a problem that can train: Problem.train is None")
    choose, train = jax.random.split(jax.random.fold_in(problem.key, CALIBRATION))
    count = min(count, len(problem.contributors))
    members = np.asarray(jax.random.choice(choose, len(problem.contributors), (count,), replace=False))
    trained = problem.train([contributor_examples(problem, problem.contributors[i]) for i in members], share, train)
    losses = [-likelihoods(problem.model._replace(params=params), problem.validation).mean() for params in trained]
    return np.array(losses, np.float64), members


def discrepancy_term(problem: Problem, contributor: Contributor, *, estimator: str, joint: bool) -> float:
    """omega d_r + (1 - omega) d_s: MK-MMD of each part to the validation set, one bandwidth for all contributors.

    A part of one row takes the biased estimator, the only one that exists for it.
    """
    ahead = flat_features(problem, problem.validation.inputs)
    bandwidth = mean_squared_distance(ahead)
    total = 0.0
    for part in (contributor.real, ~contributor.real):
        if part.any():
            own = flat_features(problem, problem.pool.inputs[contributor.index[part]])
            labels = (contributor.targets[part], problem.validation.targets) if joint else None
            kind = estimator if part.sum() > 1 else "biased"
            total += part.mean() * mk_mmd(own, ahead, estimator=kind, bandwidth=bandwidth, labels=labels)
    return float(total)


def kernel_and_loss(problem: Problem, contributor: Contributor, *, output: str, scaled: bool, ridge: float):
    """(sqrt(y' Theta^-1 y / n), mean squared residual of kernel regression by part), means over initialisations.

    From scratch the loss of the reference model says nothing, so the loss is that of regression with Theta on all of
    S: residual lambda (Theta + lambda I)^-1 y, squared, summed over outputs; omega L_r + (1-omega) L_s is its mean.
    """
    own = contributor_examples(problem, contributor)
    results = [_kernel_and_loss(problem, own, params, output, scaled, ridge) for params in problem.initial]
    return tuple(np.mean(results, axis=0))


def _kernel_and_loss(problem: Problem, own: Examples, params, output: str, scaled: bool, ridge: float):
    theta = np.asarray(tangent(problem, own, output=output, params=params), np.float64)
    n, diagonal = len(theta), np.trace(theta) / len(theta)
    residual = initial_residual(problem, params, own, output)
    factor = scipy.linalg.cho_factor(theta + ridge * diagonal * np.eye(n), lower=True)
    alpha = scipy.linalg.cho_solve(factor, residual)
    squared = max(float(np.sum(residual * alpha)), 0.0) / n * (diagonal if scaled else 1.0)
    return np.sqrt(squared), float(np.sum((ridge * diagonal * alpha) ** 2)) / n
