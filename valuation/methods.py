"""Every valuation method by name: METHODS[name](problem, **options) -> values (C,), higher = more useful."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from valuation import counts, score, surrogates
from valuation.davinz import davinz
from valuation.deviation import deviation
from valuation.influence import influence
from valuation.logra import logra
from valuation.problem import Problem
from valuation.tracin import tracin
from valuation.trak import trak


class Method(NamedTuple):
    """A method and what it may look at.

    accuracy: whether a value is a predicted accuracy, and not only an order.
    labels: whether it looks at validation labels.
    trains: whether it trains the model for a part of the steps.
    retrained: whether it looks at fully retrained contributors.
    checkpoints: whether it needs Problem.checkpoints, a model trained on the union.
    """

    values: Callable
    title: str
    accuracy: bool = False
    labels: bool = False
    trains: bool = False
    retrained: bool = False
    checkpoints: bool = False

    def __call__(self, problem: Problem, **options) -> np.ndarray:
        return self.values(problem, **options)


def _literal(problem: Problem, **options) -> np.ndarray:
    terms = score.terms(problem, **options)
    return score.value(terms, score.literal_weights(terms))


def _scale_free(problem: Problem, **options) -> np.ndarray:
    terms = score.terms(problem, **options)
    return score.value(terms, score.scale_free_weights(terms))


def _kappa(problem: Problem, **options) -> np.ndarray:
    terms = score.terms(problem, **options)
    return score.value(terms, score.kappa_weights(terms))


def _calibrated(problem: Problem, *, retrained: int = 6, **options) -> np.ndarray:
    terms = score.terms(problem, **options)
    losses, members = score.retrained_losses(problem, count=retrained)
    return score.value(terms, score.calibrated_weights(terms, losses, members))


def _kernel_scaled(problem: Problem, **options) -> np.ndarray:
    terms = score.terms(problem, scaled=True, **options)
    return score.value(terms, score.scale_free_weights(terms))


def _loss_only(problem: Problem, *, output: str = "true_class", ridge: float = 1e-3) -> np.ndarray:
    pairs = (score.kernel_and_loss(problem, c, output=output, scaled=False, ridge=ridge) for c in problem.contributors)
    return -np.array([loss for _, loss in pairs])


def _mmd_only(problem: Problem, *, estimator: str = "unbiased", joint: bool = False) -> np.ndarray:
    return -np.array(
        [score.discrepancy_term(problem, c, estimator=estimator, joint=joint) for c in problem.contributors]
    )


METHODS = {
    "ntk_utility": Method(surrogates.ntk_utility, "NTK ridge", accuracy=True, labels=True),
    "ntk_flow": Method(surrogates.ntk_flow_utility, "NTK flow", accuracy=True, labels=True),
    "rbf_utility": Method(surrogates.rbf_utility, "RBF ridge", accuracy=True, labels=True),
    "linear_utility": Method(surrogates.linear_utility, "linear ridge", accuracy=True, labels=True),
    "knn_utility": Method(surrogates.knn_utility, "kNN", accuracy=True, labels=True),
    "proxy_training": Method(surrogates.proxy_training, "proxy training", accuracy=True, labels=True, trains=True),
    "score_literal": Method(_literal, "score, literal weights"),
    "score_scale_free": Method(_scale_free, "score, scale-free"),
    "score_kappa": Method(_kappa, "score, kappa"),
    "score_calibrated": Method(_calibrated, "score, calibrated", labels=True, trains=True, retrained=True),
    "score_kernel_scaled": Method(_kernel_scaled, "score, scaled kernel"),
    "davinz": Method(davinz, "DAVINZ"),
    "mmd_only": Method(_mmd_only, "MMD only"),
    "loss_only": Method(_loss_only, "loss only"),
    "deviation": Method(deviation, "deviation"),
    "tracin": Method(tracin, "TracIn", labels=True, checkpoints=True),
    "logra": Method(logra, "LoGra", labels=True, checkpoints=True),
    "trak": Method(trak, "TRAK", labels=True, checkpoints=True),
    "influence": Method(influence, "influence", labels=True, checkpoints=True),
    "size": Method(counts.size, "size"),
    "real_count": Method(counts.real_count, "real count"),
    "real_share": Method(counts.real_share, "real share"),
    "random": Method(counts.random, "random"),
}
