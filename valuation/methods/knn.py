"""The nearest neighbours in feature space."""

import numpy as np
from jaxtyping import Float

from valuation.at_initialisation import contributor_targets
from valuation.closed_form import utilities
from valuation.discrepancy import distance_table
from valuation.feature_space import contributor_features, validation_features
from valuation.problem import Contributor, Problem


def knn_utility(problem: Problem, *, k: int = 5) -> Float[np.ndarray, " C"]:
    """Utility on the validation set of the mean target of the k nearest examples, of classes their vote.

    k: neighbours; all examples where there are fewer. In units of the objective's utility; of classes the predicted
    accuracy. Uses validation targets, trains nothing.
    """
    v = validation_features(problem)

    def predicted(contributor: Contributor) -> Float[np.ndarray, "m c"]:
        distances = distance_table(v, contributor_features(problem, contributor))
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return contributor_targets(problem, contributor)[nearest].mean(1)

    return utilities(problem, predicted)
