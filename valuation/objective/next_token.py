"""Tokens after tokens, scored as the truth is: over all target tokens of a set together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Float

from valuation.examples import Examples
from valuation.objective.protocol import Scalar, pooled, scalar_output
from valuation.outputs import categorical, log_likelihood
from valuation.tangent import row_products, sketched_gradients
from valuation.target_tokens import mean_log_likelihoods


@dataclass(frozen=True)
class NextToken:
    """Tokens after tokens, targets (n, t) int under a mask (n, t). Utility: minus nats per target token, pooled.

    Pooled is the mean over the target tokens of all sequences together, so that a long one counts more than a short
    one: what the truth of sequences is, and how every mean over a validation set is taken.

    Its scalar is the mean target-token log-probability and its target 0, so that the residual is its nats per token.
    A closed-form fit learns those, and is as good as the mean square that it leaves, pooled too, is small.
    """

    kind: ClassVar[str] = "sequences"
    scalars: ClassVar[Mapping[str, Scalar]] = {"target": log_likelihood}
    fitted: ClassVar[str] = "target"
    has_classes: ClassVar[bool] = False
    sketched: ClassVar[bool] = True

    @staticmethod
    def minus_loss(outputs: Any, examples: Examples) -> Any:
        return log_likelihood(outputs, examples)

    @staticmethod
    def outcomes(outputs: Any, uniform: Any) -> tuple[Any, Any]:
        """One sequence, drawn token by token beside those that there are."""
        return categorical(outputs, uniform)[:, None], jax.numpy.ones((len(outputs), 1))

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

    def weights(self, examples: Examples) -> Float[np.ndarray, " n"]:
        """The number of target tokens of each sequence."""
        mask = np.ones(np.shape(examples.targets)) if examples.mask is None else np.asarray(examples.mask, bool)
        return mask.sum(1).astype(np.float64)

    def residual(self, model: Any, examples: Examples, scalar: str) -> Float[np.ndarray, "n 1"]:
        """Nats per target token."""
        return -mean_log_likelihoods(model, examples).astype(np.float64)[:, None]

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

    def surrogate_utility(
        self, predictions: Float[np.ndarray, "m 1"], targets: Float[np.ndarray, "m 1"], examples: Examples
    ) -> float:
        return -float(pooled(np.square(targets - predictions)[:, 0], self.weights(examples)))

    def predictions(self, model: Any, examples: Examples) -> Float[np.ndarray, " m"]:
        """Mean log-probability of each sequence's target tokens, nats."""
        return mean_log_likelihoods(model, examples)

    def utility(self, predictions: Float[np.ndarray, " m"], examples: Examples) -> float:
        return float(pooled(predictions, self.weights(examples)))
