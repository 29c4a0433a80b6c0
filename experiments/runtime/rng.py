"""Random numbers on the host, from keys."""

import jax
import numpy as np


def generator(key: jax.Array) -> np.random.Generator:
    """A NumPy generator seeded by a key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))
