"""How far labels are from what a reference predicts that was fitted to the validation set (theory/README.md, 2.15).

The reference h is fitted in closed form to validation examples and their targets, and sees none of the contributors'.
Its loss is in [0, 1], symmetric, and obeys the triangle inequality: of classes the 0/1 loss, of numbers
min(1, |h(x) - y| / unit), of tokens the expected 0/1 loss of a reference that draws its next token, 1 - P(y).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from valuation.closed_form import ridge_coefficients
from valuation.discrepancy import squared_distances
from valuation.inducing import float64_kernel, gaussian
from valuation.ngram import NGram, token_log_probabilities
from valuation.precise import jit
from valuation.problem import Examples
from valuation.scale import significant

BLOCK = 2048  # rows read at a time
Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]  # predictions, targets (b, c) -> losses (b,) in [0, 1]
FILLED = 256  # a block is filled up to a multiple of this, so that many sizes share a compilation


class Reference(NamedTuple):
    """A Gaussian ridge fit to m validation examples, h(x) = offset + k(x, rows) coefficients.

    rows: their features, (m, d) float32. bandwidth: s2 of k = exp(-|x - x'|^2 / (2 s2)). coefficients: (m, c) float32.
    offset: (c,).
    """

    rows: np.ndarray
    bandwidth: float
    coefficients: np.ndarray
    offset: np.ndarray


def fit_reference(
    rows: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m c"], *, bandwidth: float, offset, ridge: float
) -> Reference:
    """The fit to validation examples: one m^3 solve in float64.

    rows: their features, without a large common offset. bandwidth: s2 > 0, in squared units of a feature. offset: what
    is taken from targets beforehand, a number or (c,). ridge: lambda in mean diagonals of the kernel, > 0.
    Raises ValueError for a bandwidth that is not positive and a kernel that is not finite.
    """
    offset = np.broadcast_to(np.asarray(offset, np.float64), targets.shape[1:])
    exact = rows.astype(np.float64)
    solved = ridge_coefficients(float64_kernel(gaussian(bandwidth), exact, exact), ridge)(targets - offset)
    return Reference(rows.astype(np.float32), bandwidth, solved.astype(np.float32), offset)


def reference_losses(
    reference: Reference, blocks: Iterable[tuple[slice, np.ndarray]], targets: Float[np.ndarray, "n c"], loss: Loss
) -> Iterator[tuple[slice, Float[np.ndarray, " b"]]]:
    """(positions, losses of the reference) of block after block of n examples, in O(n m d) time.

    blocks: (positions, features (b, d) with the offset of the reference's rows), which may be read from disk as they
        are asked for, as blocks.feature_blocks does. targets: of all n. loss: such as zero_one.
    """
    for positions, rows in blocks:
        count = len(rows)
        filled = np.pad(rows.astype(np.float32), [(0, -count % FILLED), (0, 0)])
        fitted = _fitted(filled, reference.rows, reference.bandwidth, reference.coefficients)
        predicted = reference.offset + np.asarray(fitted, np.float64)[:count]
        yield positions, loss(predicted, targets[positions])


def zero_one(predicted: Float[np.ndarray, "b c"], targets: Float[np.ndarray, "b c"]) -> Float[np.ndarray, " b"]:
    """Whether the class of the highest prediction is another than the target's; k classes that tie for it share it.

    targets: rows of zeros with a one at the class. Predictions are float32 numbers: those that are the highest but for
    rounding tie.
    """
    below = predicted.max(1, keepdims=True) - predicted
    highest = ~significant(below, np.abs(predicted).max(1, keepdims=True))
    return 1 - (highest * targets).sum(1) / highest.sum(1)


def capped(
    predicted: Float[np.ndarray, "b c"], targets: Float[np.ndarray, "b c"], unit: float
) -> Float[np.ndarray, " b"]:
    """min(1, L1 distance / unit), unit >= 0 in that of the targets; for 0 its limit, whether the two differ."""
    errors, scale = np.abs(targets - predicted).sum(1), (np.abs(targets) + np.abs(predicted)).sum(1)
    return np.divide(errors, unit, out=significant(errors, scale).astype(np.float64), where=errors < unit)


def token_losses(model: NGram, examples: Examples) -> Float[np.ndarray, " e"]:
    """1 - P(token) of every target token, in the order of ngram.token_log_probabilities: the expected 0/1 loss of a
    reference that draws its next token.
    """
    return -np.expm1(token_log_probabilities(model, examples))


def part_means(
    blocks: Iterable[tuple[Bool[np.ndarray, " b"], Float[np.ndarray, " b"]]],
) -> tuple[float, float]:
    """(mean loss of the real part, of the synthetic part), 0 of a part without losses.

    blocks: (whether each is real, losses), one after another.
    """
    sums, counts = np.zeros(2), np.zeros(2)
    for real, losses in blocks:
        sums += losses[real].sum(), losses[~real].sum()
        counts += real.sum(), (~real).sum()
    of_real, of_synthetic = sums / np.maximum(counts, 1)
    return float(of_real), float(of_synthetic)


@jit
def _fitted(x, rows, bandwidth, coefficients):
    return jnp.exp(-squared_distances(x, rows) / (2 * bandwidth)) @ coefficients
