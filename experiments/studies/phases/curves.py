"""What a scaling study is: curves of error against size, and how one of them is measured."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax

REAL = "real"  # the mechanism of a curve without synthetic data


class Curve(NamedTuple):
    """One curve: training sets of growing size, a fixed share of them real, the rest made by one mechanism.

    strength: in the mechanism's unit (experiments/synthetic/sampling.py); 0 for "real".
    """

    study: str
    share: float
    mechanism: str = REAL
    strength: float = 0.0


class Study(NamedTuple):
    """Curves and how to measure them.

    describe: curve -> facts about its synthetic data, among them experiments.synthetic.sampling.Cutoff; {} for "real".
    measure: (curve, keys, checkpoint folder) -> for each key a list of points, one a size:
        {"n", "error", "head", "tail", "law"}; error = head + tail, the law's prediction from the generator, or None.
    notes: facts about the data that belong into the report.
    """

    curves: list[Curve]
    describe: Callable[[Curve], dict[str, Any]]
    measure: Callable[[Curve, list[jax.Array], Path | None], list[list[dict]]]
    notes: dict[str, Any]


def curves(name: str, settings) -> list[Curve]:
    """Every mechanism at every strength and share, then all real where that is asked for.

    settings: shares; mechanisms {name: strengths}; strengths are measured at the first share, and the first
        strength of `across` at all shares.
    """
    every = []
    for mechanism, strengths in settings.mechanisms.items():
        every += [Curve(name, settings.shares[0], mechanism, strength) for strength in strengths]
    for mechanism in settings.across:
        strength = settings.mechanisms[mechanism][0]
        every += [Curve(name, share, mechanism, strength) for share in settings.shares[1:]]
    return every + [Curve(name, 1.0)] * settings.all_real


def key_of(seed: int, curve: Curve, repeat: int) -> jax.Array:
    """The key of one repeat of a curve: the same whatever else is measured, and in whatever order."""
    name = zlib.crc32(repr(tuple(curve)).encode()) & 0x7FFFFFFF
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), name), repeat)
