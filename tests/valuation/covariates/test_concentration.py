import numpy as np
from scipy.special import softmax
from scipy.stats import entropy

from valuation.covariates.concentration import class_concentration

RNG = np.random.default_rng(0)


def test_it_is_the_information_that_is_left_beside_the_class():
    """I(X; Z | Y) = H(Z | Y) - H(Z | X), of the joint table of examples, classes and softmax units."""
    logits, labels = 3 * RNG.normal(size=(40, 5)), RNG.integers(0, 3, 40)
    p = softmax(logits, 1)
    of_class = [entropy(p[labels == c].mean(0)) * (labels == c).mean() for c in range(3)]
    expected = sum(of_class) - entropy(p, axis=1).mean()
    assert expected > 0.1
    np.testing.assert_allclose(class_concentration(logits, labels), expected, rtol=1e-9)


def test_one_of_each_class_or_all_the_same_has_none():
    logits = RNG.normal(size=(4, 6))
    np.testing.assert_allclose(class_concentration(logits, np.arange(4)), 0, atol=1e-12)
    np.testing.assert_allclose(class_concentration(logits[[0, 0, 0]], np.zeros(3, int)), 0, atol=1e-12)
