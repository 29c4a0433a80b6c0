"""A problem's tangent kernels and residuals at its initialisations, computed once (theory/README.md, 3.1 and 3.8)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.problem import Contributor, Problem, contributor_examples, once

ROWS = 4096


def contributor_kernel(
    problem: Problem, contributor: Contributor, initial: int, scalar: str
) -> Float[np.ndarray, "n n"]:
    """Theta(S, S) of the contributor's examples, float32.

    initial: which of the problem's initialisations. scalar: the output whose gradients make the kernel, by its name in
        the objective's scalars.
    """
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.objective, problem.key)

    def make():
        side = _contributor_side(problem, contributor, initial)
        return problem.objective.kernel(_model(problem, initial), scalar, side)

    return once(problem, "contributor kernel", depends, make, options=(initial, scalar))


def contributor_residual(
    problem: Problem, contributor: Contributor, initial: int, scalar: str
) -> Float[np.ndarray, "n c"]:
    """Targets minus outputs of the contributor's examples, a column for each output; arguments as above."""
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.objective)

    def make():
        examples = contributor_examples(problem, contributor)
        return problem.objective.residual(_model(problem, initial), examples, scalar)

    return once(problem, "contributor residual", depends, make, options=(initial, scalar))


def union_kernel(problem: Problem, examples: Examples, initial: int, scalar: str) -> Float[np.ndarray, "n n"]:
    """Theta of any examples, such as the union of the contributors; nothing is kept."""
    model = _model(problem, initial)
    return problem.objective.kernel(model, scalar, problem.objective.side(model, examples, problem.key))


def union_residual(problem: Problem, examples: Examples, initial: int, scalar: str) -> Float[np.ndarray, "n c"]:
    """Targets minus outputs of any examples."""
    return problem.objective.residual(_model(problem, initial), examples, scalar)


def fitted_kernels(problem: Problem, contributor: Contributor) -> tuple[np.ndarray, np.ndarray]:
    """(Theta(S, S) (n, n), Theta(validation, S) (m, n)), float32: what a closed-form fit needs, means over the
    initialisations of the kernel of the scalar that the objective fits with.
    """
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.validation, problem.objective,
               problem.key)  # fmt: skip

    def make():
        inner, outer = [], []
        for initial in range(len(problem.initial)):
            model, scalar = _model(problem, initial), problem.objective.fitted
            side = _contributor_side(problem, contributor, initial)
            # that of the target is what the score and DAVINZ need too; any other is not kept beside the mean
            inner.append(contributor_kernel(problem, contributor, initial, scalar) if scalar == "target" else
                         problem.objective.kernel(model, scalar, side))  # fmt: skip
            outer.append(problem.objective.kernel(model, scalar, _validation_side(problem, initial), side))
        return sum(inner) / len(inner), sum(outer) / len(outer)

    return once(problem, "fitted kernels", depends, make)


def contributor_targets(problem: Problem, contributor: Contributor) -> Float[np.ndarray, "n c"]:
    """What a closed-form fit learns of the contributor's examples: the objective's surrogate targets.

    Inputs are read ROWS at a time, so that those of a large contributor may lie on disk.
    """
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.objective)

    def make():
        models, parts = _models(problem), []
        for start in range(0, len(contributor.index), ROWS):
            rows = slice(start, start + ROWS)
            examples = problem.pool.take(contributor.index[rows])._replace(targets=contributor.targets[rows])
            parts.append(problem.objective.surrogate_targets(models, examples))
        return np.concatenate(parts)

    return once(problem, "contributor targets", depends, make)


def validation_targets(problem: Problem) -> Float[np.ndarray, "m c"]:
    """What a closed-form fit is to predict."""
    depends = (problem.model, problem.initial, problem.validation, problem.objective)

    def make():
        return problem.objective.surrogate_targets(_models(problem), problem.validation)

    return once(problem, "validation targets", depends, make)


def _models(problem: Problem) -> list:
    return [_model(problem, initial) for initial in range(len(problem.initial))]


def _model(problem: Problem, initial: int) -> Any:
    return problem.model._replace(params=problem.initial[initial])


def _contributor_side(problem: Problem, contributor: Contributor, initial: int) -> Any:
    depends = (problem.model, problem.initial, problem.pool, contributor, problem.objective, problem.key)
    return _side(problem, "contributor side", depends, initial, lambda: contributor_examples(problem, contributor))


def _validation_side(problem: Problem, initial: int) -> Any:
    depends = (problem.model, problem.initial, problem.validation, problem.objective, problem.key)
    return _side(problem, "validation side", depends, initial, lambda: problem.validation)


def _side(problem: Problem, name: str, depends: tuple, initial: int, examples: Callable[[], Examples]) -> Any:
    def make():
        return problem.objective.side(_model(problem, initial), examples(), problem.key)

    return once(problem, name, depends, make, options=(initial,)) if problem.objective.sketched else make()
