"""Condensed images: few a class, moved until networks see in them what they see in real ones (theory/README.md, 7).

Pure: arrays and a key in, arrays out. What a contributor is given of them is decided in condensed.py.
"""

from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Int, PyTree

from experiments.runtime.rng import generator
from experiments.synthetic.alignment import flat, loss
from experiments.training import recipe
from experiments.training.augmentation import moved, on_moved
from experiments.training.recipe import Recipe
from models.functional import Model
from valuation.problem import Examples


class Condense(Protocol):
    """Makes condensed images; what it compiles is kept for the next call."""

    def __call__(
        self, real: Examples, each: int, key: jax.Array, /, *, concentration: float = 0.0, trained: PyTree = None
    ) -> Examples:
        """`each` images of every class, class by class, in the range of the real ones.

        real: images (n, h, w, c) and labels (n,). each: at least 1. concentration: weight of the CMI of what the
        classifier's last layer reads. trained: its parameters after a training on real images, where the weight is
        not 0. Raises ValueError that names the first class with fewer than `each` images.
        """
        ...


def condenser(settings, model: Model, training: Recipe, classes: int) -> Condense:
    """What makes condensed images of real ones.

    settings: the group `condensation` of a config. model, training: a classifier that can be captured and how it is
    trained: its networks learn the condensed images, moved a little, one after another, each from a fresh start.
    classes: how many.
    """
    slower = optax.cosine_decay_schedule(settings.learning_rate, settings.networks * settings.steps)
    adam, training = optax.adam(slower), training._replace(loss=on_moved(training.loss))

    @jax.jit
    def move(images, inputs, batches, bits, moves, concentrated):
        low, high = inputs.min(), inputs.max()
        labels = jnp.repeat(jnp.arange(images.shape[0], dtype=jnp.int32), images.shape[1])

        def step(state, given):
            images, moments, network = state
            rows, turn = given
            key = jax.random.fold_in(moves, turn)

            def mismatch(images):  # seen from one side, which changes from step to step
                made, seen = (_moved_alike(some, key) for some in (images, inputs[rows]))
                return loss(model, network[0], made, seen, concentrated)

            gradient = jax.grad(mismatch)(images)
            change, moments = adam.update(gradient, moments)
            images = jnp.clip(images + change, low, high)
            for _ in range(settings.inner):
                network, _ = recipe.step(training, network, Examples(flat(images), labels), training.frozen)
            return (images, moments, network), None

        def with_network(state, given):
            steps, bits = given
            (images, moments, _), _ = jax.lax.scan(step, (*state, recipe.begin(training, bits)), steps)
            return (images, moments), None

        turns = jnp.arange(batches.shape[0] * batches.shape[1]).reshape(batches.shape[:2])
        (images, _), _ = jax.lax.scan(with_network, (images, adam.init(images)), ((batches, turns), bits))
        return images

    def condense(real, each, key, /, *, concentration=0.0, trained=None) -> Examples:
        chosen, batches, networks, moves = jax.random.split(key, 4)
        by_class = rows_of_classes(real.targets, classes, each)
        rng = generator(chosen)
        start = np.stack([real.inputs[rng.choice(some, each, replace=False)] for some in by_class])
        rng, shape = generator(batches), (settings.networks, settings.steps, settings.batch)
        rows = np.stack([rng.choice(some, shape).astype(np.int32) for some in by_class], axis=2)
        bits = jax.random.key_data(jax.random.split(networks, settings.networks))
        concentrated = (jnp.float32(concentration), trained) if concentration else None
        images = np.asarray(move(start, real.inputs, rows, bits, moves, concentrated))
        labels = np.repeat(np.arange(len(by_class), dtype=np.int32), each)
        return Examples(images.reshape(-1, *images.shape[2:]), labels)

    return condense


def rows_of_classes(labels: Int[np.ndarray, " n"], classes: int, least: int) -> list[np.ndarray]:
    """The rows of every class. Raises ValueError that names the first one with fewer than `least`."""
    rows = [np.flatnonzero(labels == label) for label in range(classes)]
    for label, some in enumerate(rows):
        if len(some) < least:
            raise ValueError(
                f"class {label} has {len(some)} real images, {least} condensed ones of it are asked for: expected "
                "no more than there are"
            )
    return rows


def _moved_alike(images, key):
    return moved(flat(images), key, alike=True).reshape(images.shape)
