import jax
import numpy as np
import pytest

from tests.problems import contributor, corners
from tests.reference import jacobian, mmd_squared
from valuation import kernel
from valuation.methods import score
from valuation.problem import contributor_examples

PROBLEM = corners()
TERMS = score.terms(PROBLEM)


def brute_force(problem, number, output, scaled, ridge):
    """Kernel term and loss of one contributor with explicit Jacobians and a plain inverse, float64."""
    own = contributor_examples(problem, problem.contributors[number])
    results = []
    for params in problem.initial:
        model = problem.model._replace(params=params)
        rows = jacobian(model, kernel.OUTPUTS[output], own)
        theta = rows @ rows.T
        n, diagonal = len(theta), np.trace(theta) / len(theta)
        f = np.asarray(model.apply(params, model.frozen, own.inputs), np.float64)
        y = (
            1 - f[np.arange(n), own.targets][:, None]
            if output == "true_class"
            else np.eye(problem.classes)[own.targets] - f
        )
        inverse = np.linalg.inv(theta + ridge * diagonal * np.eye(n))
        kernel_term = np.sqrt(np.trace(y.T @ inverse @ y) / n * (diagonal if scaled else 1))
        results.append((kernel_term, np.sum((ridge * diagonal * inverse @ y) ** 2) / n))
    return np.mean(results, 0)


@pytest.mark.parametrize("output", ["true_class", "sum"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("number", [1, 4, 5, 6])
def test_kernel_and_loss_terms_are_brute_force(output, scaled, number):
    options = {"output": output, "scaled": scaled, "ridge": 1e-2}
    found = score.kernel_and_loss(PROBLEM, PROBLEM.contributors[number], **options)
    np.testing.assert_allclose(found, brute_force(PROBLEM, number, output, scaled, 1e-2), rtol=2e-3)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("number", [0, 2, 5, 7, 8])
def test_discrepancy_term_is_brute_force_by_part(joint, number):
    c, ahead = PROBLEM.contributors[number], PROBLEM.validation
    differences = ahead.inputs[:, None].astype(np.float64) - ahead.inputs[None]
    bandwidth = np.sum(differences**2, -1)[np.triu_indices(len(ahead.inputs), 1)].mean()
    expected = 0.0
    for part in (c.real, ~c.real):
        if part.any():
            labels = (c.targets[part], ahead.targets) if joint else (None, None)
            squared = mmd_squared(
                PROBLEM.pool.inputs[c.index[part]], ahead.inputs, bandwidth, *labels, unbiased=part.sum() > 1
            )
            expected += part.mean() * np.sign(squared) * np.sqrt(abs(squared))
    np.testing.assert_allclose(
        score.discrepancy_term(PROBLEM, c, estimator="unbiased", joint=joint), expected, atol=2e-4
    )


def test_size_term_and_absent_parts():
    shares = np.array([c.real.mean() for c in PROBLEM.contributors])
    counts = np.array([len(c.index) for c in PROBLEM.contributors])
    np.testing.assert_allclose(TERMS.size, np.sqrt(np.maximum(shares, 1 - shares) / counts))
    assert all(np.isfinite(term).all() for term in TERMS)
    assert (TERMS.kernel > 0).all()


def test_value_is_minus_the_weighted_sum():
    weights = np.array([0.1, 2.0, 3.0, 0.5])
    expected = [-sum(w * t[i] for w, t in zip(weights, TERMS, strict=True)) for i in range(len(TERMS.loss))]
    np.testing.assert_allclose(score.value(TERMS, weights), expected)
    np.testing.assert_allclose(score.value(TERMS, np.tile(weights, (len(expected), 1))), expected)


def test_the_literal_fit_returns_the_weights_of_its_own_target():
    """The target is half of two of the terms, so least squares can only find (1/2, 1/2, 0, 0)."""
    np.testing.assert_allclose(score.literal_weights(TERMS), [0.5, 0.5, 0, 0], atol=1e-8)


def test_scale_free_weights_ignore_units_and_constants():
    scaled = TERMS._replace(kernel=1000 * TERMS.kernel)
    order = np.argsort(score.value(TERMS, score.scale_free_weights(TERMS)))
    np.testing.assert_array_equal(order, np.argsort(score.value(scaled, score.scale_free_weights(scaled))))
    constant = TERMS._replace(size=np.ones_like(TERMS.size))
    assert score.scale_free_weights(constant)[3] == 0


def test_kappa_makes_kernel_and_discrepancy_equal_on_average():
    weights = score.kappa_weights(TERMS)
    np.testing.assert_allclose((weights[2] * TERMS.kernel).mean(), np.abs(TERMS.discrepancy).mean())


def test_calibration_finds_planted_weights_and_leaves_the_member_out():
    rng = np.random.default_rng(0)
    terms = score.Terms(*rng.random((4, 30)))
    planted = np.array([0.0, 2.0, 0.5, 1.0])
    members = np.arange(20)
    losses = 3 - score.value(terms, planted)[members]
    found = score.calibrated_weights(terms, losses, members)
    np.testing.assert_allclose(found, np.tile(planted, (30, 1)), atol=1e-6)
    losses[4] += 100  # an outlier may change every row but its own
    spoiled = score.calibrated_weights(terms, losses, members)
    np.testing.assert_allclose(spoiled[4], planted, atol=1e-6)
    assert np.abs(spoiled[5] - planted).max() > 0.1
    assert (spoiled >= 0).all()


def test_retrained_losses_are_the_cross_entropy_of_what_was_trained():
    losses, members = score.retrained_losses(PROBLEM, count=3)
    assert len(set(members.tolist())) == 3
    _, key = jax.random.split(jax.random.fold_in(PROBLEM.key, score.CALIBRATION))
    params = PROBLEM.train([contributor_examples(PROBLEM, PROBLEM.contributors[i]) for i in members], 1.0, key)[0]
    logits = np.asarray(PROBLEM.model.apply(params, (), PROBLEM.validation.inputs), np.float64)
    likelihood = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -np.log(likelihood[np.arange(len(logits)), PROBLEM.validation.targets]).mean()
    np.testing.assert_allclose(losses[0], expected, rtol=1e-4)
    with pytest.raises(ValueError, match="train is None"):
        score.retrained_losses(PROBLEM._replace(train=None))


def test_duplicates_make_theta_singular_and_are_handled():
    once = contributor("once", [7], PROBLEM.pool)
    many = contributor("many", [7] * 6, PROBLEM.pool)
    options = {"output": "true_class", "scaled": False, "ridge": 1e-3}
    single, repeated = (score.kernel_and_loss(PROBLEM, c, **options)[0] for c in (once, many))
    np.testing.assert_allclose(repeated, single / np.sqrt(6), rtol=2e-3)  # y' Theta^-1 y stays, n grows
