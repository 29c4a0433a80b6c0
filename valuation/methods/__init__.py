"""Every valuation method by name: METHODS[name](problem, **options) -> values (C,), higher = more useful."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from valuation.methods import counts, score, surrogates
from valuation.methods.davinz import davinz
from valuation.methods.deviation import deviation
from valuation.methods.influence import influence
from valuation.methods.logra import logra
from valuation.methods.tracin import tracin
from valuation.methods.trak import trak
from valuation.problem import Problem


class Method(NamedTuple):
    """A method and what it may look at.

    accuracy: whether a value is a predicted accuracy, and not only an order.
    labels: whether it looks at validation labels.
    trains: whether it trains the model for a part of the steps.
    retrained: whether it looks at fully retrained contributors.
    checkpoints: whether it needs Problem.checkpoints, a model trained on the union.
    sequences: whether it can value sequences too, and not only examples with a class label.
    """

    values: Callable
    title: str
    accuracy: bool = False
    labels: bool = False
    trains: bool = False
    retrained: bool = False
    checkpoints: bool = False
    sequences: bool = True

    def __call__(self, problem: Problem, **options) -> np.ndarray:
        return self.values(problem, **options)

    def options(self) -> tuple[str, ...]:
        """Names of what can be set."""
        names = inspect.signature(self.values).parameters
        bound = getattr(self.values, "keywords", {})  # of a partial
        return tuple(name for name, p in names.items() if p.kind is p.KEYWORD_ONLY and name not in bound)


METHODS = {
    "ntk_utility": Method(surrogates.ntk_utility, "NTK ridge", accuracy=True, labels=True),
    "ntk_flow": Method(surrogates.ntk_flow_utility, "NTK flow", accuracy=True, labels=True),
    "rbf_utility": Method(surrogates.rbf_utility, "RBF ridge", accuracy=True, labels=True),
    "rbf_margin": Method(surrogates.rbf_margin, "RBF ridge, margins", labels=True, sequences=False),
    "linear_utility": Method(surrogates.linear_utility, "linear ridge", accuracy=True, labels=True),
    "knn_utility": Method(surrogates.knn_utility, "kNN", accuracy=True, labels=True, sequences=False),
    "proxy_training": Method(surrogates.proxy_training, "proxy training", accuracy=True, labels=True, trains=True),
    "score_literal": Method(partial(score.mixture_score, weights=score.literal_weights), "score, literal weights"),
    "score_scale_free": Method(partial(score.mixture_score, weights=score.scale_free_weights), "score, scale-free"),
    "score_kappa": Method(partial(score.mixture_score, weights=score.kappa_weights), "score, kappa"),
    "score_calibrated": Method(score.calibrated_score, "score, calibrated", labels=True, trains=True, retrained=True),
    "score_kernel_scaled": Method(
        partial(score.mixture_score, weights=score.scale_free_weights, scaled=True), "score, scaled kernel"
    ),
    "davinz": Method(davinz, "DAVINZ"),
    "deviation": Method(deviation, "Deviation"),
    "tracin": Method(tracin, "TracIn", labels=True, checkpoints=True),
    "logra": Method(logra, "LoGra", labels=True, checkpoints=True),
    "trak": Method(trak, "TRAK", labels=True, checkpoints=True),
    "influence": Method(influence, "influence", labels=True, checkpoints=True),
    "mmd_only": Method(score.mmd_only, "MMD only"),
    "mmd_size": Method(score.mmd_size, "MMD + size"),
    "loss_only": Method(score.loss_only, "loss only"),
    "size": Method(counts.size, "size"),
    "real_count": Method(counts.real_count, "real count"),
    "real_share": Method(counts.real_share, "real share"),
    "random": Method(counts.random, "random"),
}
