"""Which sources hold validation examples, and which share of one looks so by chance."""

import numpy as np

from experiments.studies.sources.answer import Data, Value

LEAKS = "stands in validation, or has a near copy there"  # reasons why examples are left out
COPIES = "has a near copy among the real examples"
CLEAR = 3.0  # standard errors by which a share must lie above that of the real examples


def leaks_of(data: Data, value: Value) -> float:
    """Share of a source's examples that stand in validation or nearly so; 0 where none do, or chance explains it, or
    they were left out.

    Chance is what the real examples show: how many repeat each other, and how many have a near copy in validation.
    """
    source, found = next(one for one in data.sources if one.name == value.source), value.drivers
    if LEAKS in source.left_out:
        return 0.0
    size, real = source.used, data.real.used
    near = (data.near_validation * real + 1) / (real + 2)  # so that none among a few does not say never
    if is_clear(found.near_validation, size, near, real):
        return found.near_validation
    return found.in_validation if is_clear(found.in_validation, size, data.repeated, real) else 0.0


def is_clear(share: float, count: int, expected: float, others: int) -> bool:
    """Whether a share of `count` examples lies above that expected from `others`, by more than chance may do."""
    spread = float(np.sqrt(max(expected * (1 - expected), 0.0) * (1 / max(count, 1) + 1 / max(others, 1))))
    return share > expected + CLEAR * spread
