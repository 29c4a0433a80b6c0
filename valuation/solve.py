"""Ridge solves with the tangent kernel of tens of thousands of examples, without forming it.

(Theta + lambda I) x = y by conjugate gradients; Theta v = J (J' v) with one vjp and one jvp a chunk. The preconditioner
P = B B' + lambda I comes from Nystroem's B B' <= Theta on random landmarks, so that P <= Theta + lambda I and

    y'x_k <= y' (Theta + lambda I)^-1 y <= y'x_k + r_k' P^-1 r_k :

every step knows how far the quadratic form is from the truth (up to float32 rounding of Theta v).
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from valuation.examples import Examples
from valuation.factors import form
from valuation.precise import jit
from valuation.stream import MEMORY, check, chunk, features, gradient_products, self_products
from valuation.workers import map_chunks

JITTER = 1e-6  # of the landmarks' mean diagonal, for their Cholesky factor in float64
ROWS = 512


class Solution(NamedTuple):
    """x: (n, c). form: tr(y'x), a lower bound of tr(y'A^-1 y). excess: what at most is missing, from the residual.

    residual: largest |A x - y| / |y| of a column. converged: whether excess <= tolerance * form was reached.
    """

    x: np.ndarray
    form: float
    excess: float
    residual: float
    iterations: int
    converged: bool


class Nystroem(NamedTuple):
    """B (n, l) with B B' <= Theta, and the Cholesky factor of B'B + shift I."""

    factor: np.ndarray
    inner: tuple
    shift: float

    def solve(self, v: np.ndarray) -> np.ndarray:
        """(B B' + shift I)^-1 v."""
        return (v - self.factor @ scipy.linalg.cho_solve(self.inner, self.factor.T @ v)) / self.shift


def conjugate_gradients(
    matrix: Callable,
    y: Float[np.ndarray, "n c"],
    *,
    precondition: Callable | None = None,
    least: float,
    tolerance: float = 1e-3,
    iterations: int = 200,
) -> Solution:
    """A^-1 y for every column, until the quadratic form tr(y'A^-1 y) is known to the relative tolerance.

    precondition: v -> P^-1 v with P <= A; without one P = least * I. least: a lower bound of A's eigenvalues, > 0.
    """
    y = np.asarray(y, np.float64)
    precondition = precondition or (lambda v: v / least)
    x, r = np.zeros_like(y), y.copy()
    z = precondition(r)
    d, rho = z, (r * z).sum(0)
    done = 0
    while done < iterations and rho.sum() > tolerance * max((x * y).sum(), 0) and rho.sum() > 0:
        ad = np.asarray(matrix(d), np.float64)
        step = rho / np.maximum((d * ad).sum(0), np.finfo(float).tiny)
        x, r = x + step * d, r - step * ad
        z = precondition(r)
        rho, before = (r * z).sum(0), rho
        d = z + rho / np.maximum(before, np.finfo(float).tiny) * d
        done += 1
    form, excess = float((x * y).sum()), float(rho.sum())
    lengths = np.maximum(np.linalg.norm(y, axis=0), np.finfo(float).tiny)
    residual = float((np.linalg.norm(r, axis=0) / lengths).max())
    return Solution(x, form, excess, residual, done, excess <= tolerance * max(form, 0))


def ridge_solve(
    model,
    output: Callable,
    examples: Examples,
    y: Float[np.ndarray, "n c"],
    *,
    ridge: float,
    landmarks: int,
    key: jax.Array,
    tolerance: float = 1e-3,
    iterations: int = 200,
    memory: int = MEMORY,
) -> tuple[Solution, float]:
    """(solution of (Theta + lambda I) x = y, mean diagonal of Theta); lambda = ridge * mean diagonal.

    output: the scalar whose gradients make Theta, such as kernel.true_class. landmarks: columns of the preconditioner.
    memory: bytes; gradients that fit into half of it, n x p numbers, are kept, else they are made again every time.
    Raises ValueError for gradients that are all zero: they make no kernel.
    O(iterations) passes over the examples, O(n l) numbers kept, O(n l^2) work.
    """
    check(model, examples)
    n = len(examples.inputs)
    chosen = np.asarray(jax.random.choice(key, n, (min(landmarks, n),), replace=False))
    product, diagonal = tangent_product(model, output, examples, memory=memory)
    if not diagonal > 0:
        raise ValueError(f"the gradients of all {n} examples are zero, so their kernel has no mean diagonal")
    columns = gradient_products(model, output, examples, examples.take(chosen), memory=memory)
    shift = ridge * diagonal
    preconditioner = nystroem(columns, chosen, shift)
    solution = conjugate_gradients(
        lambda v: product(v) + shift * v,
        y,
        precondition=preconditioner.solve,
        least=shift,
        tolerance=tolerance,
        iterations=iterations,
    )
    return solution, diagonal


def nystroem(columns: Float[np.ndarray, "n l"], chosen, shift: float) -> Nystroem:
    """Theta[:, chosen] -> the approximation from below, Theta[:, c] (Theta[c, c] + jitter I)^-1 Theta[c, :]."""
    corner = np.asarray(columns[chosen], np.float64)
    corner = (corner + corner.T) / 2 + JITTER * np.trace(corner) / len(corner) * np.eye(len(corner))
    root = scipy.linalg.cholesky(corner, lower=True)
    factor = scipy.linalg.solve_triangular(root, np.asarray(columns, np.float64).T, lower=True).T
    inner = scipy.linalg.cho_factor(factor.T @ factor + shift * np.eye(len(corner)), lower=True)
    return Nystroem(factor, inner, shift)


def tangent_product(model, output: Callable, examples: Examples, *, memory: int = MEMORY) -> tuple[Callable, float]:
    """(v (n, c) -> Theta v, mean diagonal of Theta); with gradients kept if they fit into half the memory."""
    size = sum(leaf.size for leaf in jax.tree.leaves(model.params))
    if 4 * size * len(examples.inputs) <= memory / 2:
        kept, done = np.empty((len(examples.inputs), size), np.float32), 0
        for part in features(model, output, examples, _flat, None, memory=memory // 2):
            kept[done : done + len(part)] = part
            done += len(part)
        diagonal = float(np.einsum("np,np->n", kept, kept).mean(dtype=np.float64))
        return lambda v: kept @ (kept.T @ np.asarray(v, np.float32)), diagonal
    diagonal = float(self_products(model, output, examples, memory=memory).mean(dtype=np.float64))
    return partial(_matrix_free, model, output, examples), diagonal


def _matrix_free(model, output, examples, v) -> np.ndarray:
    """J (J' v), column by column inside a chunk."""
    n = len(examples.inputs)
    rows = min(ROWS, n)
    v = np.asarray(v, np.float32)
    filled = np.pad(v, [(0, -n % rows), (0, 0)])  # what fills up the last chunk counts nothing
    args, count = {"apply": model.apply, "output": output}, -(-n // rows)
    shared = (model.params, model.frozen)
    pulled = map_chunks(
        partial(_pulled, **args), shared, lambda i: (chunk(examples, rows, i), chunk(filled, rows, i)), count, threads=1
    )
    total = reduce(partial(jax.tree.map, np.add), pulled)
    parts = map_chunks(
        partial(_pushed, **args), (*shared, total), lambda i: (chunk(examples, rows, i),), count, threads=1
    )
    return np.concatenate(list(parts))[:n]


@partial(jit, static_argnames=("apply", "output"))
def _pulled(params, frozen, examples, v, *, apply, output):
    _, pull = jax.vjp(lambda p: output(apply(p, frozen, examples.inputs), examples), params)
    return jax.vmap(lambda column: pull(column)[0], 1)(v)


@partial(jit, static_argnames=("apply", "output"))
def _pushed(params, frozen, tangents, examples, *, apply, output):
    _, push = jax.linearize(lambda p: output(apply(p, frozen, examples.inputs), examples), params)
    return jax.vmap(push, out_axes=1)(tangents)


def _flat(gradient_factors, table, state):
    return jnp.concatenate([form(gradient_factors[name], shape) for name, shape in table.items()], 1)
