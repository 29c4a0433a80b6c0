"""What is learned: classes, next tokens or numbers. All in which one kind of target differs from another is said here.

A further objective is one more class with the members of `Objective`, and its name in OBJECTIVES.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from valuation.examples import Examples
from valuation.kernel import likelihoods, outputs
from valuation.margins import shared_accuracy
from valuation.outputs import class_sum, log_likelihood, minus_squared_error, number, true_class
from valuation.scale import check_rows
from valuation.tangent import exact_kernel, row_products, sketched_gradients

Scalar = Callable[[Any, Examples], Any]  # (outputs (n, ...), examples) -> (n,), a module-level function


@runtime_checkable
class Objective(Protocol):
    """What a model is trained to predict, how well it does, and how a closed-form fit predicts the same.

    kind: its name in OBJECTIVES and METHODS.
    scalars: name -> the scalar output of an example whose gradients make a tangent kernel. "target" belongs to the
        example's own target; every objective has it.
    fitted: the name among them of the scalar whose kernel serves the closed-form fits.
    has_classes: whether a target is one of a few classes, so that examples can share one.
    sketched: whether `side` costs gradients, and is worth keeping.
    """

    kind: ClassVar[str]
    scalars: ClassVar[Mapping[str, Scalar]]
    fitted: ClassVar[str]
    has_classes: ClassVar[bool]
    sketched: ClassVar[bool]

    @staticmethod
    def minus_loss(outputs: Any, examples: Examples) -> Any:
        """Minus the training loss of each example (n,), from outputs (n, ...)."""
        ...

    def checked(self, name: str, examples: Examples, shape: tuple[int, ...]) -> Examples:
        """The examples with arrays of the right type.

        name: of the set, for the message. shape: of the model's outputs for one example.
        Raises ValueError that names the set for targets that this objective, or that model, cannot learn.
        """
        ...

    def residual(self, model: Any, examples: Examples, scalar: str) -> Float[np.ndarray, "n c"]:
        """Targets minus outputs at model.params, a column for each output that the kernel of `scalar` serves."""
        ...

    def side(self, model: Any, examples: Examples, key: jax.Array) -> Any:
        """What a tangent kernel at model.params needs of a set of examples. key: of the problem."""
        ...

    def kernel(self, model: Any, scalar: str, a: Any, b: Any = None) -> Float[np.ndarray, "n m"]:
        """Theta(a, b) at model.params of two sides, float32; b defaults to a."""
        ...

    def surrogate_targets(self, models: list, examples: Examples) -> Float[np.ndarray, "n c"]:
        """What a closed-form fit learns of each example. models: the problem's model at each initialisation."""
        ...

    def centre(self, targets: Float[np.ndarray, "n c"]) -> Any:
        """What a fit takes from the surrogate targets of a contributor beforehand and adds to predictions: (c,)."""
        ...

    def surrogate_utility(self, predictions: Float[np.ndarray, "m c"], targets: Float[np.ndarray, "m c"]) -> float:
        """How good a fit's predictions of m surrogate targets are; higher = better."""
        ...

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, "m ..."]:
        """What a trained model says of the examples, as `utility` reads it."""
        ...

    def utility(self, predictions: Float[np.ndarray, "m ..."], examples: Examples) -> float:
        """How good a trained model's predictions are; higher = better."""
        ...


class Exact:
    """An objective whose tangent kernel is exact: it needs the examples themselves, not their sketched gradients."""

    kind: ClassVar[str]
    scalars: ClassVar[Mapping[str, Scalar]]
    sketched: ClassVar[bool] = False

    def side(self, model: Any, examples: Examples, key: jax.Array) -> Examples:
        return examples

    def kernel(self, model: Any, scalar: str, a: Examples, b: Examples | None = None) -> Float[np.ndarray, "n m"]:
        return exact_kernel(model, scalar_output(self, scalar), a, b)


