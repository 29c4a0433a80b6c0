"""Several processes, on one host or many, that run the same lines on the same data: how they agree.

The first one alone writes and shows progress. All functions but `is_main_process` are calls that all must make.
"""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from valuation.workers import gather

FAILURES = (ValueError, OSError, FloatingPointError)  # what a run may raise, and says in one line
WORDS = 1000  # bytes of such a line that other processes get


def is_distributed() -> bool:
    """Whether there are others; asking does not start JAX's devices."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_main_process() -> bool:
    """Whether this process is the one that writes and shows progress."""
    return not is_distributed() or jax.process_index() == 0


def raise_together(function: Callable) -> Any:
    """What function() returns in this process; what one of FAILURES it raises in any process is raised in all."""
    if not is_distributed():
        return function()
    result, failure, line = None, None, np.zeros(WORDS, np.uint8)
    try:
        result = function()
    except FAILURES as error:
        failure, text = error, f"{type(error).__name__}: {error}".encode()[:WORDS]
        line[: len(text)] = np.frombuffer(text, np.uint8)
    for number, other in enumerate(gather(line)):
        if failure is not None and number == jax.process_index():
            raise failure
        if other.any():
            raise ValueError(f"process {number} stopped: {other.tobytes().rstrip(bytes(1)).decode(errors='replace')}")
    return result


def from_main_process(text: Callable[[], str]) -> str:
    """text() of the first process, in all."""
    words = raise_together(lambda: text() if is_main_process() else "")
    if not is_distributed():
        return words
    content = words.encode()
    size = int(gather(np.int64(len(content)))[0])
    row = np.zeros(size, np.uint8)
    row[: len(content)] = np.frombuffer(content, np.uint8)
    return gather(row)[0].tobytes().decode() if size else ""


def true_everywhere(true: bool) -> bool:
    """Whether it is true in all processes: for decisions that they must make alike."""
    return all(gather(np.bool_(true))) if is_distributed() else true


@contextmanager
def one_at_a_time():
    """One process after another, the first one first: for what is made on a disk that they may share."""
    turns = jax.process_count() if is_distributed() else 1
    for _ in range(jax.process_index() if turns > 1 else 0):
        gather(np.bool_(True))
    try:
        yield
    finally:
        for _ in range(turns - jax.process_index() if turns > 1 else 0):
            gather(np.bool_(True))
