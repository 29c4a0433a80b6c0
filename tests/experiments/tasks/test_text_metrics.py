import numpy as np
import pytest

from experiments.tasks import text_metrics


def test_metrics_of_texts_by_hand():
    assert text_metrics.rouge_l("The cat sat.", "the cat ate") == pytest.approx(2 * 2 / 6)
    assert text_metrics.rouge_l("a b c d", "d c b a") == pytest.approx(2 * 1 / 8)
    assert text_metrics.rouge_l("b a c a", "a b c a d") == pytest.approx(2 * 3 / 9)
    assert text_metrics.rouge_l("", "a") == 0
    assert text_metrics.exact_match("Yes.", "yes") == 1
    assert text_metrics.exact_match("yes yes", "yes") == 0


def test_choices_by_likelihood():
    nats = [np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, 1.0, 2.0, 3.0])]
    found = text_metrics.choices(nats, np.array([0, 0, 0, 0]))  # right, wrong, a tie, right
    assert (found.accuracy, found.questions, found.chance) == (0.5, 4, (3 * 0.5 + 0.25) / 4)
    assert found.interval == pytest.approx((0.0676, 0.9324), abs=1e-4)  # Clopper-Pearson, 2 of 4
    assert not found.above_chance
