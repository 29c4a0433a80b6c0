"""What every objective says, and what those share whose examples have one small target each."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.tangent import exact_kernel

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

    @staticmethod
    def outcomes(outputs: Any, uniform: Any) -> tuple[Any, Any]:
        """What targets may be by the model's outputs (n, ...), (n, r, ...), and how probable each is, (n, r); for jit.

        So that means over them are those over targets of which minus_loss is the log-density, but for a constant; of
        sequences it is that over their number of target tokens. All there are, or one drawn by numbers uniform in
        [0, 1), of the shape of the targets.
        """
        ...

    def checked(self, name: str, examples: Examples, shape: tuple[int, ...]) -> Examples:
        """The examples with arrays of the right type.

        name: of the set, for the message. shape: of the model's outputs for one example.
        Raises ValueError that names the set for targets that this objective, or that model, cannot learn.
        """
        ...

    def weights(self, examples: Examples) -> Float[np.ndarray, " n"]:
        """How much each example counts in a mean over a set: 1, or the number of its target tokens."""
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

    def surrogate_utility(
        self, predictions: Float[np.ndarray, "m c"], targets: Float[np.ndarray, "m c"], examples: Examples
    ) -> float:
        """How good a fit's predictions of the surrogate targets of m examples are; higher = better.

        Examples count by their `weights`.
        """
        ...

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, "m ..."]:
        """What a trained model says of the examples, as `utility` reads it."""
        ...

    def utility(self, predictions: Float[np.ndarray, "m ..."], examples: Examples) -> float:
        """How good a trained model's predictions of the examples, (m, ...), are; higher = better.

        Examples count by their `weights`.
        """
        ...


class Exact:
    """Of objectives with one small target an example: examples count alike, and the tangent kernel is exact.

    It needs the examples themselves, not their sketched gradients.
    """

    kind: ClassVar[str]
    scalars: ClassVar[Mapping[str, Scalar]]
    sketched: ClassVar[bool] = False

    def weights(self, examples: Examples) -> Float[np.ndarray, " n"]:
        return np.ones(len(examples.targets))

    def side(self, model: Any, examples: Examples, key: jax.Array) -> Examples:
        return examples

    def kernel(self, model: Any, scalar: str, a: Examples, b: Examples | None = None) -> Float[np.ndarray, "n m"]:
        return exact_kernel(model, scalar_output(self, scalar), a, b)


def scalar_output(objective: Objective | Exact, name: str) -> Scalar:
    """The scalar of that name. Raises ValueError, naming those that there are, for one that the objective lacks."""
    if name not in objective.scalars:
        raise ValueError(
            f"output {name!r} is unknown to {objective.kind}: expected one of {', '.join(objective.scalars)}"
        )
    return objective.scalars[name]


def pooled(values: Float[np.ndarray, "... m"], weights: Float[np.ndarray, " m"]) -> Float[np.ndarray, "..."]:
    """Mean over m examples, each of which counts by its weight, float64: over tokens, where weights count tokens.

    values: of the examples, along the last axis. weights: Objective.weights of them. An example of weight 0 counts
    nothing. Raises ValueError where all have weight 0.
    """
    if not weights.any():
        raise ValueError(
            f"none of {len(weights)} sequences has a target token, so there is no mean over tokens: expected a mask "
            "that holds some"
        )
    return np.asarray(np.average(np.asarray(values, np.float64), axis=-1, weights=weights))


def minus_mean_square(errors: Float[np.ndarray, "..."]) -> float:
    """Minus the mean of the squared errors: a utility."""
    return -float(np.square(errors).mean())
