"""What may change no value: offset, unit, order and constants of the features, order of rows and contributors, ties.

Features change while the model's inputs do not, so that every method has to give what it gave.
"""

from functools import cache

import jax
import numpy as np
import pytest

from tests.problems import corners, numbers, sequences, train
from valuation.methods import METHODS
from valuation.problem import Origin, Problem
from valuation.shared import Shared

CHANGES = {
    "as they are": lambda x: x,
    "offset": lambda x: x + 1e4,
    "small unit": lambda x: 1e-6 * x,
    "large unit": lambda x: 1e6 * x,
    "constant column": lambda x: np.column_stack([x, np.full(len(x), 1e4)]),
    "order of columns": lambda x: x[:, ::-1],
    "a unit that rounds, and an offset": lambda x: 0.1 * x + 0.7,
}
# one function each, so that what the methods have in common is computed once
SMOOTH = {name: lambda inputs, f=change: f(np.float64(inputs)) for name, change in CHANGES.items()}
TIED = {name: lambda inputs, f=change: f(np.float64(inputs > 0.5)) for name, change in CHANGES.items()}
MADE = {"classification": corners, "regression": numbers, "sequences": sequences}
FEW = {"leave_one_out", "shapley", "banzhaf", "lava"}  # what takes long, and has corners enough among the first five
BY_POSITION = {"random", "score_calibrated"}  # they draw contributors, or a number for each, by the key


def kind_of(method: str) -> str:
    """The first kind of objective that it takes."""
    return next(kind for kind in MADE if not METHODS[method].refusal(kind))


@cache
def base(method: str) -> Problem:
    """The corners, or numbers or sequences for what takes no classes."""
    problem = shared(kind_of(method))
    return problem._replace(contributors=problem.contributors[:5]) if method in FEW else problem


@cache
def shared(kind: str) -> Problem:
    train = alike if kind == "classification" else None
    return MADE[kind]()._replace(shared=Shared(), features=SMOOTH["as they are"], train=train)


@cache
def expected(method: str, tied: bool = False) -> np.ndarray:
    return METHODS[method](base(method)._replace(features=(TIED if tied else SMOOTH)["as they are"]))


def alike(sets, share, key):
    """One initialisation for all contributors, so that their order is no randomness."""
    return [train([one], share, jax.random.key(7))[0] for one in sets]


class Looked(Exception):
    pass


def refuse(inputs):
    raise Looked


@cache
def looks_at_features(method: str) -> bool:
    try:
        values = METHODS[method](base(method)._replace(features=refuse))
    except Looked:
        return True
    np.testing.assert_array_equal(values, expected(method))
    return False


def assert_same(values: np.ndarray, wanted: np.ndarray) -> None:
    """But for float32 kernels, of whose differences some methods take the root."""
    np.testing.assert_allclose(values, wanted, rtol=1e-3, atol=2e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("method", METHODS)
def test_unit_offset_and_constants_of_features_do_not_matter(method):
    if not looks_at_features(method):
        return
    for features in SMOOTH.values():
        assert_same(METHODS[method](base(method)._replace(features=features)), expected(method))
    for name in ("large unit", "a unit that rounds, and an offset"):
        assert_same(METHODS[method](base(method)._replace(features=TIED[name])), expected(method, tied=True))


@cache
def other_rows(kind: str) -> Problem:
    problem, draw = shared(kind), np.random.default_rng(0)
    contributors = []
    for one in problem.contributors:
        order = draw.permutation(len(one.index))
        origin = Origin(*(column[order] for column in one.origin))
        contributors.append(one._replace(index=one.index[order], targets=one.targets[order], real=one.real[order],
                                         origin=origin))  # fmt: skip
    features = TIED["a unit that rounds, and an offset"]
    return problem._replace(contributors=tuple(contributors), features=features)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_rows_does_not_matter(method):
    """Also where many distances tie, in a unit that rounds them apart."""
    mixed = other_rows(kind_of(method))
    mixed = mixed._replace(contributors=mixed.contributors[: len(base(method).contributors)])
    assert_same(METHODS[method](mixed), expected(method, tied=looks_at_features(method)))


@pytest.mark.parametrize("method", sorted(set(METHODS) - BY_POSITION))
def test_the_order_of_contributors_does_not_matter(method):
    problem = base(method)
    order = np.random.default_rng(0).permutation(len(problem.contributors))
    mixed = problem._replace(contributors=tuple(problem.contributors[i] for i in order))
    assert_same(METHODS[method](mixed), expected(method)[order])


@pytest.mark.parametrize(
    "method", [m for m in METHODS if not METHODS[m].trains and not METHODS[m].refusal("classification")]
)
def test_inputs_far_from_zero_have_values(method):
    """A network sees the offset, and its values are others; they are numbers."""
    assert np.isfinite(METHODS[method](far_inputs())).all()


@cache
def far_inputs() -> Problem:
    problem = corners()
    pool, validation = (side._replace(inputs=side.inputs + np.float32(1e4)) 
                        for side in (problem.pool, problem.validation))  # fmt: skip
    return problem._replace(pool=pool, validation=validation, shared=Shared())
