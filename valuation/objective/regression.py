"""A number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.kernel import outputs
from valuation.objective.protocol import Exact, Scalar, minus_mean_square
from valuation.outputs import minus_squared_error, number
from valuation.scale import check_rows


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

    @staticmethod
    def outcomes(outputs: Any, uniform: Any) -> tuple[Any, Any]:
        """One number, a standard deviation of 1/sqrt(2) above the predicted one: its gradient has the mean square."""
        return outputs + 2**-0.5, jax.numpy.ones((len(outputs), 1))

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

    def surrogate_utility(
        self, predictions: Float[np.ndarray, "m 1"], targets: Float[np.ndarray, "m 1"], examples: Examples
    ) -> float:
        return minus_mean_square(targets - predictions)

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, " m"]:
        """The predicted numbers."""
        return outputs(model, examples.inputs)[:, 0]

    def utility(self, predictions: Float[np.ndarray, " m"], examples: Examples) -> float:
        return minus_mean_square(np.asarray(examples.targets, np.float64) - predictions)
