"""What every valuation method is given: the same contributors, model and validation data, and no test data."""

from collections.abc import Callable, Mapping, Sequence
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

    mechanism: "real", a corruption's or another domain's name, "truncation" or "generated".
    strength: severity, cut or sampling temperature, in the mechanism's own unit; 0 for real.
    seed: of the random step that made the example; its row in the real pool where there is none.
    """

    mechanism: np.ndarray
    strength: np.ndarray
    seed: np.ndarray


class Contributor(NamedTuple):
    """A data set on offer.

    index: its rows of the pool, (n,); a row may stand there twice.
    targets: its own labels, (n,), which may be wrong where the pool's are right; of sequences its rows' tokens, (n, t).
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
    pool: the examples that contributors refer to: the real training examples first, behind them what was made of them.
    validation: held-out real examples.
    features: inputs (n, ...) -> (n, d), the space in which discrepancies and Gaussian kernels are taken.
    key: randomness of the methods; each folds in its own purpose.
    classes: number of classes C; 0 where examples are sequences of tokens.
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


def contributor_examples(problem: Problem, contributor: Contributor) -> Examples:
    """The contributor's examples with its own targets."""
    return problem.pool.take(contributor.index)._replace(targets=contributor.targets)


def flat_features(problem: Problem, inputs) -> Float[np.ndarray, "n d"]:
    """The problem's features of the inputs, one flat row an example."""
    features = np.asarray(problem.features(inputs), np.float32)
    return features.reshape(len(features), -1)


def from_arrays(
    sets: Mapping[str, Examples],
    validation: Examples,
    *,
    build: Callable,
    key: jax.Array,
    synthetic: Sequence[str] = (),
    features: Callable = np.asarray,
    initialisations: int = 3,
) -> Problem:
    """A Problem of one's own data sets: every entry of `sets` becomes a contributor.

    sets: name -> Examples with inputs (n, ...) of one shape and labels (n,) from 0 on. validation: real, held out.
    build: key -> Model, such as lambda key: mlp((784, 128, 10), key).
    synthetic: names of the sets that are synthetic; the others count as real.
    features: inputs -> (n, d), the space of discrepancies and Gaussian kernels; by default the inputs themselves.
    No training is on offer: proxy_training and score_calibrated need Problem.train, which can be set with _replace.
    Raises ValueError that names the set for sets that are empty, of another shape or length, not finite, or labelled
    outside the model's classes; and for names in `synthetic` that are no set.
    """
    for name in synthetic:
        if name not in sets:
            raise ValueError(f"synthetic names {name!r}, which is none of the sets: {', '.join(sets)}")
    shape = np.shape(validation.inputs)[1:]
    for name, data in {**sets, "validation": validation}.items():
        _check(name, data, shape)
    sizes = [len(data.inputs) for data in sets.values()]
    starts, pool_rows = np.cumsum([0, *sizes]), []
    for name, data, start in zip(sets, sets.values(), starts, strict=False):
        rows, real = np.arange(start, start + len(data.inputs), dtype=np.int32), name not in synthetic
        origin = Origin(np.full(len(rows), "real" if real else name), np.zeros(len(rows)), rows)
        targets = np.asarray(data.targets, np.int32)
        pool_rows.append(Contributor(name, rows, targets, np.full(len(rows), real), origin))
    first, *rest = jax.random.split(key, initialisations + 1)
    model = build(rest[0])
    classes = jax.eval_shape(model.apply, model.params, model.frozen, np.asarray(validation.inputs[:1])).shape[-1]
    for name, data in {**sets, "validation": validation}.items():
        if np.max(data.targets) >= classes:
            raise ValueError(
                f"{name} has label {np.max(data.targets)}, the model's outputs are classes 0 to {classes - 1}"
            )
    return Problem(
        model=model,
        initial=tuple(build(one).params for one in rest),
        checkpoints=(),
        pool=Examples(
            np.concatenate([np.asarray(data.inputs, np.float32) for data in sets.values()]),
            np.concatenate([c.targets for c in pool_rows]),
        ),
        contributors=tuple(pool_rows),
        validation=Examples(np.asarray(validation.inputs, np.float32), np.asarray(validation.targets, np.int32)),
        features=features,
        key=first,
        classes=classes,
    )


def _check(name: str, data: Examples, shape: tuple[int, ...]) -> None:
    inputs, labels = np.asarray(data.inputs), np.asarray(data.targets)
    if not len(inputs):
        raise ValueError(f"{name} is empty, expected at least one example")
    if inputs.shape[1:] != shape:
        raise ValueError(f"{name} has inputs of shape {inputs.shape[1:]}, those for validation have {shape}")
    if labels.shape != (len(inputs),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError(f"{name} needs one integer label from 0 on for each of its {len(inputs)} examples")
    if not np.isfinite(inputs).all():
        row = int((~np.isfinite(inputs)).reshape(len(inputs), -1).any(1).argmax())
        raise ValueError(f"{name}: example {row} holds NaN or infinite values")
