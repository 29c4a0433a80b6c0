"""One table for all methods: finite, one number a contributor, blind to the order and names of contributors."""

import numpy as np
import pytest
import scipy.spatial.distance

from tests.problems import contributor, corners
from tests.reference import jacobian
from valuation import kernel
from valuation.methods import METHODS
from valuation.problem import Problem, contributor_examples

PROBLEM = corners()
JOINTLY = {"random", "score_calibrated", "proxy_training"}  # their randomness goes by position
ON_UNION = {
    "deviation",
    *(name for name, method in METHODS.items() if method.checkpoints),
}  # tested with their formulas


@pytest.mark.parametrize("name", METHODS)
def test_every_corner_is_valued(name):
    values = METHODS[name](PROBLEM)
    assert values.shape == (len(PROBLEM.contributors),)
    assert np.isfinite(values).all()
    np.testing.assert_array_equal(values, METHODS[name](PROBLEM))


@pytest.mark.parametrize("name", sorted(set(METHODS) - JOINTLY - ON_UNION))
def test_the_order_of_contributors_does_not_matter(name):
    order = np.random.default_rng(0).permutation(len(PROBLEM.contributors))
    mixed = PROBLEM._replace(contributors=tuple(PROBLEM.contributors[i] for i in order))
    np.testing.assert_allclose(METHODS[name](mixed), METHODS[name](PROBLEM)[order], rtol=1e-6)


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not m.labels])
def test_who_says_it_does_not_look_at_validation_labels_does_not(name):
    shuffled = PROBLEM.validation._replace(targets=PROBLEM.validation.targets[::-1].copy())
    np.testing.assert_array_equal(METHODS[name](PROBLEM._replace(validation=shuffled)), METHODS[name](PROBLEM))


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not m.trains])
def test_who_says_it_does_not_train_does_not(name):
    assert np.isfinite(METHODS[name](PROBLEM._replace(train=None))).all()


def test_a_problem_has_no_room_for_test_data():
    assert not [field for field in Problem._fields if "test" in field]


def test_counts():
    assert METHODS["size"](PROBLEM)[[0, 5]].tolist() == [60, 1]
    assert METHODS["real_count"](PROBLEM)[[2, 7]].tolist() == [15, 0]
    assert METHODS["real_share"](PROBLEM)[[2, 7]].tolist() == [0.375, 0]


def test_davinz_is_brute_force():
    chosen = (1, 2, 4)
    small = PROBLEM._replace(contributors=tuple(PROBLEM.contributors[i] for i in chosen))
    ahead = PROBLEM.validation.inputs.astype(np.float64)
    inner = scipy.spatial.distance.cdist(ahead, ahead, "sqeuclidean")
    width = np.median(inner[np.triu_indices(len(ahead), 1)])
    mmds, kernels = [], []
    for c in small.contributors:
        own = contributor_examples(PROBLEM, c)
        k = [np.exp(-scipy.spatial.distance.cdist(a, b, "sqeuclidean") / width).mean()
             for a, b in ((own.inputs, own.inputs), (own.inputs, ahead))]  # fmt: skip
        mmds.append(np.sqrt(k[0] + np.exp(-inner / width).mean() - 2 * k[1]))
        terms = []
        for params in PROBLEM.initial:
            model = PROBLEM.model._replace(params=params)
            rows = jacobian(model, kernel.true_class, own)
            theta = rows @ rows.T
            theta += 1e-2 * np.trace(theta) / len(theta) * np.eye(len(theta))
            y = 1 - np.asarray(model.apply(params, (), own.inputs), np.float64)[np.arange(len(theta)), own.targets]
            terms.append(np.sqrt(y @ np.linalg.solve(theta, y) / len(y)))
        kernels.append(np.mean(terms))
    mmds, kernels = np.array(mmds), np.array(kernels)
    expected = -mmds.mean() / kernels.mean() * kernels - mmds
    np.testing.assert_allclose(METHODS["davinz"](small, ridge=1e-2), expected, rtol=1e-3)


def test_davinz_prefers_data_like_the_validation_set():
    near = contributor("near", np.arange(40), PROBLEM.pool)
    pool = PROBLEM.pool._replace(inputs=np.concatenate([PROBLEM.pool.inputs, PROBLEM.pool.inputs[:40] + 3]),
                                 targets=np.concatenate([PROBLEM.pool.targets, PROBLEM.pool.targets[:40]]))  # fmt: skip
    far = contributor("far", np.arange(120, 160), pool)
    values = METHODS["davinz"](PROBLEM._replace(pool=pool, contributors=(near, far)))
    assert values[0] > values[1]
