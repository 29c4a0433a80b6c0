"""The mixture score with weights fitted to a few contributors that are really trained on (theory/README.md, 3.3)."""

import jax
import numpy as np
from jaxtyping import Float, Int

from valuation.kernel import likelihoods
from valuation.methods.score_terms import terms
from valuation.methods.score_weights import calibrated_weights, value
from valuation.objective import pooled
from valuation.problem import Problem, contributor_examples
from valuation.purposes import Purpose, purpose_key


def calibrated_score(
    problem: Problem, *, retrained: int = 6, output: str = "target", scaled: bool = False,
    ridge: float = 1e-3, estimator: str = "unbiased", joint: bool = False,
) -> Float[np.ndarray, " C"]:  # fmt: skip
    """The score with weights fitted to the held-out losses of `retrained` contributors that are really trained on.

    The other options are those of score_terms.terms. Raises ValueError if the problem offers no training.
    """
    costs = terms(problem, output=output, scaled=scaled, ridge=ridge, estimator=estimator, joint=joint)
    losses, members = retrained_losses(problem, count=retrained)
    return value(costs, calibrated_weights(costs, losses, members))


def retrained_losses(
    problem: Problem, *, count: int = 6, share: float = 1.0
) -> tuple[Float[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """(held-out losses (k,), members (k,)) of `count` contributors chosen by the key and really trained.

    share: of the full number of training steps, in (0, 1]. Losses are those of the training, such as nats.
    """
    if problem.train is None:
        raise ValueError("calibrated weights need a problem that can train: Problem.train is None")
    choose, train = jax.random.split(purpose_key(problem.key, Purpose.CALIBRATION))
    count = min(count, len(problem.contributors))
    members = np.asarray(jax.random.choice(choose, len(problem.contributors), (count,), replace=False))
    trained = problem.train([contributor_examples(problem, problem.contributors[i]) for i in members], share, train)
    models, minus_loss = [problem.model._replace(params=params) for params in trained], problem.objective.minus_loss
    weights = problem.objective.weights(problem.validation)
    losses = [-pooled(likelihoods(model, problem.validation, output=minus_loss), weights) for model in models]
    return np.array(losses, np.float64), members
