"""Which numbers are more than rounding: the one rule by which a spread, a distance or a margin counts as zero."""

import numpy as np

UNITS = 8  # of the last place of the scale


def significant(spread, scale, *, dtype=np.float32):
    """Whether a spread is more than the rounding of numbers as large as `scale`; what is not counts as zero.

    spread, scale: numbers or arrays >= 0 in one unit. dtype: the least precise type in which the numbers that
    spread were computed, float32 for all that comes from kernels and distances. A bool, or one for each; False for NaN.
    """
    return spread > UNITS * np.finfo(dtype).eps * scale
