"""Arrays and features of any kind have finite values or are refused in one line."""

import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.mlp import mlp
from tests.fuzz.refusals import result_or_none
from tests.problems import CLASSES, corners, data
from valuation.methods import METHODS
from valuation.problem import Examples, from_arrays

QUICK = ("rbf_margin", "knn_utility", "mmd_size", "linear_utility", "kernel_sum")  # look at features, each in its way
BAD = (float("nan"), float("inf"), 1e30, 3e38, 1e300, -1e19, 5e-324, 0.0, 1.0)
DTYPES = (np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_, np.complex64, object, str, "datetime64[s]")


@st.composite
def examples(draw) -> Examples:
    """Three examples of five numbers and a label, or something that is none of it."""
    shape = draw(st.sampled_from(((3, 5), (3, 5), (3, 5), (0, 5), (3, 4), (3,), (3, 5, 1), (), (3, 0))))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    inputs = rng.normal(size=shape)
    if inputs.size and draw(st.booleans()):
        inputs.flat[draw(st.integers(0, inputs.size - 1))] = draw(st.sampled_from(BAD))
    kind = draw(st.sampled_from((*DTYPES[:3], *DTYPES)))
    places = draw(st.sampled_from(((3,), (3,), (3,), (2,), (3, 1), (), (0,))))
    targets = rng.choice(draw(st.sampled_from(((0, 1, 2), (0,), (-1, 0), (2, 3), (2**40,), (0.5,), (np.nan,)))), places)
    with np.errstate(all="ignore"):
        inputs = inputs.astype(np.int64).astype(kind) if kind == DTYPES[-1] else inputs.astype(kind)
        targets = targets.astype(draw(st.sampled_from((np.int32, np.int64, targets.dtype, np.float32, object, str))))
    return Examples(inputs, targets)


def build(key: jax.Array):
    return mlp((5, 8, CLASSES), key)


@given(bad=examples(), held_out=st.just(data(40, 1)) | examples(), method=st.sampled_from(QUICK))
def test_arrays_are_a_problem_or_refused_in_one_line(bad, held_out, method):
    made = result_or_none(from_arrays, {"good": data(60, 0), "bad": bad}, held_out, build=build, key=jax.random.key(0))
    if made is not None:
        values = result_or_none(METHODS[method], made)
        assert values is None or (values.shape == (2,) and np.isfinite(values).all())


@st.composite
def features(draw):
    """A function of the inputs that is no feature of them."""
    kind = draw(st.sampled_from(("cell", "cell", "constant", "none", "one row", "flat", "objects", "complex", "deep")))
    bad, place = draw(st.sampled_from(BAD)), draw(st.integers(0, 10**6))

    def of(inputs: np.ndarray) -> np.ndarray:
        rows = np.array(inputs, np.float64)
        if kind == "cell":
            rows.flat[place % rows.size] = bad
        return {
            "cell": rows, "constant": np.full_like(rows, bad), "none": rows[:, :0], "one row": rows[:1],
            "flat": rows[:, 0], "objects": rows.astype(object), "complex": rows + 1j, "deep": rows[:, :, None],
        }[kind]  # fmt: skip

    return of


@given(made=features(), method=st.sampled_from(QUICK))
def test_features_have_finite_values_or_are_refused_in_one_line(made, method):
    values = result_or_none(METHODS[method], corners()._replace(features=made))
    assert values is None or (values.shape == (9,) and np.isfinite(values).all())
