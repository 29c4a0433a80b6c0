"""What every valuation method is given: the same contributors, model and validation data, and no test data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, get_args

import jax
import numpy as np
from jaxtyping import Bool, Int

from valuation.examples import Examples
from valuation.joined import joined
from valuation.objective import Classification, Objective
from valuation.scale import check_float32, check_rows, real_numbers
from valuation.shared import Shared

PyTree = Any
T = TypeVar("T")

# What kind of model learns: a dense network on a vector, a convolutional one, a model of sequences from scratch, or a
# pretrained one that is adapted.
Learner = Literal["dense", "convolutional", "sequences", "pretrained"]


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
    targets: its own labels or numbers, (n,), which may be wrong where the pool's are right; of sequences its rows'
        tokens, (n, t).
    real: which of its examples are real, (n,) bool.
    """

    name: str
    index: Int[np.ndarray, " n"]  # type: ignore[assignment]  # tuple.index, which nobody needs of a Contributor
    targets: np.ndarray
    real: Bool[np.ndarray, " n"]
    origin: Origin


# (contributors' examples, share of the full number of steps, key) -> params of a model trained on each
Train: TypeAlias = Callable[[list[Examples], float, jax.Array], list[Any]]


class Problem(NamedTuple):
    """Everything a valuation method may see. There is no test data in it.

    model: a models.functional.Model (duck-typed: apply, params, frozen, tapped, layers, readout).
    initial: params of k random initialisations.
    checkpoints: (params, learning rate) of one model trained on the union of the contributors; () if none was.
    pool: the examples that contributors refer to: the real training examples first, after them what was made of them.
    validation: held-out real examples.
    features: inputs (n, ...) -> (n, d), row by row: the space in which discrepancies and Gaussian kernels are taken.
    key: randomness of the methods; each folds in its own purpose (purposes.py).
    objective: what is learned, an objective of objective/.
    train: (contributors' Examples, share of the full number of steps, key) -> one params each; for the methods that
        train a little. None if training is not on offer.
    learner: what kind of model learns.
    shared: keeps what several methods need, so that it is computed once; None computes it every time.
    """

    model: Any
    initial: tuple[PyTree, ...]
    checkpoints: tuple[tuple[PyTree, float], ...]
    pool: Examples
    contributors: tuple[Contributor, ...]
    validation: Examples
    features: Callable[[np.ndarray], np.ndarray]
    key: jax.Array
    objective: Objective
    train: Train | None = None
    learner: Learner = "dense"
    shared: Shared | None = None


def contributor_examples(problem: Problem, contributor: Contributor) -> Examples:
    """The contributor's examples with its own targets."""
    return problem.pool.take(contributor.index)._replace(targets=contributor.targets)


def once(problem: Problem, name: str, depends: tuple, make: Callable[[], T], *, options: tuple = ()) -> T:
    """The result of make(), computed once a problem if the problem can keep it.

    name: of the result. depends: the parts of the problem that `make` reads, every one. options: what else it reads.
    """
    return make() if problem.shared is None else problem.shared.get(name, depends, make, options=options)


def check_learner(name: str) -> None:
    """Raises ValueError for a name that is no kind of learner."""
    if name not in get_args(Learner):
        raise ValueError(f"learner {name!r} is unknown: expected one of {', '.join(get_args(Learner))}")


def from_arrays(
    sets: Mapping[str, Examples],
    validation: Examples,
    *,
    build: Callable,
    key: jax.Array,
    synthetic: Sequence[str] = (),
    features: Callable = np.asarray,
    initialisations: int = 3,
    objective: Objective | None = None,
    learner: Learner = "dense",
) -> Problem:
    """A Problem of one's own data sets: every entry of `sets` becomes a contributor.

    sets: name -> Examples with inputs (n, ...) of one shape and targets as the objective wants them: labels (n,) from
        0 on, numbers (n,), or tokens (n, t) with a mask. Inputs of float32 that are memory maps stay on disk.
    validation: real examples, held out.
    build: key -> Model, such as lambda key: mlp((784, 128, 10), key).
    key: of everything random: initialisations and methods.
    synthetic: names of the sets that are synthetic; the others count as real.
    features: inputs -> (n, d), the space of discrepancies and Gaussian kernels; by default the inputs themselves.
    initialisations: how many random ones kernels are means over.
    objective: what is learned; None: classes, as many as the model has outputs. Regression() takes numbers.
    learner: what kind of model `build` gives.
    No training is on offer: proxy_training and score_calibrated need Problem.train, which can be set with _replace.
    Raises ValueError that names the set for sets that are empty, of another shape or length, not finite or with numbers
    whose squares float32 cannot hold, as fill values are, or with targets that the objective does not take; for
    validation inputs whose offset leaves too few digits of float32; and for names in `synthetic` that are no set.
    """
    check_learner(learner)
    for name in synthetic:
        if name not in sets:
            raise ValueError(f"synthetic names {name!r}, which is none of the sets: {', '.join(sets)}")
    if initialisations < 1:
        raise ValueError(f"initialisations must be at least 1, got {initialisations}")
    shape = np.shape(validation.inputs)[1:]
    for name, data in {**sets, "validation": validation}.items():
        _check_inputs(name, data, shape)
    check_float32(validation.inputs, "validation")
    first, *rest = jax.random.split(key, initialisations + 1)
    model = build(rest[0])
    outputs = jax.eval_shape(model.apply, model.params, model.frozen, np.asarray(validation.inputs[:1])).shape[1:]
    if objective is None:
        objective = Classification(outputs[-1])
    checked = {name: objective.checked(name, data, outputs) for name, data in sets.items()}
    starts = np.cumsum([0, *(len(data.inputs) for data in checked.values())]).tolist()
    contributors = [
        _contributor(name, data, start, name in synthetic)
        for (name, data), start in zip(checked.items(), starts, strict=False)
    ]
    return Problem(
        model=model,
        initial=tuple(build(one).params for one in rest),
        checkpoints=(),
        pool=jax.tree.map(joined, *checked.values()),
        contributors=tuple(contributors),
        validation=objective.checked("validation", validation, outputs),
        features=features,
        key=first,
        objective=objective,
        learner=learner,
        shared=Shared(),
    )


def _contributor(name: str, data: Examples, start: int, synthetic: bool) -> Contributor:
    rows = np.arange(start, start + len(data.inputs), dtype=np.int32)
    origin = Origin(np.full(len(rows), name if synthetic else "real"), np.zeros(len(rows)), rows)
    return Contributor(name, rows, data.targets, np.full(len(rows), not synthetic), origin)


def _check_inputs(name: str, data: Examples, shape: tuple[int, ...]) -> None:
    inputs = real_numbers(data.inputs, f"the inputs of {name}")
    if not inputs.ndim or not len(inputs):
        raise ValueError(f"{name} is empty, expected at least one example")
    if inputs.shape[1:] != shape:
        raise ValueError(f"{name} has inputs of shape {inputs.shape[1:]}, those for validation have {shape}")
    check_rows(inputs, f"{name}: example")
