"""Per-example gradients as the factors that they are products of, one factor a parameter (theory/README.md, 3.1).

A dense layer's gradient is sum_s x_s (x) g_s over positions s: everything that is linear or quadratic in it can be had
from x and g. Where the explicit gradient is cheaper it is formed, parameter by parameter and chunk by chunk.
"""

import math
from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from valuation.gradients import Captured

PAIRS = 8  # examples whose positions are contracted at a time


class Outer(NamedTuple):
    """sum_s left_s (x) right_s."""

    left: Float[Array, "n s k"]
    right: Float[Array, "n s d"]


class Rows(NamedTuple):
    """right_s added to a row of a table, row_s."""

    row: Int[Array, "n s"]
    right: Float[Array, "n s d"]


class Formed(NamedTuple):
    """The gradient itself, flat."""

    value: Float[Array, "n p"]


Factor = Outer | Rows | Formed


def shapes(params) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its dotted path, in the order of jax.flatten_util.ravel_pytree."""
    return {".".join(str(key.key) for key in path): leaf.shape for path, leaf in jax.tree.leaves_with_path(params)}


def factors(layers: dict, params, captured: Captured) -> dict[str, Factor]:
    """The gradients of all captured examples: dotted path of a parameter -> factor, in the order of `shapes`."""
    table = shapes(params)
    parts_of: dict[str, list] = {name: [] for name in table}
    for use, x in captured.inputs.items():
        layer = layers[use.partition("#")[0]]
        for name, path in layer.leaves:
            parts_of[".".join(map(str, path))].append(_factor(layer.kind, name, x, captured.gradients[use]))
    some = next(iter(captured.gradients.values()))
    return {name: _joined(parts, table[name], len(some)) for name, parts in parts_of.items()}


def unravelled(rows: Float[Array | np.ndarray, "n p"], table: dict[str, tuple[int, ...]]) -> dict[str, Factor]:
    """Vectors in parameter space, flat as jax.flatten_util.ravel_pytree has them, as factors. table: of `shapes`."""
    parts = np.split(rows, np.cumsum([math.prod(shape) for shape in table.values()])[:-1], 1)
    return {name: Formed(jnp.asarray(part)) for name, part in zip(table, parts, strict=True)}


def form(factor: Factor, shape: tuple[int, ...]) -> Float[Array, "n p"]:
    """The gradient of a parameter of that shape, flat: n * s * p multiplications for Outer."""
    if isinstance(factor, Formed):
        return factor.value
    if isinstance(factor, Rows):
        n = len(factor.row)
        table = jnp.zeros((n, *shape), factor.right.dtype)
        return table.at[jnp.arange(n)[:, None], factor.row].add(factor.right).reshape(n, -1)
    if factor.left.shape[1] == 1:
        return (factor.left[:, 0, :, None] * factor.right[:, 0, None, :]).reshape(len(factor.left), -1)
    return jnp.einsum("nsk,nsd->nkd", factor.left, factor.right).reshape(len(factor.left), -1)


def route(factor: Factor, shape: tuple[int, ...], *, n: int, m: int) -> Factor:
    """The factor of m queries, formed if that makes products with n examples cheaper (in multiplications).

    formed: (n + m) s p + n m p;   contracted by pairs of positions: n m s^2 (k + d).
    """
    if isinstance(factor, Formed):
        return factor
    s, p = factor.right.shape[1], math.prod(shape)
    width = sum(shape) if isinstance(factor, Outer) else shape[-1]
    cost = (n + m) * s * p * isinstance(factor, Outer) + n * m * p
    return Formed(form(factor, shape)) if cost <= n * m * s**2 * width else factor


def products(a: dict[str, Factor], b: dict[str, Factor], shapes: dict[str, tuple]) -> Float[Array, "n m"]:
    """Inner products of the gradients of a with those of b, summed over the parameters, as b has been routed."""
    return _sum(_product(a[name], b[name], shape) for name, shape in shapes.items())


def squares(a: dict[str, Factor], shapes: dict[str, tuple]) -> Float[Array, " n"]:
    """Squared length of every example's gradient (its self-influence)."""
    return _sum(_square(a[name], shape) for name, shape in shapes.items())


def _sum(terms: Iterable[Array]) -> Array:
    return reduce(jnp.add, terms)


def _factor(kind: str, name: str, x: jax.Array, g: jax.Array) -> Factor:
    if name == "kernel":
        return Outer(_positions(x), _positions(g))
    if kind == "embed" and jnp.issubdtype(x.dtype, jnp.integer):
        return Rows(x.reshape(len(x), -1), _positions(g))
    if kind == "embed":  # as an output layer: x @ embedding.T
        return Outer(_positions(g), _positions(x))
    return Formed(_positions(x * g if name == "scale" else g).sum(1))


def _joined(parts: list, shape: tuple[int, ...], n: int) -> Factor:
    """One factor for a parameter that is used several times, or never."""
    if not parts:
        return Formed(jnp.zeros((n, math.prod(shape))))
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, Rows) for part in parts):
        return Rows(*(jnp.concatenate(side, 1) for side in zip(*parts, strict=True)))
    if any(isinstance(part, Formed) for part in parts):
        return Formed(_sum(form(part, shape) for part in parts))
    parts = [Outer(jax.nn.one_hot(p.row, shape[0], dtype=p.right.dtype), p.right) if isinstance(p, Rows) else p
             for p in parts]  # fmt: skip
    return Outer(*(jnp.concatenate(side, 1) for side in zip(*parts, strict=True)))


def _product(a: Factor, b: Factor, shape: tuple[int, ...]) -> Float[Array, "n m"]:
    """b is formed, or both are factors of one kind: the kind of a parameter's layer decides."""
    if isinstance(b, Formed):
        return form(a, shape) @ b.value.T
    if isinstance(a, Rows) and isinstance(b, Rows):
        return _paired(lambda row, right: (a.row[..., None] == row) * (a.right @ right.T), b.row, b.right)
    assert isinstance(a, Outer), type(a)
    assert isinstance(b, Outer), type(b)
    if a.left.shape[1] == b.left.shape[1] == 1:
        return (a.left[:, 0] @ b.left[:, 0].T) * (a.right[:, 0] @ b.right[:, 0].T)
    return _paired(lambda left, right: (a.left @ left.T) * (a.right @ right.T), b.left, b.right)


def _paired(block, left: jax.Array, right: jax.Array) -> Float[Array, "n m"]:
    """block(left_j, right_j) -> (n, s, s), summed over positions, for every query j."""
    return jax.lax.map(lambda query: block(*query).sum((1, 2)), (left, right), batch_size=PAIRS).T


def _square(a: Factor, shape: tuple[int, ...]) -> Float[Array, " n"]:
    if isinstance(a, Formed):
        return jnp.square(a.value).sum(1)
    s, p = a.right.shape[1], math.prod(shape)
    right = jnp.einsum("nsd,ntd->nst", a.right, a.right)
    if isinstance(a, Rows):
        return jnp.where(a.row[:, :, None] == a.row[:, None, :], right, 0).sum((1, 2))
    if p < s * sum(shape):
        return jnp.square(form(a, shape)).sum(1)
    return (jnp.einsum("nsk,ntk->nst", a.left, a.left) * right).sum((1, 2))


def _positions(x: jax.Array) -> Float[Array, "n s d"]:
    return x.reshape(len(x), -1, x.shape[-1])
