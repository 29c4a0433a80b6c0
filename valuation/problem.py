"""What every valuation method is given: the same contributors, model and validation data, and no test data."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

PyTree = Any


class Examples(NamedTuple):
    """A set of n examples.

    inputs: images (n, h, w, c) float32 in [0, 1], or tokens (n, t) int32, padded on the right.
    targets: classes (n,) int32, or token ids (n, t) int32.
    mask: which tokens are targets, (n, t) bool; None for images.
    """

    inputs: Any
    targets: Any
    mask: Any = None

    def take(self, index) -> "Examples":
        """The examples at those rows."""
        return Examples(*(None if leaf is None else leaf[index] for leaf in self))


class Origin(NamedTuple):
    """Where each example of a contributor comes from: a table with one row an example.

    mechanism: "real", a corruption's name, "truncation" or "generated".
    strength: severity, class cut or sampling temperature, in the mechanism's own unit; 0 for real.
    seed: of the random step that made the example; its row in the real pool where there is none.
    """

    mechanism: np.ndarray
    strength: np.ndarray
    seed: np.ndarray


class Contributor(NamedTuple):
    """A data set on offer.

    index: its rows of the pool, (n,); a row may stand there twice.
    targets: its own labels, (n,), which may be wrong where the pool's are right.
    real: which of its examples are real, (n,) bool.
    """

    name: str
    index: np.ndarray
    targets: np.ndarray
    real: np.ndarray
    origin: Origin


class Problem(NamedTuple):
    """Everything a valuation method may see. There is no test data in it.

    model: a models.functional.Model (duck-typed: apply, params, frozen, tapped, layers).
    initial: params of k random initialisations.
    checkpoints: (params, learning rate) of one model trained on the union of the contributors; () if none was.
    pool: the examples that contributors refer to, real ones first.
    validation: held-out real examples.
    features: inputs (n, ...) -> (n, d), the space in which discrepancies and Gaussian kernels are taken.
    key: randomness of the methods; each folds in its own purpose.
    classes: number of classes C.
    train: (contributors' Examples, share of the full number of steps, key) -> one params each; for the methods that
        train a little. None if training is not on offer.
    """

    model: Any
    initial: tuple[PyTree, ...]
    checkpoints: tuple[tuple[PyTree, float], ...]
    pool: Examples
    contributors: tuple[Contributor, ...]
    validation: Examples
    features: Callable
    key: jax.Array
    classes: int
    train: Callable | None = None


def examples(problem: Problem, contributor: Contributor) -> Examples:
    """The contributor's examples with its own targets."""
    return problem.pool.take(contributor.index)._replace(targets=contributor.targets)


def flat_features(problem: Problem, inputs) -> Float[np.ndarray, "n d"]:
    """The problem's features of the inputs, one flat row an example."""
    features = np.asarray(problem.features(inputs), np.float32)
    return features.reshape(len(features), -1)
