"""Kernel ridge regression on any number of examples: m inducing points, one pass, memory that n does not enter.

Subset of regressors (Nystroem): with Z the m inducing rows of the n examples X, and lambda = ridge * tr K(X, X) / n,

    f(v) = K(v, Z) (K(Z, X) K(X, Z) + lambda K(Z, Z))^-1 K(Z, X) Y,

which is (K(X, X) + lambda I)^-1 where Z = X. Kernel blocks K(X, Z) are float32, computed by XLA. Their products are
float64: float32 sums lose the small eigenvalues that lambda K(Z, Z) is to be compared with, and the answer with them.
K(Z, Z), K(v, Z) and the diagonal of K(X, X) are float64 throughout, by jax.enable_x64 as a context around their own
compiled functions: the setting of the process is not changed, and no float64 jax.Array leaves. With
K(Z, Z) + jitter I = L L' the system is solved as L^-1 K(Z, X) K(X, Z) L^-T + lambda I, whose condition is at most
n / ridge.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.tree_util import Partial
from jaxtyping import Array, Float

from valuation.blocks import Source, centred, drawn, feature_blocks, targets_of, validation_rows
from valuation.discrepancy import squared_distances
from valuation.precise import jit

EXACT = 4096  # so few examples are all inducing points
POINTS, POINTS_OF_MANY, MANY = 4096, 2048, 100_000  # inducing points, and how many of more than so many examples
BLOCK = 2048  # rows
JITTER = 1e-6  # of the mean diagonal, added to K(Z, Z)
SHARED = 256  # float64 kernels are filled up to a multiple of this, so that many sizes share a compilation

Kernel = Callable[[Any, Any], Any]  # rows (n, d), (m, d) -> (n, m) by jax.numpy, in the type of the rows


class Sums(NamedTuple):
    """What the examples leave behind; sums over parts of the examples add up (jax.tree.map with np.add).

    gram: K(Z, X) K(X, Z), (m, m), its upper triangle alone. cross: K(Z, X) Y, (m, c). trace: tr K(X, X). count: n.
    """

    gram: np.ndarray
    cross: np.ndarray
    trace: float
    count: int  # type: ignore[assignment]  # tuple.count, which nobody needs of Sums


def gaussian(bandwidth: float) -> Kernel:
    """k(x, x') = exp(-|x - x'|^2 / (2 bandwidth)); bandwidth: s^2, in squared units of a feature, > 0 and finite."""
    if not 0 < bandwidth < np.inf:
        raise ValueError(
            f"the bandwidth must be positive and finite, got {bandwidth}: are all validation rows the same?"
        )
    return Partial(_gaussian, float(bandwidth))


def kernel_ridge(
    data: Source,
    validation: Any,
    kernel: Kernel,
    *,
    key: jax.Array,
    ridge: float = 0.01,
    points: int | None = None,
    exact: int = EXACT,
    block: int = BLOCK,
    progress: Callable[[int], Any] | None = None,
) -> Float[np.ndarray, "v c"]:
    """Predictions of the targets of validation rows, float64. Exact where n <= max(exact, points).

    data: the contributor's examples. validation: (v, d) features, float64 where their offset is large.
    kernel: rows less the medians of validation (n, d), (m, d) -> (n, m), positive semidefinite, as `gaussian(s2)` is;
        a module-level function, or a jax.tree_util.Partial of one and its numbers, which is compiled once for all.
    key: draws the inducing points. ridge: lambda in mean diagonals of the kernel, > 0. points: m, fewer if fewer
        rows differ; None for points_of(n). block: rows read at a time. progress: called with the number of examples
        just done.
    O(n m (d + m)) time, `memory_bytes` of memory. A kernel that is 0 on all examples predicts 0.
    Raises ValueError for sizes below 1, a ridge that is not positive, rows that `blocks.centred` refuses, and a kernel
    that is not finite or not positive semidefinite.
    """
    points = points_of(data.count) if points is None else points
    _positive(ridge=ridge, points=points, block=block, examples=data.count)
    queries, centre = validation_rows(validation)
    if data.count <= max(exact, points):
        return _exact(data, queries, centre, kernel, ridge)
    chosen = inducing_rows(data, centre, points, key)
    sums = kernel_sums(data, chosen, centre, kernel, block=block, progress=progress)
    if sums.trace == 0:
        return np.zeros((len(queries), sums.cross.shape[1]))
    return float64_kernel(kernel, queries, chosen) @ coefficients(float64_kernel(kernel, chosen, chosen), sums, ridge)


def points_of(examples: int) -> int:
    """How many inducing points a fit to so many examples has.

    With wrong labels a fit by few points is smoother than the exact one, which follows them, and so is valued higher:
    of 7,448 images a fifth of whose labels are wrong by .01 at 4,096 points and by .03 at 2,048, where one in a hundred
    thousand costs as many operations as four.
    """
    return POINTS if examples <= MANY else POINTS_OF_MANY


def inducing_rows(
    data: Source, centre: Float[np.ndarray, " d"], points: int, key: jax.Array
) -> Float[np.ndarray, "m d"]:
    """Centred features of the first `points` different rows among twice as many examples, drawn without replacement."""
    positions = drawn(key, data.count, 2 * points)
    rows = centred(data.features(positions), centre, "example", positions) + 0.0  # -0.0 is 0.0
    first: dict[bytes, int] = {}
    for i, row in enumerate(rows):
        first.setdefault(row.tobytes(), i)
    return rows[list(first.values())[:points]]


def kernel_sums(
    data: Source,
    chosen: Float[np.ndarray, "m d"],
    centre: Float[np.ndarray, " d"],
    kernel: Kernel,
    *,
    block: int = BLOCK,
    progress: Callable[[int], Any] | None = None,
) -> Sums:
    """The one pass over the examples; chosen: centred inducing rows, the rest as in `kernel_ridge`."""
    gram, trace = np.zeros((len(chosen), len(chosen)), order="F"), 0.0
    cross: Any = 0.0
    few = chosen.astype(np.float32)
    for positions, rows in feature_blocks(data, centre, block):
        count = len(rows)
        rows = _filled(rows, block)
        values = np.asarray(_kernel(_static(kernel), rows.astype(np.float32), few))[:count].astype(np.float64)
        with jax.enable_x64(True):
            trace += float(np.asarray(_diagonal(_static(kernel), rows))[:count].sum())
        gram = scipy.linalg.blas.dsyrk(1.0, values.T, beta=1.0, c=gram, overwrite_c=True)
        cross = cross + values.T @ targets_of(data, positions, count)
        if progress is not None:
            progress(count)
    return Sums(gram, cross, _trace(trace), data.count)


def coefficients(corner: Float[np.ndarray, "m m"], sums: Sums, ridge: float) -> Float[np.ndarray, "m c"]:
    """(gram + lambda corner)^-1 cross, lambda = ridge * trace / n > 0; corner: K(Z, Z) in float64."""
    mean = sums.trace / sums.count
    root = root_of(corner, mean)
    solution = scipy.linalg.cho_solve(
        (_cholesky(whitened(root, sums.gram), ridge * mean), True), solved(root, sums.cross)
    )
    return scipy.linalg.solve_triangular(root, solution, lower=True, trans="T")


def root_of(corner: Float[np.ndarray, "m m"], least: float = 0.0) -> Float[np.ndarray, "m m"]:
    """L of K(Z, Z) + jitter I = L L', from K(Z, Z); the jitter is JITTER of its mean diagonal, or of `least`."""
    return _cholesky(corner, JITTER * max(np.trace(corner) / len(corner), least))


