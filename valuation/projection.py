"""Random projections of per-example gradients that use what they are made of; features for stream.features.

two_sided: every kernel's gradient sum_s x_s (x) g_s becomes sum_s (P_in x_s) (x) (P_out g_s), r x r numbers a layer.
sketch: all parameters at once into r numbers; every coordinate has a random sign and one bucket, so the cost is that
    of forming the gradients and does not grow with p x r.
Randomness comes from a key and a parameter's place; what is kept is one sign a parameter, never p x r numbers.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from valuation.factors import Factor, Outer, form

Shapes = dict[str, tuple[int, ...]]


class Sides(NamedTuple):
    """Projections of a kernel's input (k, r) and output gradient (d, r), or an identity where k or d <= r."""

    left: Float[Array, "k r"]
    right: Float[Array, "d r"]


class Hashes(NamedTuple):
    """Of a sketch: a sign for every coordinate, a shift for every run of r coordinates, and r zeros to start from."""

    signs: dict[str, Int[Array, " p"]]
    shifts: dict[str, Int[Array, " runs"]]
    zeros: Float[Array, " r"]


def sides(table: Shapes, key: jax.Array, *, rank: int) -> dict[str, Sides]:
    """Gaussian projections of every dense kernel; E<P a, P b> = <a, b>, so products need no further scale.

    A side of at most `rank` numbers is kept as it is: with rank >= all widths nothing is lost.
    Raises ValueError for a rank below 1, and if there is no dense kernel.
    """
    if rank < 1:
        raise ValueError(f"the rank must be at least 1, got {rank}")
    kernels = {name: shape for name, shape in table.items() if name.rpartition(".")[2] == "kernel"}
    if not kernels:
        raise ValueError(f"two-sided projections need a dense layer, and there is none among {', '.join(table)}")

    def side(width: int, key) -> jax.Array:
        return jnp.eye(width) if width <= rank else jax.random.normal(key, (width, rank)) / math.sqrt(rank)

    keys = jax.random.split(key, (len(kernels), 2))
    return {name: Sides(side(k, one), side(d, two)) for (name, (k, d)), (one, two) in
            zip(kernels.items(), keys, strict=True)}  # fmt: skip


def two_sided(gradients: dict[str, Factor], table: Shapes, state: dict[str, Sides]) -> Float[Array, "n r"]:
    """The projected gradients of all dense kernels, one after another (LoGra: Choe et al. 2024).

    Embeddings, biases and scales are left out.
    """
    return jnp.concatenate([_between(gradients[name], table[name], one) for name, one in state.items()], 1)


def widths(state: dict[str, Sides]) -> list[int]:
    """How many of two_sided's columns belong to each kernel."""
    return [one.left.shape[1] * one.right.shape[1] for one in state.values()]


def hashes(table: Shapes, key: jax.Array, *, dimensions: int) -> Hashes:
    """The random part of a sketch to that many dimensions.

    Coordinates are cut into runs of r = dimensions. Within a run no two collide; a run is shifted by a random amount,
    so two coordinates of different runs share a bucket with probability 1/r. With independent signs the inner product
    of two sketches is unbiased with variance at most (|a|^2 |b|^2 + <a, b>^2) / r, that of a count sketch.
    """
    if dimensions < 1:
        raise ValueError(f"a sketch needs at least 1 dimension, got {dimensions}")
    signs, shifts = {}, {}
    for place, (name, shape) in enumerate(table.items()):
        for_signs, for_shifts = jax.random.split(jax.random.fold_in(key, place))
        size = math.prod(shape)
        signs[name] = jax.random.rademacher(for_signs, (size,), jnp.int8)
        shifts[name] = jax.random.randint(for_shifts, (-(-size // dimensions),), 0, dimensions)
    return Hashes(signs, shifts, jnp.zeros(dimensions))


def sketch(gradients: dict[str, Factor], table: Shapes, state: Hashes) -> Float[Array, "n r"]:
    """The gradients over all parameters in r dimensions: bucket (i + shift of its run) mod r takes sign_i * v_i."""
    r = len(state.zeros)
    n = len(jax.tree.leaves(gradients)[0])
    total = jnp.zeros((n, 2 * r))  # a run reaches beyond r before it is folded back
    for name, shape in table.items():
        value = form(gradients[name], shape) * state.signs[name]
        shifts = state.shifts[name]
        value = jnp.pad(value, ((0, 0), (0, len(shifts) * r - value.shape[1])))

        def add(run, total, value=value, shifts=shifts):
            part = jax.lax.dynamic_slice(value, (0, run * r), (n, r))
            before = jax.lax.dynamic_slice(total, (0, shifts[run]), (n, r))
            return jax.lax.dynamic_update_slice(total, before + part, (0, shifts[run]))

        total = jax.lax.fori_loop(0, len(shifts), add, total)
    return total[:, :r] + total[:, r:]


def _between(factor: Factor, shape: tuple[int, ...], one: Sides) -> Float[Array, "n r"]:
    if isinstance(factor, Outer):
        left, right = factor.left @ one.left, factor.right @ one.right
        return form(Outer(left, right), (left.shape[-1], right.shape[-1]))
    value = form(factor, shape).reshape(-1, *shape)
    return jnp.einsum("nkd,ki,dj->nij", value, one.left, one.right).reshape(len(value), -1)
