"""The four costs of the mixture score (theory/README.md, 3.3), each computed once a contributor.

    omega L_r + (1-omega) L_s,   omega d_r + (1-omega) d_s,   sqrt(y' Theta^-1 y / n),   sqrt(max(omega, 1-omega) / n),

omega = n_r / n. Every term is a cost, lower = better; a part that is absent contributes exactly 0. L is called the
residual here: it is what a fit on the contributor leaves on the contributor itself. A kernel fit nearly interpolates,
so that it is about the square of the ridge whatever the labels are, and says nothing of other data; it stays because
the score has it. The term that does see labels is disagreement.py's.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.at_initialisation import contributor_kernel, contributor_residual
from valuation.discrepancy import mk_mmd
from valuation.feature_space import contributor_features, mean_squared_validation_distance, validation_features
from valuation.problem import Contributor, Problem, once


class Terms(NamedTuple):
    """The four costs of every contributor, (C,) each."""

    residual: np.ndarray
    discrepancy: np.ndarray
    kernel: np.ndarray
    size: np.ndarray


class KernelTerms(NamedTuple):
    """Of one contributor, means over initialisations.

    kernel: sqrt(y' Theta^-1 y / n). scaled: that times sqrt(mean Theta_ii), free of the kernel's scale.
    residual: mean squared residual that regression with Theta on the contributor leaves on the contributor itself, in
        the square of the targets' unit.
    """

    kernel: float
    scaled: float
    residual: float


def terms(
    problem: Problem,
    *,
    output: str = "target",
    scaled: bool = False,
    ridge: float = 1e-3,
    estimator: str = "unbiased",
    joint: bool = False,
) -> Terms:
    """The four terms of every contributor; kernel and residual are means over the initialisations.

    output: scalar whose gradient makes the kernel, by its name in the objective's scalars. "target" takes that of the
        example's own target, of classes y = 1 - f_y(x); "sum", of classes alone, takes y = onehot - f(x) with one
        kernel for all classes.
    scaled: multiplies the kernel term by sqrt(mean Theta_ii), which makes it free of the kernel's scale.
    ridge: Theta + ridge * mean(Theta_ii) I is inverted: duplicates make Theta itself singular.
    estimator: of the discrepancy, as in discrepancy.mk_mmd.
    joint: the discrepancy is that of inputs and labels together; of classes alone.
    Raises ValueError for an output that the objective lacks, and for joint=True without classes.
    """
    of_kernel = [kernel_terms(problem, c, output=output, ridge=ridge) for c in problem.contributors]
    kernel = np.array([one.scaled if scaled else one.kernel for one in of_kernel])
    residual = np.array([one.residual for one in of_kernel])
    return Terms(residual, discrepancy_terms(problem, estimator=estimator, joint=joint), kernel, size_terms(problem))


def size_terms(problem: Problem) -> Float[np.ndarray, " C"]:
    """sqrt(max(omega, 1 - omega) / n) of every contributor, omega its real share."""
    share = np.array([c.real.mean() for c in problem.contributors])
    count = np.array([len(c.index) for c in problem.contributors])
    return np.sqrt(np.maximum(share, 1 - share) / count)


def discrepancy_terms(problem: Problem, *, estimator: str, joint: bool) -> Float[np.ndarray, " C"]:
    """omega d_r + (1 - omega) d_s of every contributor; arguments and errors as in `terms`."""
    return np.array([discrepancy_term(problem, c, estimator=estimator, joint=joint) for c in problem.contributors])


def discrepancy_term(problem: Problem, contributor: Contributor, *, estimator: str, joint: bool) -> float:
    """omega d_r + (1 - omega) d_s: MK-MMD of each part to the validation set, one bandwidth for all contributors.

    A part of one row takes the biased estimator, the only one that exists for it.
    """
    if joint and not problem.objective.has_classes:
        raise ValueError(f"joint=True needs class labels, this problem is one of {problem.objective.kind}: "
                         "leave it at False")  # fmt: skip
    depends = (problem.features, problem.pool, contributor, problem.validation)

    def make() -> float:
        v, bandwidth, total = validation_features(problem), mean_squared_validation_distance(problem), 0.0
        for part in (contributor.real, ~contributor.real):
            if part.any():
                x = contributor_features(problem, contributor)[part]
                labels = (contributor.targets[part], problem.validation.targets) if joint else None
                kind = estimator if part.sum() > 1 else "biased"
                total += part.mean() * mk_mmd(x, v, estimator=kind, bandwidth=bandwidth, labels=labels)
        return float(total)

    return once(problem, "discrepancy term", depends, make, options=(estimator, joint))


def kernel_terms(problem: Problem, contributor: Contributor, *, output: str, ridge: float) -> KernelTerms:
    """The kernel term, plain and scaled, and the residual of one contributor: one n^3 solve an initialisation.

    From scratch the loss of the reference model says nothing, so it is that of regression with Theta on all of S:
    residual lambda (Theta + lambda I)^-1 y, squared, summed over outputs; omega L_r + (1-omega) L_s is its mean.
    """
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.objective, problem.key)

    def make() -> KernelTerms:
        every = [_kernel_terms(problem, contributor, i, output, ridge) for i in range(len(problem.initial))]
        return KernelTerms(*np.mean(every, axis=0).tolist())

    return once(problem, "kernel terms", depends, make, options=(output, ridge))


def _kernel_terms(problem: Problem, contributor: Contributor, initial: int, output: str, ridge: float) -> KernelTerms:
    theta = np.asarray(contributor_kernel(problem, contributor, initial, output), np.float64)
    n, diagonal = len(theta), np.trace(theta) / len(theta)
    y = contributor_residual(problem, contributor, initial, output)
    factor = scipy.linalg.cho_factor(theta + ridge * diagonal * np.eye(n), lower=True)
    alpha = scipy.linalg.cho_solve(factor, y)
    squared = max(float(np.sum(y * alpha)), 0.0) / n
    residual = float(np.sum((ridge * diagonal * alpha) ** 2)) / n
    return KernelTerms(float(np.sqrt(squared)), float(np.sqrt(squared * diagonal)), residual)
