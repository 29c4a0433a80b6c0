"""Four laws for the error of a model against the number of examples: error = floor + amplitude * shape(n).

A shape takes internal coordinates (logarithms where a parameter spans decades) and returns log shape at each point.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from theory.phases import expected_error


class Law(NamedTuple):
    """One shape. Its coordinates are the parameters `names`, or their logarithms where `in_logs`."""

    names: tuple[str, ...]
    in_logs: tuple[bool, ...]
    shape: Callable[..., Array]  # (coordinates (d,), n_real (n,), n_synthetic (n,), shots) -> log shape (n,)
    bounds: Callable[[np.ndarray], np.ndarray]  # samples (n,) -> (2, d): least and greatest coordinates
    grid: Callable[[np.ndarray], np.ndarray]  # samples (n,) -> (g, d): coordinates from which fits start


def power(coordinates: Float[Array, "1"], n_real: Float[Array, "n"], n_synthetic: Float[Array, "n"], shots):
    """n^-c (theory/README.md, 1.5, law i)."""
    return -coordinates[0] * jnp.log(n_real + n_synthetic)


def rectified(coordinates: Float[Array, "2"], n_real: Float[Array, "n"], n_synthetic: Float[Array, "n"], shots):
    """1 / (n0^c + n^c): SynthLLM's B / (D_l + n^c) with D_l = n0^c (1.5, law ii)."""
    decay, log_onset = coordinates
    return -jnp.logaddexp(decay * log_onset, decay * jnp.log(n_real + n_synthetic))


def three_phase(coordinates: Float[Array, "2"], n_real: Float[Array, "n"], n_synthetic: Float[Array, "n"], shots):
    """The closed form of 1.2 with a cutoff that need not be whole (1.5, law iii)."""
    exponent, log_cutoff = coordinates
    return jnp.log(expected_error(n_real, n_synthetic, exponent=exponent, cutoff=jnp.exp(log_cutoff), shots=shots))


def three_phase_of_unknown_share(
    coordinates: Float[Array, "3"], n_real: Float[Array, "n"], n_synthetic: Float[Array, "n"], shots
):
    """Law iii for n = n_real + n_synthetic examples whose real share is fitted too (1.5, the test of T2/T1)."""
    total, share = n_real + n_synthetic, jnp.exp(coordinates[2])
    return three_phase(coordinates[:2], share * total, (1 - share) * total, shots)


def piecewise(coordinates: Float[Array, "5"], n_real: Float[Array, "n"], n_synthetic: Float[Array, "n"], shots):
    """Three power laws joined at t1 and t2, 1 at t1 (1.5, law iv)."""
    before, plateau, after, one, other = coordinates
    first, second = jnp.minimum(one, other), jnp.maximum(one, other)
    x = jnp.log(n_real + n_synthetic)
    middle = jnp.clip(x, first, second) - first
    return before * jnp.minimum(x - first, 0) + plateau * middle + after * jnp.maximum(x - second, 0)


def _product(*axes) -> np.ndarray:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def _power_bounds(samples):
    return np.array([[0.0], [5.0]])


def _power_grid(samples):
    return np.linspace(0.02, 2, 60)[:, None]


def _rectified_bounds(samples):
    low, high = np.log([samples.min(), samples.max()])
    return np.array([[0.0, low - 200], [5.0, high + 5]])  # the least onset makes it a power law


def _rectified_grid(samples):
    low, high = np.log([samples.min(), samples.max()])
    return _product(np.linspace(0.05, 2, 25), np.append(np.linspace(low - 2, high, 15), low - 100))


def _three_phase_bounds(samples):
    return np.array([[1.05, 0.0], [5.0, np.log(samples.max() + 10)]])


def _three_phase_grid(samples):
    """Cutoffs from 1 to where the head of that exponent would take all samples."""
    exponent, part = _product(np.array([1.1, 1.2, 1.3, 1.4, 1.55, 1.7, 1.9, 2.2, 2.6, 3.2]), np.linspace(0, 1, 18)).T
    return np.stack([exponent, part * np.log(samples.max()) / exponent], axis=1)


def _free_share_bounds(samples):
    return np.concatenate([_three_phase_bounds(samples), [[np.log(1e-7)], [0.0]]], axis=1)


def _free_share_grid(samples):
    shapes = _three_phase_grid(samples)
    shares = np.log(np.geomspace(1e-4, 0.5, 6))
    return np.concatenate([np.repeat(shapes, 6, axis=0), np.tile(shares, len(shapes))[:, None]], axis=1)


def _piecewise_bounds(samples):
    """Joints leave at least two different samples on each side; no phase rises."""
    inner = np.log(np.unique(samples)[[1, -2]])
    return np.array([[-4.0, -4.0, -4.0, inner[0], inner[0]], [0.0, 0.0, 0.0, inner[1], inner[1]]])


def _piecewise_grid(samples):
    low, high = np.log(np.unique(samples)[[1, -2]])
    joints = np.linspace(low, high, 8)
    first, second = np.array([(a, b) for i, a in enumerate(joints) for b in joints[i + 1 :]]).T
    slopes = _product(np.array([-0.1, -0.3, -0.6, -1.2]), np.array([-0.02, -0.15]), np.array([-0.1, -0.3, -0.6, -1.2]))
    joints = np.stack([first, second], axis=1)
    return np.concatenate([np.repeat(slopes, len(joints), axis=0), np.tile(joints, (len(slopes), 1))], axis=1)


JOINTS = ("first_breakpoint", "second_breakpoint")
LAWS = {
    "power": Law(("decay",), (False,), power, _power_bounds, _power_grid),
    "rectified": Law(("decay", "onset"), (False, True), rectified, _rectified_bounds, _rectified_grid),
    "three_phase": Law(("exponent", "cutoff"), (False, True), three_phase, _three_phase_bounds, _three_phase_grid),
    "piecewise": Law(
        ("first_slope", "plateau_slope", "last_slope", *JOINTS),
        (False, False, False, True, True),
        piecewise,
        _piecewise_bounds,
        _piecewise_grid,
    ),
}
FREE_SHARE = Law(
    ("exponent", "cutoff", "real_share"),
    (False, True, True),
    three_phase_of_unknown_share,
    _free_share_bounds,
    _free_share_grid,
)