@dataclass(frozen=True)
class Classification(Exact):
    """One of C classes, targets (n,) int. Utility: accuracy, ties broken by the smaller squared error.

    classes: C, the number of the model's outputs.
    """

    classes: int

    kind: ClassVar[str] = "classification"
    scalars: ClassVar[Mapping[str, Scalar]] = {"target": true_class, "sum": class_sum}
    fitted: ClassVar[str] = "sum"
    has_classes: ClassVar[bool] = True

    @staticmethod
    def minus_loss(outputs: Any, examples: Examples) -> Any:
        return log_likelihood(outputs, examples)

    def checked(self, name: str, examples: Examples, shape: tuple[int, ...]) -> Examples:
        if shape != (self.classes,):
            raise ValueError(f"the model's outputs have shape {shape}, expected one for each of {self.classes} "
                             "classes; a model of tokens takes objective=NextToken()")  # fmt: skip
        labels, count = np.asarray(examples.targets), len(examples.inputs)
        if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
            raise ValueError(
                f"{name} needs one integer label from 0 on for each of its {count} examples, got {labels.dtype} of "
                f"shape {labels.shape}; numbers to predict are targets of objective=Regression()"
            )
        if labels.max() >= self.classes:
            raise ValueError(
                f"{name} has label {labels.max()}, the model's outputs are classes 0 to {self.classes - 1}"
            )
        return Examples(np.asarray(examples.inputs, np.float32), labels.astype(np.int32))

    def residual(self, model: Any, examples: Examples, scalar: str) -> Float[np.ndarray, "n c"]:
        """1 - f_y (one column) for "target", onehot - f (C columns) for "sum"."""
        start = outputs(model, examples.inputs).astype(np.float64)
        if scalar == "target":
            return 1 - np.take_along_axis(start, np.asarray(examples.targets)[:, None], 1)
        return self._onehot(examples) - start

    def surrogate_targets(self, models: list, examples: Examples) -> Float[np.ndarray, "n c"]:
        """Rows of zeros with a one: the fit is of a network that is centred at its initialisation."""
        return self._onehot(examples)

    def centre(self, targets: Float[np.ndarray, "n c"]) -> float:
        return 1 / self.classes

    def surrogate_utility(self, predictions: Float[np.ndarray, "m c"], targets: Float[np.ndarray, "m c"]) -> float:
        """Accuracy, ties shared, less at most half an example's worth of the squared error, which orders equal ones."""
        accuracy = shared_accuracy(predictions, targets)
        error = np.mean(np.sum((np.asarray(predictions, np.float64) - targets) ** 2, 1))
        return float(accuracy - 0.5 / len(targets) * error / (1 + error))

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, "m c"]:
        """Probabilities of the classes."""
        return softmax(outputs(model, examples.inputs), axis=1)

    def utility(self, predictions: Float[np.ndarray, "m c"], examples: Examples) -> float:
        return self.surrogate_utility(predictions, self._onehot(examples))

    def _onehot(self, examples: Examples) -> Float[np.ndarray, "n c"]:
        return np.eye(self.classes)[np.asarray(examples.targets)]


@dataclass(frozen=True)
class NextToken:
    """Tokens after tokens, targets (n, t) int under a mask (n, t). Utility: minus nats per target token of a sequence.

    Its scalar is the mean target-token log-probability and its target 0, so that the residual is its nats per token.
    A closed-form fit learns those, and is as good as the mean square that it leaves is small.
    """

    kind: ClassVar[str] = "sequences"
    scalars: ClassVar[Mapping[str, Scalar]] = {"target": log_likelihood}
    fitted: ClassVar[str] = "target"
    has_classes: ClassVar[bool] = False
    sketched: ClassVar[bool] = True

    @staticmethod
    def minus_loss(outputs: Any, examples: Examples) -> Any:
        return log_likelihood(outputs, examples)

    def checked(self, name: str, examples: Examples, shape: tuple[int, ...]) -> Examples:
        tokens, targets = np.asarray(examples.inputs), np.asarray(examples.targets)
        if len(shape) != 2:
            raise ValueError(f"the model's outputs have shape {shape}, expected (tokens, vocabulary)")
        for what, array in (("inputs", tokens), ("targets", targets)):
            if array.ndim != 2 or array.shape != tokens.shape or not np.issubdtype(array.dtype, np.integer):
                raise ValueError(
                    f"{name} needs token ids (n, t), inputs and targets alike: its {what} are {array.dtype} of shape "
                    f"{array.shape}"
                )
            if array.min() < 0 or array.max() >= shape[1]:
                raise ValueError(f"{name}: {what} hold a token outside the model's vocabulary, 0 to {shape[1] - 1}")
        if examples.mask is None or np.shape(examples.mask) != tokens.shape:
            raise ValueError(f"{name} needs a mask (n, t) that says which tokens are targets")
        mask = np.asarray(examples.mask, bool)
        if not mask.any(1).all():
            raise ValueError(f"{name}: example {int(np.argmin(mask.any(1)))} has no target token")
        return Examples(tokens.astype(np.int32), targets.astype(np.int32), mask)

    def residual(self, model: Any, examples: Examples, scalar: str) -> Float[np.ndarray, "n 1"]:
        """Nats per target token."""
        return -likelihoods(model, examples).astype(np.float64)[:, None]

    def side(self, model: Any, examples: Examples, key: jax.Array) -> Float[np.ndarray, "n r"]:
        return sketched_gradients(model, log_likelihood, examples, key)

    def kernel(self, model: Any, scalar: str, a: Any, b: Any = None) -> Float[np.ndarray, "n m"]:
        scalar_output(self, scalar)
        return row_products(a, a if b is None else b)

    def surrogate_targets(self, models: list, examples: Examples) -> Float[np.ndarray, "n 1"]:
        """Nats per token at initialisation, the mean over initialisations."""
        return np.mean([self.residual(model, examples, "target") for model in models], axis=0)

    def centre(self, targets: Float[np.ndarray, "n 1"]) -> float:
        return 0.0

    def surrogate_utility(self, predictions: Float[np.ndarray, "m 1"], targets: Float[np.ndarray, "m 1"]) -> float:
        return minus_mean_square(targets - predictions)

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, " m"]:
        """Mean log-probability of each sequence's target tokens, nats."""
        return likelihoods(model, examples)

    def utility(self, predictions: Float[np.ndarray, " m"], examples: Examples) -> float:
        return float(predictions.mean(dtype=np.float64))