def whitened(root: Float[np.ndarray, "m m"], gram: Float[np.ndarray, "m m"]) -> Float[np.ndarray, "m m"]:
    """L^-1 G L^-T, from L and the upper triangle of G."""
    inner = gram + np.triu(gram, 1).T
    for _ in range(2):  # L^-1 (L^-1 G)' = L^-1 G L^-T
        inner = scipy.linalg.solve_triangular(root, inner, lower=True, overwrite_b=True, check_finite=False).T
    return inner


def solved(root: Float[np.ndarray, "m m"], right: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "m k"]:
    """L^-1 right."""
    return scipy.linalg.solve_triangular(root, right, lower=True)


def memory_bytes(
    n: int, d: int, c: int, v: int, *, points: int | None = None, exact: int = EXACT, block: int = BLOCK
) -> int:
    """Bytes that `kernel_ridge` needs at most, beside the inputs, the validation features and what `features` makes.

    n examples of d features and c targets, v validation rows. Above max(exact, points) examples n enters only by
    1.6 MB at most for the draw.
    """
    points = points_of(n) if points is None else points
    if n <= max(exact, points):
        m = -(-n // SHARED) * SHARED
        v = -(-v // SHARED) * SHARED
        return 8 * (4 * m * m + 3 * v * m + 6 * (m + v) * d + 4 * m * c)
    draw = min(n, 100 * points)
    chosen = 6 * points * d + draw
    stream = 5 * block * d + 4 * block * points + 3 * block * c
    v = -(-v // SHARED) * SHARED
    m = -(-points // SHARED) * SHARED
    solve = 5 * m * m + 3 * v * m + 3 * (m + v) * d + 6 * m * c
    return 8 * (chosen + 2 * v * d + points * points + max(stream, solve))


def float64_kernel(
    kernel: Kernel, a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, "n m"]:
    """Kernel of a few rows, float64. Raises ValueError if it is not finite."""
    with jax.enable_x64(True):
        filled = (_filled(side, -(-len(side) // SHARED) * SHARED) for side in (a, b))
        values = np.asarray(_kernel(_static(kernel), *filled))[: len(a), : len(b)]
    if values.dtype != np.float64:
        raise ValueError(f"the kernel of float64 rows is {values.dtype}: it must follow the type of its rows")
    if not np.isfinite(values).all():
        raise ValueError("the kernel holds NaN or infinite values")
    return values


def _exact(data, queries, centre, kernel, ridge):
    ((positions, rows),) = feature_blocks(data, centre, data.count)
    targets = targets_of(data, positions, data.count)
    inner = float64_kernel(kernel, rows, rows)
    mean = _trace(float(np.trace(inner))) / data.count
    if mean == 0:
        return np.zeros((len(queries), targets.shape[1]))
    solution = scipy.linalg.cho_solve((_cholesky(inner, ridge * mean), True), targets)
    return float64_kernel(kernel, queries, rows) @ solution


def _cholesky(matrix, shift):
    shifted = np.array(matrix, order="F")
    shifted[np.diag_indices_from(shifted)] += shift
    try:
        return scipy.linalg.cholesky(shifted, lower=True, overwrite_a=True)
    except scipy.linalg.LinAlgError:
        least = scipy.linalg.eigvalsh(matrix, subset_by_index=[0, 0])[0]
        raise ValueError(
            f"the kernel is not positive semidefinite: its smallest eigenvalue is {least:.3g}, beside {shift:.3g} added"
        ) from None
    except ValueError as error:
        raise ValueError("the kernel holds NaN or infinite values") from error


def _trace(value: float) -> float:
    if not 0 <= value < np.inf:
        raise ValueError(f"the diagonal of the kernel sums to {value}, expected a finite number >= 0")
    return value


def _positive(**values) -> None:
    for name, value in values.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive, got {value}")


def _filled(rows, size):
    return np.pad(rows, [(0, size - len(rows)), (0, 0)])


def _static(kernel: Kernel) -> Partial:
    return kernel if isinstance(kernel, Partial) else Partial(kernel)


def _gaussian(bandwidth, x: Float[Array, "n d"], y: Float[Array, "m d"]) -> Float[Array, "n m"]:
    return jnp.exp(-squared_distances(x, y) / (2 * bandwidth))


@jit
def _kernel(kernel, x, y):
    return kernel(x, y)


@jit
def _diagonal(kernel, x):
    return jax.vmap(lambda row: kernel(row[None], row[None])[0, 0])(x)
