"""Margins of class predictions, relative to their own size, with ties shared among the tied classes.

Two predictions of an example tie where they differ by no more than the rounding of the largest of that example's
predictions, in the predictions' own precision (scale.py). So the order of the classes never decides.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from valuation.scale import significant


def margins(predictions, labels) -> Float[np.ndarray, " m"]:
    """m_j = p_y - max of the other classes, in the predictions' own unit; 0 where the true class ties with another.

    predictions: (m, C) scores or probabilities of C >= 2 classes. labels: (m,) true classes, from 0 to C - 1.
    Raises ValueError for predictions that are not finite and for labels outside the classes.
    """
    scores, true, dtype = _checked(predictions, labels)
    margin = scores[true] - np.where(true, -np.inf, scores).max(1)
    return np.where(significant(np.abs(margin), np.abs(scores).max(1), dtype=dtype), margin, 0.0)


def relative_margin(predictions, labels, *, smoothing: float = 0.5) -> float:
    """Mean over j of Phi(m_j / (smoothing rms(m))), m the margins: from 0 to 1, higher = better; .5 where rms(m) = 0.

    Phi is the normal distribution function. The value does not depend on the scale of the predictions; a true class
    that ties with the best of the others counts one half. As smoothing goes to 0, it becomes the share of margins
    above 0. predictions (m, C), labels (m,), errors: as in `margins`.
    """
    return float(relative_margin_rows(predictions, labels, smoothing=smoothing).mean())


def relative_margin_rows(predictions, labels, *, smoothing: float = 0.5) -> Float[np.ndarray, " m"]:
    """Phi(m_j / (smoothing rms(m))) of every row, whose mean is `relative_margin`; arguments, errors: as there."""
    if not smoothing > 0:
        raise ValueError(f"smoothing must be above 0, got {smoothing}")
    margin = margins(predictions, labels)
    largest = np.abs(margin).max()
    if largest == 0:
        return np.full(len(margin), 0.5)
    relative = margin / largest  # first, so that no square over- or underflows
    return ndtr(relative / (smoothing * np.sqrt(np.mean(relative**2))))


def shared_accuracy(predictions, targets) -> float:
    """Share of the rows whose largest prediction is that of the true class; one that ties with others is shared.

    predictions, targets: as in `shared_accuracy_rows`.
    """
    return float(shared_accuracy_rows(predictions, targets).mean())


def shared_accuracy_rows(predictions, targets) -> Float[np.ndarray, " m"]:
    """1/t for each row whose true class is among t classes whose predictions are the largest but for rounding to
    float32, 0 for the others.

    predictions: (m, C) finite scores or probabilities. targets: (m, C), largest at the true class.
    """
    scores = np.asarray(predictions, np.float64)
    tied = ~significant(scores.max(1, keepdims=True) - scores, np.abs(scores).max(1, keepdims=True))
    return tied[np.arange(len(scores)), np.argmax(targets, 1)] / tied.sum(1)


def _checked(predictions, labels):
    """Scores in float64, which of them is the true class (m, C), and the type in which they were computed."""
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    if predictions.ndim != 2 or predictions.shape[1] < 2 or not len(predictions):
        raise ValueError(f"predictions need shape (examples >= 1, classes >= 2), got {predictions.shape}")
    if labels.shape != predictions.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels need one integer for each of {len(predictions)} predictions, got {labels.shape}")
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= predictions.shape[1]:
        raise ValueError(f"labels run from {lowest} to {highest}, the classes from 0 to {predictions.shape[1] - 1}")
    if not np.isfinite(predictions).all():
        row = int((~np.isfinite(predictions)).any(1).argmax())
        raise ValueError(f"the predictions of example {row} hold NaN or infinite values")
    scores = predictions.astype(np.float64)
    return scores, np.arange(scores.shape[1]) == labels[:, None], np.result_type(predictions.dtype, np.float32)
