"""The score with the term that the paper's lacks: how far labels are from a reference (theory/README.md, 2.15, 3.3).

The reference is fitted to the validation set, so that the term, unlike the score's four, looks at validation labels.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from valuation.at_initialisation import contributor_targets, validation_targets
from valuation.blocks import feature_blocks, validation_rows
from valuation.disagreement import (
    BLOCK,
    Reference,
    capped,
    fit_reference,
    part_means,
    reference_losses,
    token_losses,
    zero_one,
)
from valuation.feature_space import (
    median_squared_distance,
    shared_source,
    validation_features,
)
from valuation.methods.score_terms import discrepancy_terms, size_terms
from valuation.methods.score_weights import scale_free
from valuation.ngram import NGram, fit_ngram
from valuation.problem import Contributor, Problem, once, output_width
from valuation.scale import significant

ROWS = 4096  # of tokens, read at a time
Blocks = Iterator[tuple[Bool[np.ndarray, " b"], Float[np.ndarray, " b"]]]


def score_disagreement(problem: Problem, *, ridge: float = 0.01, bandwidth: float = 1.0) -> Float[np.ndarray, " C"]:
    """Minus disagreement, discrepancy and size, each over its standard deviation across contributors; no unit.

    The options are those of disagreement_terms. Looks at validation targets, trains nothing.
    """
    return scale_free(
        discrepancy_terms(problem, estimator="unbiased", joint=False),
        size_terms(problem),
        disagreement_terms(problem, ridge=ridge, bandwidth=bandwidth),
    )


def disagreement_terms(problem: Problem, *, ridge: float = 0.01, bandwidth: float = 1.0) -> Float[np.ndarray, " C"]:
    """omega L_r(h) + (1 - omega) L_s(h) of every contributor, in [0, 1]: a cost, lower = better.

    L_r(h), L_s(h): mean loss of the reference h on the real and on the synthetic part; one that is absent adds 0.
    h: for sequences that are learned from scratch a trigram model of the validation rows, with 1 - P(token) pooled
        over the target tokens of a part; for all else Gaussian ridge regression on validation features, with the 0/1
        loss of classes, and the error over the standard deviation of the validation targets, at most 1, of numbers.
    ridge: lambda = ridge * mean diagonal. bandwidth: s2 over the median squared distance between validation examples.
        A trigram model has neither.
    One m^3 solve a problem and O(n m d) a contributor, read in blocks above inducing.EXACT examples.
    """
    return np.array([_term(problem, c, ridge, bandwidth) for c in problem.contributors])


def _term(problem: Problem, contributor: Contributor, ridge: float, bandwidth: float) -> float:
    depends = (problem.model, problem.initial, problem.features, problem.pool, contributor, problem.validation,
               problem.objective)  # fmt: skip
    counted = problem.objective.kind == "sequences" and problem.learner == "sequences"

    def make() -> float:
        blocks = _of_tokens(problem, contributor) if counted else _of_ridge(problem, contributor, ridge, bandwidth)
        of_real, of_synthetic = part_means(blocks)
        share = contributor.real.mean()
        return float(share * of_real + (1 - share) * of_synthetic)

    return once(problem, "disagreement", depends, make, options=(counted, ridge, bandwidth))


def _of_ridge(problem: Problem, contributor: Contributor, ridge: float, bandwidth: float) -> Blocks:
    loss = zero_one if problem.objective.has_classes else partial(capped, unit=_spread(validation_targets(problem)))
    reference = _reference(problem, ridge, bandwidth)
    targets = contributor_targets(problem, contributor)
    for positions, losses in reference_losses(reference, _feature_blocks(problem, contributor), targets, loss):
        yield contributor.real[positions], losses


def _reference(problem: Problem, ridge: float, bandwidth: float) -> Reference:
    depends = (problem.model, problem.initial, problem.features, problem.validation, problem.objective)

    def make() -> Reference:
        targets, s2 = validation_targets(problem), bandwidth * median_squared_distance(problem)
        return fit_reference(
            validation_features(problem), targets, bandwidth=s2, offset=problem.objective.centre(targets), ridge=ridge
        )

    return once(problem, "reference", depends, make, options=(ridge, bandwidth))


def _spread(targets: Float[np.ndarray, "m 1"]) -> float:
    """Standard deviation of the validation targets; 0 where they are the same but for rounding."""
    spread = float(targets.std())
    return spread if significant(spread, np.abs(targets).max()) else 0.0


def _feature_blocks(problem: Problem, contributor: Contributor) -> Iterator[tuple[slice, np.ndarray]]:
    """(positions, centred features); those of few examples come from where all methods share them."""
    data, v = shared_source(problem, contributor, contributor.targets)
    _, centre = validation_rows(v)
    return feature_blocks(data, centre, BLOCK)


def _of_tokens(problem: Problem, contributor: Contributor) -> Blocks:
    model = _trigrams(problem)
    for start in range(0, len(contributor.index), ROWS):
        rows = slice(start, start + ROWS)
        examples = problem.pool.take(contributor.index[rows])._replace(targets=contributor.targets[rows])
        mask = np.ones(examples.targets.shape, bool) if examples.mask is None else np.asarray(examples.mask, bool)
        yield np.repeat(contributor.real[rows], mask.sum(1)), token_losses(model, examples)


def _trigrams(problem: Problem) -> NGram:
    depends = (problem.model, problem.validation)
    return once(
        problem, "trigrams of validation", depends, lambda: fit_ngram(problem.validation, output_width(problem))
    )
