"""What takes minutes, for `make fuzz` alone: laws of any curve, and invariances of every method with drawn changes."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.fuzz.refusals import fewer, result_or_none
from tests.valuation.methods.test_invariance import BY_POSITION, assert_same, base, expected
from theory.fit import compare
from valuation.methods import METHODS
from valuation.problem import Problem
from valuation.shared import Shared


@st.composite
def curves(draw):
    """(sizes, errors, real share): positive and finite, as measured or not at all like a curve."""
    count = draw(st.integers(5, 9))
    span = draw(st.sampled_from((1e-3, 1.0, 10.0)))
    logs = draw(arrays(float, count, elements=st.floats(-span, span)))
    power = draw(st.floats(-1.0, 2.0))
    sizes = draw(st.sampled_from((1.0, 1e3, 1e9))) * np.geomspace(1, draw(st.sampled_from((2.0, 1e4))), count)
    return sizes, draw(st.sampled_from((1e-9, 1.0, 1e9))) * sizes**-power * np.exp(logs), draw(st.floats(0, 1))


@pytest.mark.usefixtures("quick_fits")
@fewer(25)
@given(curve=curves())
def test_positive_points_have_laws_whose_numbers_are_numbers(curve):
    sizes, errors, share = curve
    found = result_or_none(compare, sizes, errors, real_share=share)
    if found is None:
        return
    assert found.best in found.fits
    assert found.verdict.isprintable()
    for one in found.fits.values():
        assert np.isfinite([*one.parameters.values(), one.noise]).all(), one
        for name, value in one.parameters.items():
            low, high = one.intervals[name]
            assert low <= value <= high, (name, value, low, high)


@cache
def twins(method: str) -> Problem:
    """The problem of the invariances with its first contributor in the place of the second too."""
    problem = base(method)
    first, second, *others = problem.contributors
    return problem._replace(contributors=(first, first._replace(name=second.name), *others), shared=Shared())


@pytest.mark.parametrize("method", sorted({*METHODS} - BY_POSITION))
def test_the_same_examples_under_another_name_have_the_same_value(method):
    first, second, *_ = METHODS[method](twins(method))
    assert_same(np.array([second]), np.array([first]))


@pytest.mark.parametrize("method", sorted({*METHODS} - BY_POSITION))
@fewer(100)
@given(data=st.data())
def test_order_names_unit_and_offset_change_no_value(method, data):
    problem = base(method)
    order = data.draw(st.permutations(range(len(problem.contributors))))
    unit, offset = 2.0 ** data.draw(st.integers(-20, 20)), data.draw(st.floats(-100, 100))
    named = [problem.contributors[i]._replace(name=f"{place}") for place, i in enumerate(order)]
    mixed = problem._replace(
        contributors=tuple(named),
        features=lambda inputs: unit * (np.asarray(problem.features(inputs), np.float64) + offset),
        shared=Shared(),
    )
    assert_same(METHODS[method](mixed), expected(method)[list(order)])
