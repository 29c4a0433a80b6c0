"""How far labels are from what a reference predicts that was fitted to the validation set (theory/README.md, 2.15).

The reference h is fitted in closed form to validation examples and their targets, and sees none of the contributors'.
Its loss is min(1, ||h(x) - y||_1 / unit): in [0, 1], symmetric, and it obeys the triangle inequality. Of classes, with
rows of zeros with a one for y and unit 2, it is 1 - h_y(x) wherever h(x) is a probability vector; of tokens it is one
minus the probability of the target.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from valuation.blocks import Source, feature_blocks, targets_of, validation_rows
from valuation.closed_form import ridge_coefficients
from valuation.discrepancy import squared_distances
from valuation.inducing import float64_kernel, gaussian
from valuation.ngram import NGram, token_log_probabilities
from valuation.problem import Examples

BLOCK = 2048  # rows read at a time
FILLED = 256  # a block is filled up to a multiple of this, so that many sizes share a compilation


class Reference(NamedTuple):
    """A Gaussian ridge fit to m validation examples, h(x) = offset + k(x, rows) coefficients.

    rows: their features minus the centre, (m, d) float32. centre: (d,). bandwidth: s2 of k = exp(-|x - x'|^2 / (2 s2)).
    coefficients: (m, c) float32. offset: (c,). unit: L1 distance of two targets that counts as a loss of 1; 0: any.
    """

    rows: np.ndarray
    centre: np.ndarray
    bandwidth: float
    coefficients: np.ndarray
    offset: np.ndarray
    unit: float


def fit_reference(
    features: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m c"], *,
    bandwidth: float, offset, unit: float, ridge: float = 0.01,
) -> Reference:  # fmt: skip
    """The fit to validation examples: one m^3 solve in float64.

    features, targets: of the validation examples. bandwidth: s2 > 0, in squared units of a feature. offset: what is
    taken from targets beforehand, a number or (c,). unit: of Reference, >= 0. ridge: lambda in mean diagonals of the
    kernel, > 0. Raises ValueError for a bandwidth that is not positive and features that are not finite.
    """
    rows, centre = validation_rows(features)
    offset = np.broadcast_to(np.asarray(offset, np.float64), targets.shape[1:])
    solved = ridge_coefficients(float64_kernel(gaussian(bandwidth), rows, rows), ridge)(targets - offset)
    return Reference(rows.astype(np.float32), centre, bandwidth, solved.astype(np.float32), offset, unit)


def reference_losses(
    reference: Reference, data: Source, *, block: int = BLOCK
) -> Iterator[tuple[slice, Float[np.ndarray, " b"]]]:
    """(positions, losses of the reference, in [0, 1]) of block after block of the examples.

    O(n m d) for n examples, which are read once and may lie on disk, and memory for `block` of them.
    Raises ValueError as blocks.feature_blocks does.
    """
    for positions, rows in feature_blocks(data, reference.centre, block):
        count = len(rows)
        filled = np.pad(rows.astype(np.float32), [(0, -count % FILLED), (0, 0)])
        fitted = _fitted(filled, reference.rows, reference.bandwidth, reference.coefficients)
        predicted = reference.offset + np.asarray(fitted, np.float64)[:count]
        yield positions, capped(np.abs(targets_of(data, positions, count) - predicted).sum(1), reference.unit)


def token_losses(model: NGram, examples: Examples) -> Float[np.ndarray, " e"]:
    """1 - P(token) of every target token, in the order of ngram.token_log_probabilities: the expected 0/1 loss of a
    reference that draws its next token.
    """
    return -np.expm1(token_log_probabilities(model, examples))


def capped(errors: Float[np.ndarray, " n"], unit: float) -> Float[np.ndarray, " n"]:
    """min(1, errors / unit) of errors >= 0; for a unit of 0 the limit, whether there is an error."""
    return np.divide(errors, unit, out=(errors > 0).astype(np.float64), where=errors < unit)


def part_means(
    blocks: Iterator[tuple[Bool[np.ndarray, " b"], Float[np.ndarray, " b"]]],
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


@jax.jit
def _fitted(x, rows, bandwidth, coefficients):
    return jnp.exp(-squared_distances(x, rows) / (2 * bandwidth)) @ coefficients
