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
from valuation.feature_space import (
    contributor_features,
    contributor_source,
    mean_squared_validation_distance,
    raw_validation_features,
    validation_features,
)
from valuation.inducing import EXACT
from valuation.one_pass_mmd import one_pass_mmd
from valuation.problem import Contributor, Problem, once
from valuation.purposes import Purpose, purpose_key
from valuation.workers import progress_over


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
    estimator: of the discrepancy, as in discrepancy.mk_mmd; above inducing.EXACT examples in one pass.
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

    A part of one row takes the biased estimator, the only one that exists for it. A part of more than
    inducing.EXACT rows is read in blocks and its kernel with itself estimated from drawn references: O(n).
    """
    if joint and not problem.objective.has_classes:
        raise ValueError(f"joint=True needs class labels, this problem is one of {problem.objective.kind}: "
                         "leave it at False")  # fmt: skip
    depends = (problem.features, problem.pool, contributor, problem.validation, problem.key)

    def make() -> float:
        parts = [part for part in (contributor.real, ~contributor.real) if part.any()]
        return sum(float(part.mean()) * _distance(problem, contributor, part, estimator, joint) for part in parts)

    return once(problem, "discrepancy term", depends, make, options=(estimator, joint))


def _distance(problem: Problem, contributor: Contributor, chosen: np.ndarray, estimator: str, joint: bool) -> float:
    """MK-MMD of the chosen (n,) bool of the contributor's examples to the validation set."""
    v, bandwidth = validation_features(problem), mean_squared_validation_distance(problem)
    rows = np.flatnonzero(chosen)
    estimator = estimator if len(rows) > 1 else "biased"
    if estimator == "linear":
        rows = rows[: len(v)]  # it takes no more pairs than the smaller sample has
    classes = problem.validation.targets if joint else None
    part = contributor._replace(index=contributor.index[rows], targets=contributor.targets[rows])
    if len(rows) > EXACT and estimator != "linear":
        squared = one_pass_mmd(
            contributor_source(problem, part, part.targets), raw_validation_features(problem), bandwidth=bandwidth,
            key=purpose_key(problem.key, Purpose.REFERENCES), labels=classes, biased=estimator == "biased",
            progress=progress_over(len(rows)),
        ).squared  # fmt: skip
        return float(np.sign(squared) * np.sqrt(abs(squared)))
    if len(contributor.index) > EXACT:  # of a large contributor only these rows are read, and nothing is kept
        x = contributor_features(problem._replace(shared=None), part)
    else:
        x = contributor_features(problem, contributor)[rows]
    labels = (part.targets, classes) if joint else None
    return mk_mmd(x, v, estimator=estimator, bandwidth=bandwidth, labels=labels)


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
    if not diagonal > 0:
        raise ValueError(f"{contributor.name}: all gradients at initialisation {initial} are zero, so that the kernel "
                         "term has no bound: take another initialisation")  # fmt: skip
    y = contributor_residual(problem, contributor, initial, output)
    factor = scipy.linalg.cho_factor(theta + ridge * diagonal * np.eye(n), lower=True)
    alpha = scipy.linalg.cho_solve(factor, y)
    squared = max(float(np.sum(y * alpha)), 0.0) / n
    residual = float(np.sum((ridge * diagonal * alpha) ** 2)) / n
    return KernelTerms(float(np.sqrt(squared)), float(np.sqrt(squared * diagonal)), residual)