@dataclass(frozen=True)
class Regression(Exact):
    """A number, targets (n,) float; the model has one output. Utility: minus the mean squared error.

    Closed-form fits are of targets less their mean in the contributor, which is left where a kernel vanishes.
    """

    kind: ClassVar[str] = "regression"
    scalars: ClassVar[Mapping[str, Scalar]] = {"target": number}
    fitted: ClassVar[str] = "target"
    has_classes: ClassVar[bool] = False

    @staticmethod
    def minus_loss(outputs: Any, examples: Examples) -> Any:
        return minus_squared_error(outputs, examples)

    def checked(self, name: str, examples: Examples, shape: tuple[int, ...]) -> Examples:
        if shape != (1,):
            raise ValueError(f"the model's outputs have shape {shape}, Regression needs one output, (1,)")
        numbers, count = np.asarray(examples.targets), len(examples.inputs)
        if numbers.shape != (count,) or not np.issubdtype(numbers.dtype, np.number):
            raise ValueError(
                f"{name} needs one number as target of each of its {count} examples, got {numbers.dtype} of shape "
                f"{numbers.shape}"
            )
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name}: the target of example {int(np.argmin(np.isfinite(numbers)))} is not finite")
        check_rows(numbers, f"{name}: the target of example")
        return Examples(np.asarray(examples.inputs, np.float32), numbers.astype(np.float32))

    def residual(self, model: Any, examples: Examples, scalar: str) -> Float[np.ndarray, "n 1"]:
        """y - f(x)."""
        return np.asarray(examples.targets, np.float64)[:, None] - outputs(model, examples.inputs)

    def surrogate_targets(self, models: list, examples: Examples) -> Float[np.ndarray, "n 1"]:
        """The numbers themselves: the fit is of a network that is centred at its initialisation."""
        return np.asarray(examples.targets, np.float64)[:, None]

    def centre(self, targets: Float[np.ndarray, "n 1"]) -> Float[np.ndarray, " 1"]:
        return targets.mean(0)

    def surrogate_utility(self, predictions: Float[np.ndarray, "m 1"], targets: Float[np.ndarray, "m 1"]) -> float:
        return minus_mean_square(targets - predictions)

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, " m"]:
        """The predicted numbers."""
        return outputs(model, examples.inputs)[:, 0]

    def utility(self, predictions: Float[np.ndarray, " m"], examples: Examples) -> float:
        return minus_mean_square(np.asarray(examples.targets, np.float64) - predictions)


def minus_mean_square(errors: Float[np.ndarray, "..."]) -> float:
    """Minus the mean of the squared errors: a utility."""
    return -float(np.square(errors).mean())


OBJECTIVES: dict[str, type[Objective]] = {one.kind: one for one in (Classification, NextToken, Regression)}


def scalar_output(objective: Objective | Exact, name: str) -> Scalar:
    """The scalar of that name. Raises ValueError, naming those that there are, for one that the objective lacks."""
    if name not in objective.scalars:
        raise ValueError(
            f"output {name!r} is unknown to {objective.kind}: expected one of {', '.join(objective.scalars)}"
        )
    return objective.scalars[name]
