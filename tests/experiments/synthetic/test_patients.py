import jax
import numpy as np
import pytest

from experiments.synthetic.patients import patients_by_copula, patients_in_parts
from experiments.synthetic.table_columns import Columns
from theory.effects import t_learner
from valuation.problem import Examples

COLUMNS, ROWS = Columns(2, ()), 3000
RNG = np.random.default_rng(0)
X = RNG.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], ROWS)
W = (X[:, 0] + RNG.logistic(size=ROWS) > 0).astype(float)
Y = X @ [1.0, 1.0] + W * (2 + X[:, 0]) + RNG.normal(size=ROWS)
REAL = Examples(np.column_stack([X, W]).astype(np.float32), Y.astype(np.float32))


def effect(data):
    x = np.asarray(data.inputs, float)
    return t_learner(x[:, :2], x[:, 2], np.asarray(data.targets, float))


def test_three_parts_keep_effect_and_propensity_whatever_the_covariates_do():
    for strength, correlation in ((1.0, 0.6), (0.0, 0.0)):
        made = patients_in_parts(COLUMNS, REAL, 5, jax.random.key(0))(REAL, strength, jax.random.key(1))
        np.testing.assert_allclose(effect(made).coefficients, effect(REAL).coefficients, atol=0.25)
        assert abs(np.corrcoef(made.inputs[:, 0], made.inputs[:, 1])[0, 1] - correlation) < 0.1
        assert set(made.inputs[:, 2]) == {0, 1}
        assert abs(np.corrcoef(made.inputs[:, 0], made.inputs[:, 2])[0, 1] - np.corrcoef(X[:, 0], W)[0, 1]) < 0.1


def test_every_outcome_is_its_arms_fit_and_one_of_that_arms_residuals():
    """40 people, noise three times as wide in the treated, 4,000 patients: each residual is drawn, all alike often."""
    w, rng = np.arange(40) % 2.0, np.random.default_rng(1)
    y = X[:40] @ [1.0, -1.0] + w * (2 + X[:40, 0]) + (1 + 2 * w) * rng.normal(size=40)
    real = Examples(np.column_stack([X[:40], w]).astype(np.float32), y.astype(np.float32))
    asked = real.take(np.tile(np.arange(40), 100))
    made = patients_in_parts(COLUMNS, real, 5, jax.random.key(0))(asked, 1.0, jax.random.key(1))
    for arm in (0, 1):
        (x, target), (x_made, target_made) = (
            (np.column_stack([np.ones(len(some.targets)), some.inputs[:, :2]])[some.inputs[:, 2] == arm],
             some.targets[some.inputs[:, 2] == arm].astype(float))
            for some in (real, made)
        )  # fmt: skip
        b = np.linalg.lstsq(x, target, rcond=None)[0]
        residuals, found = target - x @ b, target_made - x_made @ b
        which = np.abs(found[:, None] - residuals).argmin(1)
        np.testing.assert_allclose(found, residuals[which], atol=1e-5)
        share, error = 1 / len(residuals), np.sqrt(1 / len(residuals) / len(found))
        np.testing.assert_allclose(np.bincount(which, minlength=len(residuals)) / len(found), share, atol=5 * error)
        assert found.std() == pytest.approx(residuals.std(), rel=4 / np.sqrt(2 * len(found)))


def test_one_copula_of_all_loses_a_part_of_the_effect():
    made = patients_by_copula(COLUMNS, REAL, jax.random.key(0))(REAL, 1.0, jax.random.key(1))
    assert set(made.inputs[:, 2]) == {0, 1}
    assert effect(made).mean < effect(REAL).mean - 5 * effect(REAL).error


def test_patients_lie_in_the_groups_of_the_examples_that_they_are_made_for():
    """Of the two lowest fifths alone, one of them more often, as a contributor that keeps two groups asks."""
    low = np.flatnonzero(np.quantile(Y, 0.4) > Y)
    wanted = REAL.take(np.concatenate([low, low[np.quantile(Y, 0.2) > Y[low]]]))
    mechanism = patients_in_parts(COLUMNS, REAL, 5, jax.random.key(0))
    parts, every = mechanism(wanted, 1.0, jax.random.key(1)), mechanism(REAL, 1.0, jax.random.key(2))
    lowest = parts.targets < np.quantile(every.targets, 0.2)
    assert abs(lowest.mean() - 2 / 3) < 0.03  # error of a quantile of 3,000 rows
    np.testing.assert_array_equal(
        patients_by_copula(COLUMNS, REAL, jax.random.key(0))(wanted, 1.0, jax.random.key(1)).targets, wanted.targets
    )


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="is 1 in all 3000 rows"):
        patients_in_parts(COLUMNS, Examples(np.column_stack([X, np.ones(ROWS)]), Y), 5, jax.random.key(0))
    with pytest.raises(ValueError, match=r"patients: strength 2\.0"):
        patients_in_parts(COLUMNS, REAL, 5, jax.random.key(0))(REAL, 2.0, jax.random.key(1))
