"""What a step of LoRA in the last blocks costs: on kept states, with the trunk before it, and in all blocks instead.

Cases of experiments/benchmarks/language_model.py: functions without arguments that are timed, and what they work on. A
step is Adam on 8 rows of 96 tokens, 32 of them of the response, over a head of 6,000 words.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.tasks.response_head import head, response_loss
from experiments.training import recipe
from models.functional import Model
from models.lora import with_lora
from models.trunk import cut
from valuation.problem import Examples

LAST, RANK, ADAPTED = 2, 16, ("q", "k", "v", "o")
BATCH, LENGTH, PROMPT, RESPONSE, WORDS = 8, 96, 48, 32, 6_000


class Timed(NamedTuple):
    """What is called again and again, the tokens of a call, and how often it passes through all blocks."""

    call: Callable
    tokens: int
    passes: float


def forward(model: Model, tokens: np.ndarray) -> Timed:
    """Logits of all positions."""
    apply, rows = jax.jit(model.apply), _rows(tokens)
    return Timed(lambda: apply(model.params, model.frozen, rows), rows.size, 1)


def trunk_forward(model: Model, tokens: np.ndarray) -> Timed:
    """States before the last blocks, as they are kept."""
    (trunk, _), rows = cut(model, _block(model)), _rows(tokens)
    apply = jax.jit(trunk.apply)
    return Timed(
        lambda: apply(trunk.params, trunk.frozen, rows), rows.size, _block(model) / len(model.params["blocks"])
    )


def step_on_states(model: Model, tokens: np.ndarray) -> Timed:
    """LoRA in the last blocks; what comes before them was computed once."""
    (trunk, top), rows = cut(model, _block(model)), _rows(tokens)
    states = jax.jit(trunk.apply)(trunk.params, trunk.frozen, rows).astype(jnp.bfloat16)
    return _step(top, rows, states, None, _share(model, LAST))


def step_with_trunk(model: Model, tokens: np.ndarray) -> Timed:
    """The same step with the trunk before it."""
    rows = _rows(tokens)
    return _step(model, rows, rows, LAST, _share(model, LAST) + _block(model) / len(model.params["blocks"]))


def step_everywhere(model: Model, tokens: np.ndarray) -> Timed:
    """LoRA in all blocks."""
    rows = _rows(tokens)
    return _step(model, rows, rows, None, _share(model, len(model.params["blocks"])))


CASES: dict[str, Callable[[Model, np.ndarray], Timed]] = {
    one.__name__: one for one in (forward, trunk_forward, step_on_states, step_with_trunk, step_everywhere)
}


def _block(model: Model) -> int:
    return max(len(model.params["blocks"]) - LAST, 0)


def _share(model: Model, blocks: int) -> float:
    """Passes through all blocks that going forward and back through so many of the last ones is.

    The last one counts where the response is: what it computes elsewhere, keys and values, is left out.
    """
    return 2 * (blocks - 1 + RESPONSE / LENGTH) / len(model.params["blocks"])


def _rows(tokens: np.ndarray) -> np.ndarray:
    return np.resize(tokens, (BATCH, LENGTH)).astype(np.int32)


def _step(model: Model, rows: np.ndarray, inputs, last: int | None, passes: float) -> Timed:
    """inputs: what the model reads in place of the rows."""
    build = partial(with_lora, model, ADAPTED, rank=RANK, last=last)
    adapted = build(key=jax.random.key(0))
    assert adapted.readout is not None
    size = jax.eval_shape(adapted.readout.weights, adapted.params, adapted.frozen).shape[1]
    mask = np.broadcast_to((np.arange(LENGTH) >= PROMPT) & (np.arange(LENGTH) < PROMPT + RESPONSE), rows.shape)
    words = np.union1d(rows, np.arange(min(WORDS, size)))
    frozen = {"model": adapted.frozen, "head": head(adapted, words)}
    adam = recipe.optimizer("adam", {"learning_rate": 1e-4})
    initialise = lambda key: build(key=key).params  # noqa: E731
    made = recipe.Recipe(response_loss(adapted, RESPONSE), initialise, frozen, adam, 1, BATCH)
    state = recipe.begin(made, jax.random.key_data(jax.random.key(1)))
    examples = Examples(inputs, np.roll(rows, -1, 1), mask)
    run = jax.jit(partial(recipe.step, made))
    return Timed(lambda: run(state, examples, frozen), rows.size, passes)
