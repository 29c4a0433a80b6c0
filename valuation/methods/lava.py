"""LAVA (Just et al., "LAVA: Data Valuation without Pre-Specified Learning Algorithms", ICLR 2023).

Optimal transport between labelled sets, where an example of class c is as far from one of class c' as

    d^2 = |x - x'|^2 + W^2(class c of the one set, class c' of the other),

W^2 the debiased transport cost between the classes as clouds of points (theory/README.md, 3.5). So labels count by
which points have them, and by no name: two classes that are swapped altogether are not seen.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from valuation.aggregate import union_examples
from valuation.discrepancy import distance_table
from valuation.feature_space import (
    contributor_distances,
    mean_squared_validation_distance,
    union_features,
    validation_features,
)
from valuation.problem import Contributor, Problem, once
from valuation.transport import own_potential, potentials


class _Set(NamedTuple):
    """A labelled set.

    classes: which there are. place: that of every example among them, (n,). own: OT of every class with itself.
    potential: f of the transport of the set to itself, (n,).
    """

    classes: np.ndarray
    place: np.ndarray
    own: np.ndarray
    potential: np.ndarray


def lava(problem: Problem, *, entropy: float = 0.1) -> Float[np.ndarray, " C"]:
    """Minus the debiased transport cost between a contributor and the validation set; higher = more useful, 0 at best.

    In mean squared distances between validation examples. entropy: of the transport, in that unit. O(n (n + m)) a
    contributor and iteration. Uses validation labels, trains nothing.
    Raises ValueError for a contributor with a class that the validation set lacks, and an entropy that is not positive.
    """
    validation, width = _validation(problem, entropy), mean_squared_validation_distance(problem)

    def value(contributor: Contributor) -> float:
        distances = contributor_distances(problem, contributor)
        data = _set(contributor.name, distances.inner / width, contributor.targets, entropy, validation.classes)
        f, g = potentials(_costs(distances.outer.T / width, data, validation, entropy), entropy=entropy)
        return -float((f - data.potential).mean() + (g - validation.potential).mean())

    return np.array([value(contributor) for contributor in problem.contributors])


def scores(problem: Problem, *, entropy: float = 0.1) -> Float[np.ndarray, " n"]:
    """Minus the calibrated gradient of every example of aggregate.union_examples; higher = it fits validation better.

    Of the transport of all of them together: how the debiased cost changes with the weight of one example where those
    of all others give way alike. They add up to 0. Unit, entropy and errors as in `lava`.
    """
    validation, width = _validation(problem, entropy), mean_squared_validation_distance(problem)
    examples, x = union_examples(problem)[0], union_features(problem)
    data = _set("a contributor", distance_table(x, x) / width, examples.targets, entropy, validation.classes)
    between = distance_table(x, validation_features(problem)) / width
    f = potentials(_costs(between, data, validation, entropy), entropy=entropy)[0] - data.potential
    return (f.mean() - f) * len(f) / max(len(f) - 1, 1)


def unknown_class(problem: Problem, examples: int, options: Mapping[str, Any]) -> str:
    """Why there is nothing to transport some examples to, "" if there is: Method.unfit of LAVA.

    Of the contributors' examples; before there are any, of those of the pool.
    """
    known = np.unique(problem.validation.targets)
    sets = [(one.name, one.targets) for one in problem.contributors] or [("the train pool", problem.pool.targets)]
    return next(filter(None, (_nowhere(name, targets, known) for name, targets in sets)), "")


def _validation(problem: Problem, entropy: float) -> _Set:
    if entropy <= 0:
        raise ValueError(f"the entropy must be positive, got {entropy}")

    def make() -> _Set:
        v, labels = validation_features(problem), np.asarray(problem.validation.targets)
        inner = distance_table(v, v) / mean_squared_validation_distance(problem)
        return _set("validation", inner, labels, entropy, np.unique(labels))

    return once(
        problem, "transport within validation", (problem.features, problem.validation), make, options=(entropy,)
    )


def _nowhere(name: str, labels: np.ndarray, known: np.ndarray) -> str:
    missing = np.setdiff1d(labels, known)
    if not len(missing):
        return ""
    return (
        f"{name} has examples of class {missing[0]}, of which the validation set has none, so there is nothing to "
        "transport them to: take mmd_only, which looks at no class, or validation examples of that class"
    )


def _set(name: str, inner: np.ndarray, labels: np.ndarray, entropy: float, known: np.ndarray) -> _Set:
    """inner: squared distances of the examples among themselves. known: the classes that there may be."""
    if refusal := _nowhere(name, labels, known):
        raise ValueError(refusal)
    classes, place = np.unique(labels, return_inverse=True)
    rows = [place == number for number in range(len(classes))]
    own = np.array([2 * own_potential(inner[np.ix_(one, one)], entropy=entropy).mean() for one in rows])
    data = _Set(classes, place, own, np.zeros(len(place)))
    return data._replace(potential=own_potential(_costs(inner, data, data, entropy), entropy=entropy))


def _costs(squared: np.ndarray, first: _Set, second: _Set, entropy: float) -> Float[np.ndarray, "n m"]:
    """d^2 of all pairs of two sets, or of one with itself, in float64. squared: distances of their points."""
    apart = np.zeros((len(first.own), len(second.own)))
    for i in range(len(first.own)):
        for j in range(i + 1 if first is second else 0, len(second.own)):
            block = squared[np.ix_(first.place == i, second.place == j)]
            f, g = potentials(block, entropy=entropy)
            apart[i, j] = max(f.mean() + g.mean() - (first.own[i] + second.own[j]) / 2, 0.0)
    apart = apart + apart.T if first is second else apart
    return squared + apart[np.ix_(first.place, second.place)]
