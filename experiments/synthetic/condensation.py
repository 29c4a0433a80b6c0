"""Condensed images: few a class, moved until networks see in them what they see in real ones (theory/README.md, 7).

Pure: arrays and a key in, arrays out. What a contributor is given of them is decided in condensed.py.
"""

from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PyTree

from experiments.runtime.rng import generator
from experiments.training import recipe
from experiments.training.augmentation import moved, on_moved
from experiments.training.recipe import Recipe
from models.functional import Model
from models.losses import cross_entropy
from valuation.problem import Examples

NEAR_OUTPUT, OTHERS = 1.0, 0.1  # weights of the outputs and of what the last layer reads; of all other layers
DISCRIMINATION = 0.01  # weight of that term


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
    adam, training = optax.adam(settings.learning_rate), training._replace(loss=on_moved(training.loss))

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
                network, _ = recipe.step(training, network, Examples(_flat(images), labels), training.frozen)
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


def layer_inputs(model: Model, params: PyTree, images: Float[Array, "n ..."]) -> list[Float[Array, "n d"]]:
    """What is aligned, from output to input: the outputs, and what every dense layer but the first reads.

    A convolution is a dense layer of patches. The first would read the images themselves.
    """
    assert model.tapped is not None
    outputs, read = model.tapped(params, model.frozen, {}, images)
    dense = [x for name, x in read.items() if model.layers[name].kind == "dense"]
    return [x.reshape(len(x), -1) for x in (outputs, *dense[:0:-1])]


def misalignment(made: list[Float[Array, "c m d"]], real: list[Float[Array, "c b d"]]) -> Float[Array, ""]:
    """Weighted sum over layers of the squared distances between the class means of condensed and real images."""
    weights = [NEAR_OUTPUT if layer < 2 else OTHERS for layer in range(len(made))]
    squares = [jnp.square(x.mean(1) - y.mean(1)).sum() for x, y in zip(made, real, strict=True)]
    return sum((weight * square for weight, square in zip(weights, squares, strict=True)), jnp.zeros(()))


def discrimination(made: Float[Array, "c m d"], real: Float[Array, "c b d"]) -> Float[Array, ""]:
    """Mean cross-entropy, nats, of real features whose logits are their products with the condensed class means."""
    logits = real.reshape(-1, real.shape[-1]) @ made.mean(1).T
    return cross_entropy(logits, jnp.repeat(jnp.arange(len(real)), real.shape[1])).mean()


def concentration_of(features: Float[Array, "c m d"]) -> Float[Array, ""]:
    """valuation.covariates.concentration.class_concentration of m examples a class, with a gradient."""
    log_p = jax.nn.log_softmax(features)
    mean = jax.nn.logsumexp(log_p, axis=1, keepdims=True) - jnp.log(features.shape[1])
    return (jnp.exp(log_p) * (log_p - mean)).sum(-1).mean()


def loss(
    model: Model,
    params: PyTree,
    images: Float[Array, "c m h w k"],
    real: Float[Array, "c b h w k"],
    concentrated: tuple[Float[Array, ""], PyTree] | None = None,
) -> Float[Array, ""]:
    """What the images are moved against: misalignment + DISCRIMINATION * discrimination + weight * CMI.

    params: of a network trained on the condensed images. concentrated: the weight of the CMI, and the parameters of a
    network trained on real ones; None leaves it out.
    """
    made, seen = (_by_class(layer_inputs(model, params, _flat(some)), some) for some in (images, real))
    total = misalignment(made, seen) + DISCRIMINATION * discrimination(made[1], seen[1])
    if concentrated is None:
        return total
    weight, trained = concentrated
    return total + weight * concentration_of(_by_class(layer_inputs(model, trained, _flat(images)), images)[1])


def _moved_alike(images, key):
    return moved(_flat(images), key, alike=True).reshape(images.shape)


def _flat(images):
    return images.reshape(-1, *images.shape[2:])


def _by_class(layers, images):
    return [x.reshape(*images.shape[:2], -1) for x in layers]
