"""What METHODS says of a method is what its function does."""

import inspect

import jax
import numpy as np
import pytest

from tests.problems import corners
from valuation.methods import METHODS, default_methods
from valuation.methods.method import choices
from valuation.methods.rbf import rbf_margin
from valuation.objective import OBJECTIVES


def spoiled(params):
    """Parameters all of which are NaN, as a training that diverged leaves them."""
    return jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan, leaf.dtype), params)


def test_defaults_are_those_of_the_functions():
    margin = {name: p.default for name, p in inspect.signature(rbf_margin).parameters.items() if name != "problem"}
    assert METHODS["rbf_margin"].defaults() == margin == {"ridge": 0.01, "bandwidth": 0.5, "smoothing": 0.2}
    assert "weights" not in METHODS["score_kappa"].defaults()  # bound
    assert "scaled" not in METHODS["score_kernel_scaled"].defaults()
    assert METHODS["logra"].defaults("leave_one_out") == {"rank": 64, "damping": 0.1, "reduction": "sum"}
    assert METHODS["logra"].defaults("none")["reduction"] == "mean"


def test_default_tables():
    rivals = {"ekfac", "gradient_cosine", "gradient_matching", "knn_shapley", "lava", "leave_one_out", "shapley",
              "banzhaf", "embedding_similarity"}  # fmt: skip
    never = {"kernel_sum", "knn_lm", "token_ridge", *rivals}  # of a default table
    of_classes = tuple(name for name in METHODS if name not in {"ngram_utility", "rbf_wide", *never})
    assert default_methods("classification", 9_400) == of_classes
    assert default_methods("classification", 22_000) == tuple(name for name in of_classes if name != "deviation")
    left_out = {"ntk_relative", "rbf_wide", "rbf_margin", "rbf_relative", "knn_utility", "ntk_flow", "score_literal",
                "score_calibrated", "score_kernel_scaled", "influence", "loss_only"}  # fmt: skip
    assert default_methods("sequences", 6_000) == tuple(name for name in METHODS if name not in left_out | never)


def test_every_entry_can_be_read():
    for name, method in METHODS.items():
        assert (method.name, method.title, bool(method.cost)) == (name, method.title.strip(), True)
        assert set(method.objectives) | set(method.left_out) <= set(OBJECTIVES)
        assert bool(method.objectives) == bool(method.instead)
        for option, default in method.defaults().items():
            for kind in method.objectives or OBJECTIVES:
                assert default in (choices(option, kind) or (default,))
    assert len({method.title for method in METHODS.values()}) == len(METHODS)


def test_options_of_few_values():
    assert choices("output", "classification") == ("target", "sum")
    assert choices("output", "sequences") == ("target",)
    assert choices("joint", "regression") == (False,)
    assert choices("ridge", "regression") is None


def test_words_of_what_is_looked_at():
    seen = {name: METHODS[name].looks_at for name in ("size", "rbf_utility", "proxy_training", "trak")}
    assert seen == {
        "size": "no labels, no training",
        "rbf_utility": "validation labels",
        "proxy_training": "validation labels, a short training each",
        "trak": "validation labels, one training on the union",
    }
    assert METHODS["score_calibrated"].looks_at == "validation labels, a few full trainings"


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("tracin", {"checkpoints": ((spoiled(corners().model.params), 0.1),)}, "a checkpoint are not finite: has the"),
        (
            "ntk_utility",
            {"initial": (corners().initial[0], spoiled(corners().initial[1]))},
            "initialisation 1 are not fi",
        ),
        ("proxy_training", {}, "has a short training diverged"),
        ("size", {}, "exceeds float32: bring inputs and features to a scale near 1"),
    ],
)
def test_no_value_that_is_not_finite_is_returned(name, broken, words):
    """Whatever the function gives: an error names the method, the contributor and what has most likely made it."""
    method = METHODS[name]._replace(
        values=lambda problem: np.array([1.0, 2.0, 3.0, np.inf, np.nan, 1.0, 1.0, 1.0, 1.0])
    )
    with pytest.raises(ValueError, match=f"^{name} gives inf for wrong labels, which is no value: .*{words}"):
        method(corners()._replace(**broken))


def test_a_training_that_diverges_gives_no_values():
    problem = corners()._replace(train=lambda sets, share, key: [spoiled(corners().model.params)] * len(sets))
    with pytest.raises(ValueError, match="proxy_training gives nan for large"):
        METHODS["proxy_training"](problem)


@pytest.mark.parametrize("name", ["ntk_utility", "score_scale_free"])
def test_weights_that_are_not_finite_are_named_by_the_method(name):
    problem = corners()
    broken = problem._replace(initial=(problem.initial[0], spoiled(problem.initial[1])))
    with pytest.raises(ValueError, match=f"^{name} has no values: the parameters at initialisation 1 are not finite"):
        METHODS[name](broken)
