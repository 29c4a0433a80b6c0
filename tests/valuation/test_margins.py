"""Margins against loops, and what must not matter to them."""

from math import erf, sqrt

import numpy as np
import pytest

from valuation.margins import margins, relative_margin, shared_accuracy

DRAW = np.random.default_rng(0)
SMOOTH = DRAW.normal(size=(40, 4))
TIED = DRAW.integers(0, 3, (60, 4)) / 2  # votes: many ties, exact in binary
LABELS, TIED_LABELS = DRAW.integers(0, 4, 40), DRAW.integers(0, 4, 60)


def slow_margins(predictions, labels):
    rows = zip(predictions.tolist(), labels.tolist(), strict=True)
    return [row[y] - max(p for c, p in enumerate(row) if c != y) for row, y in rows]


def slow_relative_margin(predictions, labels, smoothing):
    each = slow_margins(predictions, labels)
    rms = sqrt(sum(m * m for m in each) / len(each))
    return sum((1 + erf(m / (smoothing * rms) / sqrt(2))) / 2 for m in each) / len(each) if rms else 0.5


@pytest.mark.parametrize(("predictions", "labels"), [(SMOOTH, LABELS), (TIED, TIED_LABELS)], ids=["smooth", "tied"])
def test_scores_are_those_of_loops(predictions, labels):
    np.testing.assert_allclose(margins(predictions, labels), slow_margins(predictions, labels), rtol=1e-12)
    for smoothing in (0.1, 0.5, 2.0):
        expected = slow_relative_margin(predictions, labels, smoothing)
        assert relative_margin(predictions, labels, smoothing=smoothing) == pytest.approx(expected, rel=1e-12)
    assert relative_margin(predictions, labels) == relative_margin(predictions, labels, smoothing=0.5)


def test_a_hand_calculation():
    predictions, labels = np.array([[0.5, 0.2, 0.3], [0.4, 0.4, 0.2], [0.3, 0.3, 0.4]]), np.array([0, 1, 0])
    np.testing.assert_allclose(margins(predictions, labels), [0.2, 0, -0.1], atol=1e-15)
    rms = sqrt(0.05 / 3)
    expected = (0.5 + sum((1 + erf(m / (0.5 * rms) / sqrt(2))) / 2 for m in (0.2, -0.1))) / 3
    assert relative_margin(predictions, labels) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 1e6, 1e300])
def test_the_scale_of_predictions_does_not_matter(scale):
    assert relative_margin(SMOOTH * scale, LABELS) == pytest.approx(relative_margin(SMOOTH, LABELS), rel=1e-9)


def test_the_order_of_examples_and_of_classes_does_not_matter():
    rows, classes = DRAW.permutation(60), np.array([2, 0, 3, 1])
    expected = relative_margin(TIED, TIED_LABELS)
    assert relative_margin(TIED[rows], TIED_LABELS[rows]) == pytest.approx(expected, rel=1e-12)
    turned = relative_margin(TIED[:, classes], np.argsort(classes)[TIED_LABELS])
    assert turned == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_that_differ_by_rounding_alone_tie(dtype):
    eps = np.finfo(dtype).eps
    noise = DRAW.integers(-2, 3, (50, 5)) * eps
    predictions, labels = (0.2 * (1 + noise)).astype(dtype), DRAW.integers(0, 5, 50)
    assert relative_margin(predictions, labels) == 0.5
    predictions[:, 3] *= 1 + 100 * eps
    np.testing.assert_array_equal(margins(predictions, labels) > 0, labels == 3)


def test_constant_predictions_know_nothing():
    for constant in (0.0, 0.1, -3.0):
        assert relative_margin(np.full((7, 10), constant), np.arange(7)) == 0.5


def test_all_right_by_the_same_margin():
    predictions, labels = np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 2])
    assert relative_margin(predictions, labels) == pytest.approx((1 + erf(sqrt(2))) / 2, rel=1e-12)  # Phi(2)
    assert relative_margin(predictions, (labels + 1) % 3) == pytest.approx((1 - erf(sqrt(2))) / 2, rel=1e-12)


@pytest.mark.parametrize("score", [margins, relative_margin])
@pytest.mark.parametrize(
    ("predictions", "labels", "words"),
    [
        (SMOOTH[:, :1], LABELS, "classes >= 2"),
        (SMOOTH[:0], LABELS[:0], "examples >= 1"),
        (SMOOTH, LABELS[1:], "one integer for each of 40"),
        (SMOOTH, LABELS * 1.0, "one integer for each of 40"),
        (SMOOTH[:, :3], LABELS, "labels run from 0 to 3, the classes from 0 to 2"),
        (np.where(np.arange(40)[:, None] == 7, np.nan, SMOOTH), LABELS, "example 7 hold NaN"),
    ],
)
def test_bad_input_is_named(score, predictions, labels, words):
    with pytest.raises(ValueError, match=words):
        score(predictions, labels)


def test_tied_classes_share_the_accuracy():
    """Votes of 5, written in an order that rounds: .1 + .2 is not .3."""
    predictions = np.array([[0.1 + 0.2, 0.3, 0.4], [0.1 + 0.2, 0.3, 0.1], [0.3, 0.3, 0.3], [0.2, 0.4, 0.4]])
    targets = np.eye(3)[[2, 1, 0, 0]]
    assert shared_accuracy(predictions, targets) == pytest.approx((1 + 1 / 2 + 1 / 3 + 0) / 4, rel=1e-15)
    order = [2, 0, 1]
    assert shared_accuracy(predictions[:, order], targets[:, order]) == shared_accuracy(predictions, targets)
    expected = np.mean([row.argmax() == label for row, label in zip(SMOOTH, LABELS, strict=True)])
    assert shared_accuracy(SMOOTH, np.eye(4)[LABELS]) == pytest.approx(expected, rel=1e-15)
