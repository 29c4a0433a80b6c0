"""Values that look at no input: how large a contributor is, how much of it is real, and chance."""

import jax
import numpy as np
from jaxtyping import Float

from valuation.problem import Problem
from valuation.purposes import Purpose, purpose_key


def size(problem: Problem) -> Float[np.ndarray, " C"]:
    """Number of examples, duplicates included."""
    return np.array([float(len(c.index)) for c in problem.contributors])


def real_count(problem: Problem) -> Float[np.ndarray, " C"]:
    """Number of real examples."""
    return np.array([float(c.real.sum()) for c in problem.contributors])


def real_share(problem: Problem) -> Float[np.ndarray, " C"]:
    """Share of real examples, omega."""
    return np.array([float(c.real.mean()) for c in problem.contributors])


def random(problem: Problem) -> Float[np.ndarray, " C"]:
    """Uniform numbers in [0, 1): what chance gives."""
    return np.asarray(jax.random.uniform(purpose_key(problem.key, Purpose.RANDOM), (len(problem.contributors),)))
