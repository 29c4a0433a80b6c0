"""Curvature by Kronecker factors with corrected eigenvalues (EK-FAC), from captured gradients (theory/README.md, 3.5).

A block is a parameter, or a kernel with the bias of its layer as one more row. Its gradient is a matrix G (k, d), the
sum over positions of a (x) g. With eigenbases U_A of sum a a' and U_S of sum g g', and the mean over examples

    Lambda = E (U_A' G U_S)^2,      (F + delta I)^-1 G  is taken as  U_A ((U_A' G U_S) / (Lambda + delta)) U_S'.

A block of one row (a bias, a scale) has its exact Fisher matrix so. Positions whose a or g is zero, such as padding,
count nothing. The rows of a table of tokens keep their own axes, in which sum a a' is diagonal already, and so does a
side that is wider than WIDEST, whose eigenvectors would take longer than everything else.
"""

import math
from collections.abc import Callable, Container
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from valuation.factors import Factor, Formed, Outer, Rows, form, shapes, unravelled
from valuation.fisher import Fisher
from valuation.precise import jit
from valuation.stream import MEMORY
from valuation.summed import summed

WIDEST = 4096

Table = dict[str, tuple[int, ...]]
Gradients = dict[str, Factor]


class Sides(NamedTuple):
    """Something of both sides of a block, (k, k) and (d, d); None for a side that keeps its own axes."""

    left: Float[Array | np.ndarray, "k k"] | None
    right: Float[Array | np.ndarray, "d d"] | None


class Curvature(NamedTuple):
    """Eigenbases of a block, as columns, and 1 / (Lambda + delta)."""

    bases: Sides
    inverse: Float[Array | np.ndarray, "k d"]


def curvatures(
    model, output: Callable, fisher: Fisher, *, damping: float, memory: int = MEMORY
) -> dict[str, Curvature]:
    """The curvature of every block, by the name of its parameter; two passes over the examples.

    output: minus the loss, (outputs, examples) -> (n,), a module-level function. fisher: of
    fisher.fisher_examples. damping: delta over the mean of the block's Lambda; where that is zero delta is 1.
    memory: bytes of a chunk of gradients. Raises ValueError for a damping that is not positive, and for gradients that
    are not finite.
    """
    if damping <= 0:
        raise ValueError(f"the damping must be positive, got {damping}")
    blocks = _block_shapes(model)
    covariances = {
        name: Sides(*(None if own else jnp.zeros((size, size)) for size, own in _axes(name, shape)))
        for name, shape in blocks.items()
    }
    sums = summed(model, output, *fisher, _add_covariances, covariances, None, memory=memory)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(sums)):
        raise ValueError(
            "the gradients of which the Fisher matrix is made are not finite: look at the parameters, or bring inputs "
            "to a scale near 1"
        )
    bases = jax.tree.map(lambda covariance: np.linalg.eigh(covariance)[1].astype(np.float32), sums)
    squares = {name: jnp.zeros(shape) for name, shape in blocks.items()}
    totals = summed(model, output, *fisher, _add_squares, squares, bases, memory=memory)
    count = fisher.weights.sum()
    return {name: Curvature(bases[name], _inverse(total / count, damping)) for name, total in totals.items()}


def preconditioned(gradients: Gradients, table: Table, state: dict[str, Curvature]) -> Float[Array, "n p"]:
    """(F + delta I)^-1 of every gradient, flat as by ravel_pytree; a feature for stream.features.

    table: shapes of the parameters. state: of `curvatures`.
    """
    parts: dict[str, Array] = {}
    for name, (bases, inverse) in state.items():
        turned = _turned(_block(gradients, name, state), bases, inverse.shape)
        back = Sides(*(None if side is None else side.T for side in bases))
        flat = _between(turned * inverse, back).reshape(len(turned), -1)
        size = math.prod(table[name])  # what follows is the row of a bias
        parts |= {name: flat[:, :size]} | ({_bias(name): flat[:, size:]} if flat.shape[1] > size else {})
    return jnp.concatenate([parts[name] for name in table], 1)


@jit
def preconditioned_rows(params, state: dict[str, Curvature], rows: Float[Array, "n p"]) -> Float[Array, "n p"]:
    """The same of vectors in parameter space. params: of the model, for their shapes."""
    table = shapes(params)
    return preconditioned(unravelled(rows, table), table, state)


def _block_shapes(model) -> Table:
    """(k, d) of every block. A bias joins the kernel that all of its layers have, and that no other has."""
    owners: dict[str, set] = {}
    for layer, one in model.layers.items():
        for _, path in one.leaves:
            owners.setdefault(".".join(map(str, path)), set()).add(layer)
    table = {name: (1, *shape)[-2:] for name, shape in shapes(model.params).items()}
    joined = {_bias(name) for name in table if owners.get(name) == owners.get(_bias(name), ())}
    return {name: (k + (_bias(name) in joined), d) for name, (k, d) in table.items() if name not in joined}


