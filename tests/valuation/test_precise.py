"""jit of products that no accelerator rounds."""

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import jaxprs_in_params

from tests.valuation.conftest import HOUSE, rounded
from valuation.precise import jit

X = jnp.ones((3, 3))


def products(function, *args) -> list:
    """The precisions of all products of a traced function."""

    def within(jaxpr):
        for one in jaxpr.eqns:
            if "precision" in one.params:
                yield one.params["precision"]
            for inner in jaxprs_in_params(one.params):
                yield from within(inner)

    return list(within(jax.make_jaxpr(function)(*args).jaxpr))


def loss(x):
    return (jax.nn.relu(x @ x) @ x).sum()


@pytest.mark.parametrize("precision", ["bfloat16", None])
def test_every_product_keeps_its_bits(precision):
    """Also those of gradients, and whatever the caller's own products do."""
    with jax.default_matmul_precision(precision):
        found = products(jit(jax.value_and_grad(loss)), X)
        usual = products(jax.jit(loss), X)
    assert len(found) == 6
    assert set(found) == {(jax.lax.Precision.HIGHEST,) * 2}
    assert set(usual).isdisjoint(found)


def test_options_are_those_of_jax_jit():
    power = jit(lambda x, times: jnp.linalg.matrix_power(x, times), static_argnames="times")
    assert power(X, times=3).tolist() == (X @ X @ X).tolist()


def test_a_rounded_product_is_seen():
    """What all tests of valuation/ are watched for."""
    code = compile("found = rounded((x, x), None)", f"{HOUSE}/made_up.py", "exec")
    names = {"rounded": rounded, "x": X}
    exec(code, names)
    assert names["found"] == f"{HOUSE}/made_up.py:1"
    assert rounded((X, X), None) == ""
