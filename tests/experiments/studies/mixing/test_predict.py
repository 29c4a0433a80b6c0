"""What is predicted without training, on the points of tests/problems.py."""

import jax
import numpy as np

from experiments.studies.mixing.predict import bound_weight
from tests.problems import CLASSES, contributor, corners, data
from valuation.curves import halves


def test_the_bound_prefers_real_examples_to_wrong_labels():
    """Beside 100 real examples of well separated classes as many of the same kind, or with every label wrong."""
    pool, half = data(200, 0, noise=0.2), halves(200, key=jax.random.key(0))
    problem = corners()._replace(pool=pool, validation=data(200, 1, noise=0.2))
    rows, real = np.arange(100, 200), contributor("real", np.arange(100), pool)
    weights = [
        bound_weight(
            problem._replace(contributors=(real, contributor("source", rows, pool, targets=labels))), 100, half
        )
        for labels in (pool.targets[rows], (pool.targets[rows] + 1) % CLASSES)
    ]
    assert 0 < weights[0] < weights[1] <= 1
