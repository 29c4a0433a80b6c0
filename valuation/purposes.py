"""What the key of a problem is used for: one number a purpose, so that no two methods ever draw the same numbers."""

from enum import IntEnum, unique

import jax


@unique
class Purpose(IntEnum):
    """The number that is folded into Problem.key. A new purpose takes a new number; none is ever given twice."""

    PROXY_TRAINING = 1
    CALIBRATION = 2  # which contributors the calibrated score retrains, and how
    LOGRA = 3
    TRAK = 4
    INFLUENCE = 5
    TANGENT = 6  # the sketch of sequences' gradients, one for all methods that need their tangent kernel
    RANDOM = 7
    INDUCING = 8  # the examples that stand for a large contributor, one draw for all Gaussian kernels
    REFERENCES = 11  # the examples from which the discrepancy within a large contributor is estimated
    UNIONS = 12  # the examples that stand for all contributors together, where unions of their parts are fitted
    COVARIATES = 20  # which examples a measure looks at, where it does not look at all
    SHAPLEY = 13  # orders of arrival
    BANZHAF = 14  # coalitions
    EKFAC = 15  # examples of which the Fisher matrix is made, and the targets drawn from the model


def purpose_key(key: jax.Array, purpose: Purpose) -> jax.Array:
    """The key of one purpose, from the key of a problem."""
    return jax.random.fold_in(key, int(purpose))
