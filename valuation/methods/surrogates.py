"""Values from a cheap model fitted on the contributor and scored on validation labels (theory/README.md, 3.4).

Of classifiers every value but rbf_margin's is a validation accuracy; ties are broken by the smaller squared error, by
less than one validation example. Of sequences a value is minus the mean square of the validation nats per token that
the fit leaves, and that of proxy_training minus the nats themselves.
"""

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Float
from scipy.special import ndtr, softmax

from valuation.discrepancy import distance_table
from valuation.kernel import likelihoods, outputs
from valuation.problem import Contributor, Examples, Problem, contributor_examples, flat_features
from valuation.tangent import mean_residual, tangent_kernels

PROXY = 1  # purposes of a key


def ntk_utility(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Accuracy of ridge regression with the tangent kernel of the network centred at its initialisation.

    Theta is the sum-of-logits kernel, its mean over the problem's initialisations; lambda = ridge * mean diagonal.
    O(n^3) a contributor; uses the validation labels, trains nothing.
    """
    return _utilities(problem, lambda k: ridge_coefficients(k, ridge), tangent_kernels(problem))


def ntk_flow_utility(problem: Problem, *, time: float = 30.0) -> Float[np.ndarray, " C"]:
    """Accuracy of gradient flow on the same kernel, stopped at `time` / mean diagonal: what early stopping learns."""
    return _utilities(problem, lambda k: flow_coefficients(k, time), tangent_kernels(problem))


def rbf_utility(problem: Problem, *, ridge: float = 0.01, bandwidth: float = 0.5) -> Float[np.ndarray, " C"]:
    """Accuracy of ridge regression with k = exp(-||x - x'||^2 / (2 s2)) on the problem's features.

    s2 = bandwidth * median squared distance between validation examples. Uses the validation labels, trains nothing.
    """
    return _utilities(problem, lambda k: ridge_coefficients(k, ridge), _gaussian_kernels(problem, bandwidth))


def rbf_margin(
    problem: Problem, *, ridge: float = 0.01, bandwidth: float = 0.5, smoothing: float = 0.2
) -> Float[np.ndarray, " C"]:
    """Smoothed accuracy of the predictions of rbf_utility: an order, not a predicted accuracy.

    Every validation example counts by its margin, so that the order hangs less on a few examples near a boundary.
    """

    def smoothed(predictions, labels) -> float:
        return margin_utility(predictions, labels, smoothing)

    kernels = _gaussian_kernels(problem, bandwidth)
    return _utilities(problem, lambda k: ridge_coefficients(k, ridge), kernels, smoothed)


def linear_utility(problem: Problem, *, ridge: float = 0.01) -> Float[np.ndarray, " C"]:
    """Accuracy of linear ridge regression with an intercept on the problem's features; lambda as in ntk_utility."""
    targets = flat_features(problem, problem.validation.inputs)

    def kernels(own: Examples):
        x = flat_features(problem, own.inputs)
        return x @ x.T + 1, targets @ x.T + 1

    return _utilities(problem, lambda k: ridge_coefficients(k, ridge), kernels)


def knn_utility(problem: Problem, *, k: int = 5) -> Float[np.ndarray, " C"]:
    """Accuracy of the majority among the k nearest examples in feature space (all of them if there are fewer)."""
    targets = flat_features(problem, problem.validation.inputs)

    def one(contributor: Contributor) -> float:
        own = contributor_examples(problem, contributor)
        distances = distance_table(targets, flat_features(problem, own.inputs))
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
        votes = np.eye(problem.classes)[own.targets][nearest].mean(1)
        return utility(votes, problem.validation.targets)

    return np.array([one(contributor) for contributor in problem.contributors])


def proxy_training(problem: Problem, *, share: float = 0.1) -> Float[np.ndarray, " C"]:
    """Validation accuracy after one training with that share of the steps: the honest cheap rival of everything.

    Raises ValueError if the problem offers no training.
    """
    if problem.train is None:
        raise ValueError("proxy_training needs a problem that can train: Problem.train is None")
    sets = [contributor_examples(problem, contributor) for contributor in problem.contributors]
    trained = problem.train(sets, share, jax.random.fold_in(problem.key, PROXY))
    models = [problem.model._replace(params=params) for params in trained]
    if not problem.classes:
        return np.array([likelihoods(model, problem.validation).mean(dtype=np.float64) for model in models])
    predictions = (softmax(outputs(model, problem.validation.inputs), axis=1) for model in models)
    return np.array([utility(one, problem.validation.targets) for one in predictions])


def utility(predictions: Float[np.ndarray, "m c"], labels) -> float:
    """Accuracy of the predicted class probabilities, less at most half an example's worth of their squared error."""
    predictions, labels = np.asarray(predictions, np.float64), np.asarray(labels)
    accuracy = np.mean(predictions.argmax(1) == labels)
    error = np.mean(np.sum((predictions - np.eye(predictions.shape[1])[labels]) ** 2, 1))
    return float(accuracy - 0.5 / len(labels) * error / (1 + error))


def margin_utility(predictions: Float[np.ndarray, "m c"], labels, smoothing: float) -> float:
    """Mean of Phi(margin / smoothing), margin = p_y - max over the other classes; accuracy as smoothing goes to 0."""
    predictions, labels = np.asarray(predictions, np.float64), np.asarray(labels)
    own = np.arange(predictions.shape[1]) == labels[:, None]
    margin = predictions[own] - np.where(own, -np.inf, predictions).max(1)
    return float(ndtr(margin / smoothing).mean())


def ridge_coefficients(kernel: Float[np.ndarray, "n n"], ridge: float):
    """Y -> (K + lambda I)^-1 Y with lambda = ridge * tr(K) / n, by Cholesky in float64."""
    shift = ridge * np.trace(kernel) / len(kernel)
    factor = scipy.linalg.cho_factor(kernel + shift * np.eye(len(kernel)), lower=True)
    return lambda targets: scipy.linalg.cho_solve(factor, targets)


def flow_coefficients(kernel: Float[np.ndarray, "n n"], time: float):
    """Y -> K^-1 (I - exp(-K t)) Y with t = time * n / tr(K): the state of kernel gradient flow at t, in float64.

    The limit t replaces (1 - exp(-s t)) / s where an eigenvalue s vanishes.
    """
    t = time * len(kernel) / np.trace(kernel)
    values, vectors = scipy.linalg.eigh(kernel)
    values = np.maximum(values, 0)
    small = values * t < 1e-12
    weights = np.where(small, t, -np.expm1(-values * t) / np.where(small, 1, values))
    return lambda targets: vectors @ (weights[:, None] * (vectors.T @ targets))


def _utilities(problem: Problem, coefficients, kernels, score=utility) -> Float[np.ndarray, " C"]:
    """One score a contributor: targets onehot - 1/C, prediction 1/C + K(validation, S) coefficients(K(S, S)).

    Sequences: targets are the nats per token at initialisation, and the score minus the mean square of what is left.
    """
    ahead = None if problem.classes else mean_residual(problem, problem.validation)

    def one(contributor: Contributor) -> float:
        own = contributor_examples(problem, contributor)
        inner, outer = (np.asarray(k, np.float64) for k in kernels(own))
        if not problem.classes:
            return -float(np.square(ahead - outer @ coefficients(inner)(mean_residual(problem, own))).mean())
        targets = np.eye(problem.classes)[own.targets] - 1 / problem.classes
        predictions = 1 / problem.classes + outer @ coefficients(inner)(targets)
        return score(predictions, problem.validation.targets)

    return np.array([one(contributor) for contributor in problem.contributors])


def _gaussian_kernels(problem: Problem, bandwidth: float):
    """own -> k(S, S) and k(validation, S), one bandwidth for all contributors."""
    targets = flat_features(problem, problem.validation.inputs)
    between = distance_table(targets, targets)
    s2 = bandwidth * float(np.median(between[np.triu_indices(len(between), 1)]))

    def kernels(own: Examples):
        x = flat_features(problem, own.inputs)
        return np.exp(-distance_table(x, x) / (2 * s2)), np.exp(-distance_table(targets, x) / (2 * s2))

    return kernels
