"""The loop of both kinds of training: some steps on the devices, a look at their losses, perhaps a checkpoint."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Float, PyTree

CHUNK = 100  # steps between two looks at the losses, at most


def run(
    advance: Callable[[PyTree, slice], tuple[PyTree, jax.Array]],
    state: PyTree,
    steps: range,
    *,
    names: list[str],
    look: int,
    progress: Callable[[int], object],
    save: Callable[[int, PyTree], None],
) -> PyTree:
    """The state after those steps.

    advance: (state, which steps) -> (the state after them, losses (trainings, steps)).
    names: of the trainings, for messages. look: steps of a chunk, where that is less than CHUNK. progress: told how
        many steps were done. save: given (step, state) between two chunks, for a checkpoint if one is due.
    Raises FloatingPointError at the first loss that is not finite, naming training and step.
    """
    for first in range(steps.start, steps.stop, chunk := min(look, CHUNK)):
        end = min(first + chunk, steps.stop)
        state, losses = advance(state, slice(first, end))
        check_losses(np.asarray(losses), names, first)
        progress(end - first)
        if end < steps.stop:
            save(end, state)
    return state


def check_losses(losses: Float[np.ndarray, "trainings steps"], names: list[str], done: int) -> None:
    """Raises FloatingPointError at the first loss that is not finite; `losses` are those after step `done`."""
    bad = ~np.isfinite(losses)
    if bad.any():
        step = int(bad.any(0).argmax())
        name = names[int(bad[:, step].argmax())]
        raise FloatingPointError(
            f"the loss of {name} is not finite at step {done + step + 1}: lower the learning rate, or look at its data"
        )
