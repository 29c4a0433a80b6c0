import numpy as np
import pytest

from tests.problems import contributor, corners, numbers
from tests.reference import jacobian, mmd_squared
from valuation.methods import score_terms
from valuation.outputs import class_sum, number, true_class
from valuation.problem import contributor_examples


def brute_force(problem, which, scalar, residual, scaled, ridge):
    """Kernel term and residual of one contributor with explicit Jacobians and a plain inverse, float64."""
    examples = contributor_examples(problem, problem.contributors[which])
    results = []
    for params in problem.initial:
        model = problem.model._replace(params=params)
        rows = jacobian(model, scalar, examples)
        theta = rows @ rows.T
        n, diagonal = len(theta), np.trace(theta) / len(theta)
        y = residual(np.asarray(model.apply(params, model.frozen, examples.inputs), np.float64), examples.targets)
        inverse = np.linalg.inv(theta + ridge * diagonal * np.eye(n))
        kernel_term = np.sqrt(np.trace(y.T @ inverse @ y) / n * (diagonal if scaled else 1))
        results.append((kernel_term, np.sum((ridge * diagonal * inverse @ y) ** 2) / n))
    return np.mean(results, 0)


RESIDUALS = {
    "target": (true_class, lambda f, labels: 1 - f[np.arange(len(f)), labels][:, None]),
    "sum": (class_sum, lambda f, labels: np.eye(f.shape[1])[labels] - f),
}


@pytest.mark.parametrize("output", RESIDUALS)
@pytest.mark.parametrize("which", [1, 4, 5, 6])
def test_kernel_and_residual_terms_are_brute_force(output, which):
    one = score_terms.kernel_terms(corners(), corners().contributors[which], output=output, ridge=1e-2)
    for scaled, got in ((False, one.kernel), (True, one.scaled)):
        expected = brute_force(corners(), which, *RESIDUALS[output], scaled, 1e-2)
        np.testing.assert_allclose((got, one.residual), expected, rtol=2e-3)


def test_numbers_have_their_own_residual():
    problem = numbers()
    one = score_terms.kernel_terms(problem, problem.contributors[2], output="target", ridge=1e-2)
    expected = brute_force(problem, 2, number, lambda f, y: y[:, None] - f, False, 1e-2)
    np.testing.assert_allclose((one.kernel, one.residual), expected, rtol=2e-3)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("which", [0, 2, 5, 7, 8])
def test_discrepancy_term_is_brute_force_by_part(joint, which):
    c, v = corners().contributors[which], corners().validation
    differences = v.inputs[:, None].astype(np.float64) - v.inputs[None]
    bandwidth = np.sum(differences**2, -1)[np.triu_indices(len(v.inputs), 1)].mean()
    expected = 0.0
    for part in (c.real, ~c.real):
        if part.any():
            labels = (c.targets[part], v.targets) if joint else (None, None)
            squared = mmd_squared(
                corners().pool.inputs[c.index[part]], v.inputs, bandwidth, *labels, unbiased=part.sum() > 1
            )
            expected += part.mean() * np.sign(squared) * np.sqrt(abs(squared))
    np.testing.assert_allclose(
        score_terms.discrepancy_term(corners(), c, estimator="unbiased", joint=joint), expected, atol=2e-4
    )


@pytest.mark.parametrize("estimator", ["unbiased", "biased", "linear"])
def test_large_parts_in_one_pass_give_the_same_discrepancy(monkeypatch, estimator):
    """As many references as examples: nothing is estimated. Two parts, of which one counts as large."""
    mixed = corners().contributors[2]
    for joint in (False, True):
        expected = score_terms.discrepancy_term(corners(), mixed, estimator=estimator, joint=joint)
        monkeypatch.setattr(score_terms, "EXACT", 15)
        found = score_terms.discrepancy_term(corners(), mixed, estimator=estimator, joint=joint)
        monkeypatch.undo()
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_joint_discrepancies_need_classes():
    with pytest.raises(ValueError, match="joint=True needs class labels, this problem is one of regression"):
        score_terms.terms(numbers(), joint=True)


def test_size_term_and_absent_parts():
    terms = score_terms.terms(corners())
    shares = np.array([c.real.mean() for c in corners().contributors])
    counts = np.array([len(c.index) for c in corners().contributors])
    np.testing.assert_allclose(terms.size, np.sqrt(np.maximum(shares, 1 - shares) / counts))
    assert all(np.isfinite(term).all() for term in terms)
    assert (terms.kernel > 0).all()


def test_duplicates_make_theta_singular_and_are_handled():
    once = contributor("once", [7], corners().pool)
    many = contributor("many", [7] * 6, corners().pool)
    single, repeated = (
        score_terms.kernel_terms(corners(), c, output="target", ridge=1e-3).kernel for c in (once, many)
    )
    np.testing.assert_allclose(repeated, single / np.sqrt(6), rtol=2e-3)  # y' Theta^-1 y stays, n grows
