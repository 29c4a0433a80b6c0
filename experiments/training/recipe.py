"""How a model is trained: loss, optimizer, steps and batches, and one pure step."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Int, PyTree

from valuation.problem import Examples


class Optimizer(NamedTuple):
    """An optimizer of optax that knows its name and settings, which optax hides in closures.

    init: params -> opt_state. update: (gradient, opt_state, params) -> (change of the params, the next opt_state).
    """

    name: str
    settings: dict[str, float]
    init: Callable[[PyTree], PyTree]
    update: Callable[[PyTree, PyTree, PyTree], tuple[PyTree, PyTree]]


def optimizer(name: str, settings: dict[str, float]) -> Optimizer:
    """optax's optimizer of that name with those settings, as ("adam", {"learning_rate": 1e-3})."""
    return Optimizer(name, settings, *getattr(optax, name)(**settings))


# (params, frozen, examples, key) -> (b,) one loss an example
Loss: TypeAlias = Callable[[PyTree, PyTree, Examples, jax.Array], jax.Array]


class Recipe(NamedTuple):
    """How a model is trained.

    loss: (params, frozen, examples, key) -> (b,) one loss an example.
    initialise: key -> params.
    frozen: weights that the loss needs and that stay as they are.
    steps, batch: how many updates, and of how many examples each.
    sharded: whether one training takes all devices, and each holds a part of the weights: sharded.py.
    pieces: into how many equal pieces a batch is cut, one in memory at a time; their gradients are averaged.
    look: steps after which losses are looked at and a checkpoint may be written: few where a step takes long.
    check: raises ValueError, before a training begins, for a set that the loss cannot take.
    """

    loss: Loss
    initialise: Callable[[jax.Array], PyTree]
    frozen: PyTree
    optimizer: Optimizer
    steps: int
    batch: int
    sharded: bool = False
    pieces: int = 1
    look: int = 100
    check: Callable[[Examples], None] | None = None


class Part(NamedTuple):
    """Some examples of a set that many trainings share and that is held once: its rows, (n,) int."""

    whole: Examples
    rows: np.ndarray


class Trainings(NamedTuple):
    """Trainings of one recipe: the set, the key and the name (for messages) of each, and the title of the bar."""

    sets: list[Part]
    keys: list[jax.Array]
    names: list[str]
    title: str


def parts(sets: Sequence[Examples | Part]) -> list[Part]:
    """Every set as a Part, of itself where it is none."""
    return [one if isinstance(one, Part) else Part(one, np.arange(len(one.inputs))) for one in sets]


def adam(loss: Loss, initialise: Callable[[jax.Array], PyTree], frozen: PyTree, settings) -> Recipe:
    """Training by Adam; settings: a config's entry with learning_rate, steps and batch."""
    adam = optimizer("adam", {"learning_rate": settings.learning_rate})
    return Recipe(loss, initialise, frozen, adam, settings.steps, settings.batch)


def batches(count: int, steps: int, batch: int, key: jax.Array) -> Int[np.ndarray, "steps batch"]:
    """Rows of every step, int32: shuffled epochs of `count` rows, one after the other, a function of the key alone."""
    epochs = -(-steps * batch // count)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    rows = rng.permuted(np.tile(np.arange(count, dtype=np.int32), (epochs, 1)), axis=1)
    return rows.reshape(-1)[: steps * batch].reshape(steps, batch)


def begin(recipe: Recipe, bits: jax.Array) -> tuple[PyTree, PyTree, jax.Array, jax.Array]:
    """(params, opt_state, key data, step 0) of a training that starts from the key with this data.

    The key travels as data (its bits), which files, other processes and gathers take.
    """
    init, key = jax.random.split(jax.random.wrap_key_data(bits))
    params = recipe.initialise(init)
    return params, recipe.optimizer.init(params), jax.random.key_data(key), jnp.zeros((), jnp.int32)


def step(recipe: Recipe, state: tuple, examples: Examples, frozen: PyTree) -> tuple[tuple, jax.Array]:
    """One update: ((params, opt_state, key data, step), examples) -> (the next state, mean loss)."""
    params, opt_state, bits, count = state

    def mean_loss(params, some: Examples):
        return recipe.loss(params, frozen, some, jax.random.fold_in(jax.random.wrap_key_data(bits), count)).mean()

    def add(total, some: Examples):
        return jax.tree.map(jnp.add, total, jax.value_and_grad(mean_loss)(params, some)), None

    # every device, which holds neighbouring rows, has some of them in every piece
    pieces = jax.tree.map(lambda x: x.reshape(-1, recipe.pieces, *x.shape[1:]).swapaxes(0, 1), examples)
    total = jax.value_and_grad(mean_loss)(params, jax.tree.map(lambda x: x[0], pieces))
    if recipe.pieces > 1:
        total, _ = jax.lax.scan(add, total, jax.tree.map(lambda x: x[1:], pieces))
    loss, gradient = jax.tree.map(lambda x: x / recipe.pieces, total)
    update, opt_state = recipe.optimizer.update(gradient, opt_state, params)
    return (optax.apply_updates(params, update), opt_state, bits, count + 1), loss


def described(recipe: Recipe) -> dict[str, Any]:
    """Those fields of the recipe that JSON can hold and that its numbers depend on: part of a fingerprint."""
    return {
        "optimizer": recipe.optimizer.name,
        **recipe.optimizer.settings,
        **{name: getattr(recipe, name) for name in ("steps", "batch", "sharded", "pieces")},
    }
