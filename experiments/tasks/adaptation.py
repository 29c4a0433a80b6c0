"""LoRA beside a pretrained decoder: in its last blocks, on kept states of those below, or in all of them.

Blocks below the trained ones are frozen, so that their output for a row is the same at every step, in every training
and for every method. With config.model.states it is computed once (kept_states.py) and looked up by the row
(models/remembered.py): everybody else goes on reading tokens.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.data.archives import SMOLLM2, data_folder, member, sha256
from experiments.runtime import mesh
from experiments.tasks.kept_states import Source, kept_states
from experiments.tasks.response_head import check_head, head, response_loss, words_of
from experiments.tasks.task import OnPool
from experiments.tasks.token_rows import Coder
from experiments.training.recipe import Recipe, adam
from models.functional import Model
from models.lora import with_lora
from models.pretrained import from_folder, from_gguf
from models.remembered import Memory, holds, memory, remembering
from models.trunk import cut
from valuation.problem import Examples

MODEL = 1  # purpose of the key of a task
LOOK = 10  # steps between two checkpoints: one takes a third of a second and more


class Learned(NamedTuple):
    """What learns responses: a model, its training, and what both become once the pool of a draw is known.

    A model that looks rows up holds none before. on_pool: as Task.on_pool; None where nothing depends on the pool.
    states: rows of tokens (n, t) -> states (n, t, d) before the blocks that are trained; None where none are kept.
    """

    model: Model
    recipe: Recipe
    on_pool: OnPool | None = None
    states: Callable[[np.ndarray], np.ndarray] | None = None


def adapted(config, coder: Coder, data_dir: str | None) -> Learned:
    """The pretrained decoder that config.model names: LoRA in its last config.model.last blocks, or in all.

    coder: its tokenizer. data_dir: as in archives.data_folder.
    Raises ValueError for states to keep where all blocks are trained or the metric needs the whole decoder.
    """
    shape, length = config.model, config.tokens.length
    if shape.states:
        _check_states(config)
    base, weights = whole(config, data_dir)
    adapt = {"names": tuple(shape.adapted), "rank": shape.rank}
    states, top = None, base
    if shape.states:
        layers = len(base.params["blocks"])
        block, width = max(layers - shape.last, 0), base.params["norm"]["scale"].shape[0]
        trunk, top = cut(base, block)
        source = Source(trunk, f"{weights()} {shape.dtype}", block, width)
        states = kept_states(source, data_folder(data_dir) / "features", shape.states)
    build = partial(with_lora, top, **adapt, last=None if shape.states else shape.last or None)
    learner = build(key=jax.random.key(MODEL))

    def on_pool(pool: Examples, read: Sequence[Examples]) -> tuple[Model, Recipe]:
        model, held = learner, None
        if states is not None:
            rows = np.concatenate([np.zeros((0, length), np.int32), *(examples.inputs for examples in read)])
            held = memory(rows, states)
            model = remembering(learner, held)
        words = words_of(pool, coder.ends)
        if len(pool.inputs):
            model = model._replace(words=words)
        return model, recipe(config, model, held, words, lambda key: build(key=key).params)

    nothing = Examples(*(np.zeros((0, length), kind) for kind in (np.int32, np.int32, bool)))
    return Learned(*on_pool(nothing, ()), on_pool, states)


def whole(config, data_dir: str | None) -> tuple[Model, Callable[[], str]]:
    """(the pretrained decoder that config.model names, what gives a hash of its files).

    config.training.sharded: every weight goes from the file to where its parts lie on all devices, and stays there.
    """
    devices = mesh.devices()

    def place(array):
        return mesh.place(array, mesh.sharded(array, devices))

    how = {"dtype": jnp.dtype(config.model.dtype), "place": place if config.training.sharded else jnp.array}
    if config.model.name == "folder":
        return from_folder(config.model.folder, **how).model, partial(_hash_of_folder, Path(config.model.folder))
    path = member("smollm2", SMOLLM2, data_dir)
    return from_gguf(path, **how).model, partial(sha256, path)


def recipe(config, model: Model, held: Memory | None, words: np.ndarray, initialise: Callable) -> Recipe:
    """Adam on the mean nats a response token, over these words.

    held: the memory that the model looks rows up in, if it does. words: of the pool, as of words_of. initialise: key ->
    parameters.
    """
    training, most = config.training, min(config.tokens.response, config.tokens.length)
    of_words = head(model, words)

    def check(examples: Examples) -> None:
        check_head(of_words, examples, most)
        if held is not None and not (known := holds(held, examples.inputs)).all():
            raise ValueError(
                f"example {int(np.argmin(known))} has no states: they were looked up for the rows of another pool"
            )

    made = adam(response_loss(model, most), initialise, {"model": model.frozen, "head": of_words}, training)
    return made._replace(sharded=training.sharded, pieces=training.pieces, look=LOOK, check=check)


def _check_states(config) -> None:
    shape = config.model
    if not shape.last:
        raise ValueError(
            "config.model.states keeps what comes before the adapted blocks, but model.last = 0 adapts all of them: "
            "set states to 0, or last to a number of blocks"
        )
    if config.training.sharded:
        raise ValueError("config.model.states is for a model that fits one device: set it or training.sharded to 0")
    if config.metric != "minus_nats_per_byte":
        raise ValueError(f"metric {config.metric!r} is of texts that the whole decoder writes: set model.states to 0")


def _hash_of_folder(folder: Path) -> str:
    paths = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
    return hashlib.sha256("".join(map(sha256, paths)).encode()).hexdigest()
