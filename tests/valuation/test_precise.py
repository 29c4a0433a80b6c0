"""jit of products that no accelerator rounds."""

import ast
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import jaxprs_in_params

from tests.valuation.conftest import HOUSE, watched
from valuation.precise import jit

X = jnp.ones((3, 3))
OTHERS = {"precise.py", "workers.py"}  # the latter multiplies nothing


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
    seen = jax.lax.conv(x[None, None], x[None, None], (1, 1), "SAME")[0, 0]
    return (jax.nn.relu(x @ seen) @ x).sum()


@pytest.mark.parametrize("precision", ["bfloat16", None])
def test_every_product_keeps_its_bits(precision):
    """Also those of gradients, and whatever the caller's own products do."""
    with jax.default_matmul_precision(precision):
        found = products(jit(jax.value_and_grad(loss)), X)
        usual = products(jax.jit(loss), X)
    assert len(found) == 9
    assert set(found) == {(jax.lax.Precision.HIGHEST,) * 2}
    assert set(usual).isdisjoint(found)


def test_options_are_those_of_jax_jit():
    power = jit(lambda x, times: jnp.linalg.matrix_power(x, times), static_argnames="times")
    assert power(X, times=3).tolist() == (X @ X @ X).tolist()


def test_nothing_else_is_compiled():
    for path in sorted(Path(HOUSE).rglob("*.py")):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert "jit" not in names or path.name in OTHERS, path


@pytest.mark.parametrize(
    ("product", "size", "seen"),
    [
        ("jax.jit(lambda x: x @ x)(x)", 17, True),
        ("jax.lax.conv(x[None, None], x[None, None], (1, 1), 'SAME')", 18, True),
        ("jit(lambda x: x @ x)(x)", 19, False),
        ("jax.eval_shape(lambda x: x @ x, x)", 21, False),
        ("(x.astype('bfloat16') @ x.astype('bfloat16'))", 22, False),
    ],
)
def test_a_rounded_product_is_seen(product, size, seen):
    """What all tests of valuation/ are watched for, in a file that is made up there; sizes that nothing else has."""
    code = compile(product, f"{HOUSE}/made_up.py", "eval")
    with watched() as found:
        eval(code, {"jax": jax, "jit": jit, "x": jnp.ones((size, size))})
    assert found - {""} == ({f"{HOUSE}/made_up.py:1"} if seen else set())
