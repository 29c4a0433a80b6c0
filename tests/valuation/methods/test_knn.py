import numpy as np
import scipy.spatial.distance

from tests.problems import corners, numbers
from tests.reference import accuracy_with_ties
from valuation.methods.knn import knn_utility
from valuation.problem import contributor_examples


def nearest(problem, which, k):
    examples = contributor_examples(problem, problem.contributors[which])
    distances = scipy.spatial.distance.cdist(problem.validation.inputs, examples.inputs)
    return examples.targets[np.argsort(distances, axis=1)[:, :k]]


def test_classes_are_voted_on():
    problem = corners()
    votes = np.stack([np.bincount(labels, minlength=3) / 5 for labels in nearest(problem, 0, 5)])
    expected = accuracy_with_ties(votes, problem.validation.targets)
    np.testing.assert_allclose(knn_utility(problem)[0], expected, atol=1e-6)


def test_numbers_are_averaged():
    problem = numbers()
    predicted = nearest(problem, 0, 3).astype(np.float64).mean(1)
    expected = -np.mean((problem.validation.targets - predicted) ** 2)
    np.testing.assert_allclose(knn_utility(problem, k=3)[0], expected, rtol=1e-6)
    alone = -np.mean((problem.validation.targets - problem.contributors[4].targets) ** 2, dtype=np.float64)
    np.testing.assert_allclose(knn_utility(problem, k=3)[4], alone, rtol=1e-6)  # fewer examples than neighbours
