"""The reference fitted to validation examples and its losses, against float64 sums written out."""

import numpy as np
import pytest

from valuation.blocks import feature_blocks, source
from valuation.disagreement import capped, fit_reference, part_means, reference_losses, token_losses, zero_one
from valuation.ngram import fit_ngram
from valuation.problem import Examples

RNG = np.random.default_rng(0)
SEEN, TARGETS = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
NEW = RNG.normal(size=(50, 3))


def expected(new, bandwidth, ridge, offset):
    """offset + k(new, seen) (k(seen, seen) + ridge I)^-1 (targets - offset); the mean diagonal of k is 1."""

    def kernel(a, b):
        return np.exp(-np.square(a[:, None] - b[None]).sum(-1) / (2 * bandwidth))

    return offset + kernel(new, SEEN) @ np.linalg.solve(kernel(SEEN, SEEN) + ridge * np.eye(20), TARGETS - offset)


@pytest.mark.parametrize("block", [7, 64])
def test_predictions_are_the_ridge_solution_block_by_block_from_disk(tmp_path, block):
    """With a common offset of a thousand, of inputs that are mapped into memory, for rows in another order."""
    stored = np.memmap(tmp_path / "inputs", np.float64, "w+", shape=NEW.shape)
    stored[:] = NEW + 1000
    index, given, seen = RNG.permutation(50), RNG.normal(size=(50, 2)), []
    reference = fit_reference(SEEN, TARGETS, bandwidth=1.5, offset=TARGETS.mean(0), ridge=0.1)
    blocks = feature_blocks(source(stored, given, index=index), np.full(3, 1000.0), block)

    def loss(predicted, targets):
        seen.append((predicted, targets))
        return predicted[:, 0]

    places, losses = zip(*reference_losses(reference, blocks, given, loss), strict=True)
    predicted, targets = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    np.testing.assert_allclose(predicted, expected(NEW[index], 1.5, 0.1, TARGETS.mean(0)), atol=2e-5)
    np.testing.assert_array_equal(targets, given)
    np.testing.assert_array_equal(np.concatenate(losses), predicted[:, 0])
    assert [place.start for place in places] == list(range(0, 50, block))


def test_zero_one_loss_shares_ties():
    predicted = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [1, 1, 1], [0.5, 0.5 + 1e-8, 0.1], [0, 0, 0]])
    labels = np.array([1, 0, 2, 0, 1])
    np.testing.assert_allclose(zero_one(predicted, np.eye(3)[labels]), [0, 1 / 2, 2 / 3, 1 / 2, 2 / 3])
    np.testing.assert_allclose(zero_one(predicted[:1], np.eye(3)[[2]]), [1])


def test_capped_errors_and_their_limit():
    predicted, targets = np.array([[1.0], [2.0], [2.0]]), np.array([[1.5], [9.0], [2.0]])
    np.testing.assert_allclose(capped(predicted, targets, 2.0), [0.25, 1, 0])
    np.testing.assert_allclose(capped(predicted, targets, 0.0), [1, 1, 0])


def test_tokens_that_a_model_has_not_counted():
    """A model of nothing is uniform over 8 tokens; after it has seen one token 3 times, Witten-Bell by hand."""
    rows = Examples(np.zeros((1, 4), int), np.array([[5, 5, 5, 2]]), np.array([[True, True, True, False]]))
    nothing = fit_ngram(rows._replace(mask=np.zeros((1, 4), bool)), 8)
    np.testing.assert_allclose(token_losses(nothing, rows), [7 / 8] * 3)
    unigrams = fit_ngram(rows, 8, order=1)
    every = rows._replace(mask=np.ones((1, 4), bool))
    np.testing.assert_allclose(token_losses(unigrams, every), [1 - (3 + 1 / 8) / 4] * 3 + [1 - 1 / 32])


def test_parts_are_averaged_apart():
    blocks = [(np.array([True, False]), np.array([1.0, 0.5])), (np.array([True]), np.array([0.0]))]
    assert part_means(iter(blocks)) == (0.5, 0.5)
    assert part_means(iter(blocks[1:])) == (0.0, 0.0)
    assert part_means(iter([(np.zeros(2, bool), np.array([0.2, 0.4]))])) == (0.0, pytest.approx(0.3))
