"""One table for all methods and objectives: finite, one number a contributor."""

from functools import cache

import numpy as np
import pytest

from tests.problems import corners, numbers, sequences
from valuation.methods import METHODS
from valuation.problem import Problem
from valuation.shared import Shared

OF_CLASSES = [name for name, method in METHODS.items() if not method.refusal("classification")]


@cache
def shared(make, *size):
    return make(*size)._replace(shared=Shared())


@pytest.mark.parametrize("name", OF_CLASSES)
def test_every_corner_is_valued_alike_with_and_without_sharing(name):
    values = METHODS[name](corners())
    assert values.shape == (len(corners().contributors),)
    assert np.isfinite(values).all()
    np.testing.assert_array_equal(values, METHODS[name](shared(corners)))
    np.testing.assert_array_equal(values, METHODS[name](shared(corners)))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_values_numbers_or_says_what_does(name):
    problem = numbers()
    if refusal := METHODS[name].refusal("regression"):
        with pytest.raises(ValueError, match=f"^{name} takes .*, this problem is one of regression: take ") as error:
            METHODS[name](problem)
        assert str(error.value) == refusal
        assert refusal.rpartition(" ")[2] in METHODS
        return
    values = METHODS[name](problem)
    assert values.shape == (len(problem.contributors),)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not m.refusal("sequences")])
def test_more_padding_changes_no_value(name):
    values = METHODS[name](shared(sequences, 7))
    assert values.shape == (4,)
    assert np.isfinite(values).all()
    scale = np.abs(values).max()
    close = 2e-2 if name == "influence" else 2e-3  # its solve stops at a tolerance
    np.testing.assert_allclose(METHODS[name](shared(sequences, 11)), values, rtol=close, atol=close * scale)


def test_what_needs_classes_says_so():
    refused = {kind: {n for n, m in METHODS.items() if m.refusal(kind)} for kind in ("sequences", "regression")}
    margins = {"ntk_relative", "rbf_margin", "rbf_relative", "kernel_sum"}
    labels, tokens = {"knn_shapley", "lava"}, {"ngram_utility", "knn_lm", "token_ridge"}
    assert refused == {"sequences": margins | labels | {"rbf_wide"}, "regression": margins | labels | tokens | {"trak"}}


@pytest.mark.parametrize("name", [n for n in OF_CLASSES if not METHODS[n].labels])
def test_what_does_not_look_at_validation_labels_gives_the_same_for_others(name):
    shuffled = corners().validation._replace(targets=corners().validation.targets[::-1].copy())
    np.testing.assert_array_equal(
        METHODS[name](shared(corners)._replace(validation=shuffled)), METHODS[name](shared(corners))
    )


@pytest.mark.parametrize("name", [n for n in OF_CLASSES if not METHODS[n].trains])
def test_what_does_not_train_needs_no_training(name):
    np.testing.assert_array_equal(METHODS[name](shared(corners)._replace(train=None)), METHODS[name](shared(corners)))


@pytest.mark.parametrize("method", ["ntk_utility", "ntk_flow", "rbf_utility", "linear_utility", "knn_utility"])
def test_good_numbers_are_worth_more_than_bad(method):
    """Right numbers above the same ones shuffled, and above a single one."""
    names = [contributor.name for contributor in numbers().contributors]
    value = dict(zip(names, METHODS[method](numbers()), strict=True))
    assert value["right"] > max(value["shuffled"], value["one example"])


@pytest.mark.parametrize(
    "method", ["ntk_utility", "ntk_flow", "rbf_utility", "linear_utility", "knn_utility", "proxy_training"]
)
def test_good_classes_are_worth_more_than_bad(method):
    """The order that any sane value has: right labels above wrong ones, all classes above one of them."""
    options = {"share": 1.0} if method == "proxy_training" else {}
    names = [contributor.name for contributor in corners().contributors]
    value = dict(zip(names, METHODS[method](shared(corners), **options), strict=True))
    assert value["large"] > 0.8
    assert value["large"] > value["one class"] > value["wrong labels"]


def test_a_problem_has_no_room_for_test_data():
    assert not [field for field in Problem._fields if "test" in field]
