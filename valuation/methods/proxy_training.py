"""A short training on each contributor: the honest cheap rival of everything."""

import numpy as np
from jaxtyping import Float

from valuation.problem import Problem, contributor_examples
from valuation.purposes import Purpose, purpose_key


def proxy_training(problem: Problem, *, share: float = 0.1) -> Float[np.ndarray, " C"]:
    """Utility on the validation set after one training on each contributor with that share of the steps.

    share: of the full number of steps, in (0, 1]. In units of the objective's utility; of classes the accuracy.
    Raises ValueError if the problem offers no training.
    """
    if problem.train is None:
        raise ValueError("proxy_training needs a problem that can train: Problem.train is None")
    sets = [contributor_examples(problem, contributor) for contributor in problem.contributors]
    trained = problem.train(sets, share, purpose_key(problem.key, Purpose.PROXY_TRAINING))
    objective, models = problem.objective, [problem.model._replace(params=params) for params in trained]
    predicted = (objective.predictions(model, problem.validation) for model in models)
    return np.array([objective.utility(one, problem.validation) for one in predicted])
