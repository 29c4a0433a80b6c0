"""Whatever values are made of, none of its products may be one that an accelerator rounds."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax.numpy as jnp
import pytest
from jax.extend.core import primitives
from jax.lax import Precision

import valuation

HOUSE = str(Path(valuation.__file__).parent)
PRODUCTS = (primitives.dot_general_p, primitives.conv_general_dilated_p)
# what is called in these is theirs, as a training
OTHERS = tuple(str(Path(HOUSE).parent / name) for name in ("tests", "experiments"))
# they are called within what somebody else compiles: files, a function
PARTS = ("gradients.py", "factors.py", "target_positions.py", "projection.py", "captured_gram")


def rounded(factors, precision) -> str:
    """The line of valuation/ that asks for a product of float32 numbers at an accelerator's usual precision, or ""."""
    if any(x.dtype != jnp.float32 for x in factors) or precision == (Precision.HIGHEST, Precision.HIGHEST):
        return ""
    frames = [frame for frame in traceback.extract_stack() if frame.filename != __file__]
    inside = [frame for frame in frames if frame.filename.startswith(HOUSE)]
    if not inside or "eval_shape" in {frame.name for frame in frames}:  # only shapes are asked for
        return ""
    if any(frame.filename.startswith(OTHERS) for frame in frames[frames.index(inside[0]) :]):
        return ""
    if {Path(inside[0].filename).name, inside[0].name} & set(PARTS):
        return ""
    return f"{inside[-1].filename}:{inside[-1].lineno}"


@contextmanager
def watched() -> Iterator[set[str]]:
    """The lines of `rounded` for all products that are traced inside: where it is compiled, so that CPUs see it.

    What was traced before, at the same shapes, is not traced again.
    """
    found: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        for product in PRODUCTS:

            def bind(*factors, product=product, **options):
                found.add(rounded(factors, options["precision"]))
                return type(product).bind(product, *factors, **options)

            patch.setattr(product, "bind", bind, raising=False)
        yield found


@pytest.fixture(scope="module", autouse=True)
def every_product_is_exact():
    """Fails the tests of a file in which a rounded product is traced."""
    with watched() as found:
        yield
    assert found <= {""}
