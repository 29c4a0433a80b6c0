"""Any measured points give a law or one line; the unit of the sizes and the order of the points change no law."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.fuzz.refusals import fewer, result_or_none
from theory.fit import compare, fit
from theory.laws import LAWS

LAW = st.sampled_from(sorted(LAWS))
number = st.sampled_from((0.0, -1.0, 1.0, 1e-300, 1e300, 5e-324, float("nan"), float("inf"))) | st.floats()
shapes = st.sampled_from(((), (0,), (1,), (3,), (4,), (5,), (5, 1), (9,)))


@given(data=st.data(), law=LAW | st.just("cubic"))
def test_points_that_are_none_are_refused_in_one_line(data, law):
    """Of a few points no law is fitted, so that what is malformed is all that is tried."""
    samples, errors, share = (data.draw(arrays(float, data.draw(shapes), elements=number)) for _ in range(3))
    deviations = data.draw(st.none() | arrays(float, data.draw(shapes), elements=number))
    good = np.concatenate([np.ones(0) if np.size(x) == 0 else np.ravel(x) for x in (samples, errors)])
    assume(not (np.isfinite(good) & (good > 0)).all())
    for function in (compare, lambda *points, **named: fit(*points, law=law, **named)):
        named = {"real_share": share, "standard_errors": deviations, "shots": data.draw(number)}
        assert result_or_none(function, samples, errors, **named) is None


@pytest.mark.usefixtures("quick_fits")
@fewer(12)
@given(seed=st.integers(0, 999), unit=st.floats(1e-3, 1e3), scale=st.floats(1e-6, 1e6))
def test_the_order_of_points_and_units_do_not_matter(seed, unit, scale):
    """A power law A n^-c + E in another unit of n and of the error is A' = A s u^c, E' = E s with the same c."""
    rng = np.random.default_rng(seed)
    sizes = np.geomspace(1e3, 1e6, 8)
    errors = 0.1 + 2 * sizes**-0.4 * np.exp(0.05 * rng.normal(size=8))
    order = rng.permutation(8)
    plain = fit(sizes, errors, real_share=0.5, law="power").parameters
    mixed = fit(sizes[order], errors[order], real_share=0.5, law="power").parameters
    other = fit(unit * sizes, scale * errors, real_share=0.5, law="power").parameters
    for name in plain:
        assert mixed[name] == pytest.approx(plain[name], rel=1e-3, abs=1e-6)
    assert other["floor"] == pytest.approx(scale * plain["floor"], rel=1e-2, abs=1e-6 * scale)
    assert other["decay"] == pytest.approx(plain["decay"], rel=1e-2, abs=1e-6)
