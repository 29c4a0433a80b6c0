"""Study (a): a Monte-Carlo learner that knows what it has seen, against the closed form, over real share and cutoff."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from experiments.runtime.rng import generator
from experiments.studies.phases.curves import Curve, Study
from experiments.synthetic.sampling import measured_cutoff, sampled
from theory.draws import LARGEST_RANK
from theory.knowledge import power_law, simulated_error
from theory.phases import expected_error

SHOWN = 100_000  # ranks of the real distribution that are written out; more than any cutoff


def load(settings, data_dir, devices, seed: int) -> Study:
    """Infinitely many ranks of frequency i^-exponent; synthetic draws never go beyond the cutoff."""
    real = power_law(settings.exponent, SHOWN)

    def describe(curve: Curve) -> dict:
        synthetic = sampled(real, curve.mechanism, curve.strength, None)
        return measured_cutoff(real, synthetic, curve.share)._asdict() | {"exponent": settings.exponent}

    def measure(curve: Curve, keys: list, folder) -> list[list[dict]]:
        synthetic = sampled(real, curve.mechanism, curve.strength, None)
        head, laws = synthetic > 0, exact(curve)
        return [
            [point(n, curve, head, synthetic, rng) | {"law": law} for n, law in zip(settings.sizes, laws, strict=True)]
            for rng in map(generator, keys)
        ]

    def exact(curve: Curve) -> list[float]:
        sizes = np.array(settings.sizes, float)
        with jax.enable_x64(True):
            return expected_error(
                curve.share * sizes, (1 - curve.share) * sizes, exponent=settings.exponent, cutoff=curve.strength
            ).tolist()

    def point(n: int, curve: Curve, head, synthetic, rng) -> dict:
        n_real = rng.binomial(n, curve.share)
        # NumPy draws any number without compiling anew; counts of synthetic ranks are drawn all at once
        shown = np.minimum(rng.zipf(settings.exponent, n_real), LARGEST_RANK)
        repeated = 1 + np.flatnonzero(rng.multinomial(n - n_real, synthetic[head]))
        ranks = jnp.asarray(np.concatenate([shown, repeated]), jnp.int32)
        error = simulated_error(ranks, exponent=settings.exponent)
        missed = np.setdiff1d(1 + np.flatnonzero(head), np.union1d(shown, repeated))
        in_head = float(real[missed - 1].sum())
        return {"n": int(n), "error": error, "head": in_head, "tail": error - in_head}

    pairs = itertools.product(settings.mechanisms.truncation, settings.shares)
    every = [Curve("simulation", share, "truncation", float(cutoff)) for cutoff, share in pairs]
    return Study(every, describe, measure, {"exponent": settings.exponent, "learner": "knows every item it has seen"})