def _axes(name: str, shape: tuple[int, ...]) -> list[tuple[int, bool]]:
    """(size, whether it keeps its own axes) of both sides."""
    k, d = shape
    return [(k, k > WIDEST or name.rpartition(".")[2] == "embedding"), (d, d > WIDEST)]


def _bias(name: str) -> str:
    """The name of the bias beside a kernel; "" for other parameters, which have none."""
    layer, _, leaf = name.rpartition(".")
    return f"{layer}.bias" if leaf == "kernel" else ""


def _block(gradients: Gradients, name: str, blocks: Container[str]) -> Factor:
    """The factor of a block: that of its parameter, with a row for the bias unless this is a block of its own."""
    factor, bias = gradients[name], _bias(name)
    if bias not in gradients or bias in blocks:
        return factor
    if isinstance(factor, Outer):
        return Outer(jnp.pad(factor.left, ((0, 0), (0, 0), (0, 1)), constant_values=1), factor.right)
    return Formed(jnp.concatenate([form(factor, ()), form(gradients[bias], ())], 1))


def _add_covariances(total: dict[str, Sides], gradients: Gradients, weights, _) -> dict[str, Sides]:
    sums = {}
    for name, sides in total.items():
        vectors = _vectors(_block(gradients, name, total), weights, sides)
        sums[name] = Sides(*(None if side is None else side + _covariance(*rows)
                             for side, rows in zip(sides, vectors, strict=True)))  # fmt: skip
    return sums


def _vectors(factor: Factor, weights: Float[Array, " n"], sides: Sides) -> list[tuple]:
    """(vectors (n, s, k), weights of them (n, s)) of the left side, and of the right one."""
    if isinstance(factor, Formed):  # its rows and its columns
        d = factor.value.shape[1] if sides.right is None else len(sides.right)
        value = factor.value.reshape(len(factor.value), -1, d)
        return [(side, jnp.broadcast_to(weights[:, None], side.shape[:2])) for side in (value.swapaxes(1, 2), value)]
    seen = weights[:, None] * (factor.right != 0).any(-1)
    if isinstance(factor, Rows):
        return [(), (factor.right, seen)]
    seen *= (factor.left != 0).any(-1)
    return [(factor.left, seen), (factor.right, seen)]


def _covariance(vectors: Float[Array, "n s k"], weights: Float[Array, "n s"]) -> Float[Array, "k k"]:
    flat = vectors.reshape(-1, vectors.shape[-1])
    return (flat * weights.reshape(-1, 1)).T @ flat


def _add_squares(total: dict, gradients: Gradients, weights, bases: dict[str, Sides]) -> dict:
    sums = {}
    for name, before in total.items():
        factor, sides = _block(gradients, name, total), bases[name]
        if isinstance(factor, Outer) and factor.left.shape[1] == 1:  # the square of a product of two vectors
            left, right = (jnp.square(_times(side[:, 0], basis)) for side, basis in zip(factor, sides, strict=True))
            sums[name] = before + (left * weights[:, None]).T @ right
        else:
            sums[name] = before + jnp.einsum("n,nkd->kd", weights, jnp.square(_turned(factor, sides, before.shape)))
    return sums


def _turned(factor: Factor, bases: Sides, shape: tuple[int, ...]) -> Float[Array, "n k d"]:
    """U_A' G U_S of every example, the cheaper way: its vectors are turned, or what they add up to is."""
    k, d = shape
    left, right = (0 if basis is None else len(basis) for basis in bases)
    if isinstance(factor, Outer) and factor.right.shape[1] * (left * k + right * d) <= k * d * (left + right):
        factor, bases = Outer(_times(factor.left, bases.left), _times(factor.right, bases.right)), Sides(None, None)
    elif isinstance(factor, Rows):
        factor, bases = Rows(factor.row, _times(factor.right, bases.right)), Sides(None, None)
    return _between(form(factor, shape).reshape(-1, k, d), bases)


def _between(value: Float[Array, "n k d"], bases: Sides) -> Float[Array, "n k d"]:
    """left' G right."""
    value = value if bases.left is None else jnp.einsum("kl,nkd->nld", bases.left, value)
    return _times(value, bases.right)


def _times(rows: Float[Array, "... k"], basis: Float[Array | np.ndarray, "k k"] | None) -> Float[Array, "... k"]:
    return rows if basis is None else rows @ basis


def _inverse(eigenvalues: Float[np.ndarray, "k d"], damping: float) -> Float[np.ndarray, "k d"]:
    shift = damping * float(eigenvalues.mean()) or 1.0
    return (1 / (eigenvalues + shift)).astype(np.float32)
