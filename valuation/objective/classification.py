"""One of a few classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from valuation.examples import Examples
from valuation.kernel import outputs
from valuation.margins import shared_accuracy
from valuation.objective.protocol import Exact, Scalar
from valuation.outputs import class_sum, log_likelihood, true_class


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

    @staticmethod
    def outcomes(outputs: Any, uniform: Any) -> tuple[Any, Any]:
        """Every class: a model that is sure would be asked in vain for a draw that surprises it."""
        probable = jax.nn.softmax(outputs)
        return jnp.broadcast_to(jnp.arange(outputs.shape[-1], dtype=jnp.int32), probable.shape), probable

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

    def surrogate_utility(
        self, predictions: Float[np.ndarray, "m c"], targets: Float[np.ndarray, "m c"], examples: Examples
    ) -> float:
        """Accuracy, ties shared, less at most half an example's worth of the squared error, which orders equal ones."""
        accuracy = shared_accuracy(predictions, targets)
        error = np.mean(np.sum((np.asarray(predictions, np.float64) - targets) ** 2, 1))
        return float(accuracy - 0.5 / len(targets) * error / (1 + error))

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, "m c"]:
        """Probabilities of the classes."""
        return softmax(outputs(model, examples.inputs), axis=1)

    def utility(self, predictions: Float[np.ndarray, "m c"], examples: Examples) -> float:
        return self.surrogate_utility(predictions, self._onehot(examples), examples)

    def _onehot(self, examples: Examples) -> Float[np.ndarray, "n c"]:
        return np.eye(self.classes)[np.asarray(examples.targets)]
