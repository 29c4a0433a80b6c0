"""Losses against NumPy by hand, gradients against finite differences, and images against a replay step by step."""

from functools import partial

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest

from experiments.runtime.rng import generator
from experiments.synthetic import alignment, condensation
from experiments.training import recipe
from experiments.training.augmentation import moved, on_moved
from models.losses import cross_entropy
from models.mlp import mlp
from valuation.covariates.concentration import class_concentration
from valuation.problem import Examples

CLASSES, SHAPE, RNG = 3, (2, 3, 1), np.random.default_rng(0)
MODEL = mlp((6, 8, 8, CLASSES), jax.random.key(0))
SETTINGS = ml_collections.ConfigDict(
    {"networks": 2, "steps": 4, "inner": 2, "batch": 3, "learning_rate": 0.05, "training": {}}
)


@pytest.fixture(scope="module")
def real():
    """Classes that differ in the mean of their pixels, three of the rarest."""
    labels = np.repeat(np.arange(CLASSES), (5, 3, 6)).astype(np.int32)
    images = RNG.random((len(labels), *SHAPE), np.float32) * 0.4 + 0.25 * labels[:, None, None, None]
    return Examples(images.astype(np.float32), labels)


@pytest.fixture(scope="module")
def training():
    settings = ml_collections.ConfigDict({"learning_rate": 0.05, "steps": 1, "batch": 1})

    def loss(params, frozen, examples, key):
        return cross_entropy(MODEL.apply(params, frozen, examples.inputs), examples.targets)

    build = lambda key: mlp((6, 8, 8, CLASSES), key).params  # noqa: E731
    return recipe.adam(loss, build, MODEL.frozen, settings)


@pytest.fixture(scope="module")
def condense(training):
    return condensation.condenser(SETTINGS, MODEL, training, CLASSES)


def by_hand(images) -> list[np.ndarray]:
    """Outputs, and what the last and the middle layer read, (c, m, d) each in float64."""
    layers = [MODEL.params["layers"][i] for i in range(3)]
    x, out = np.asarray(images, np.float64).reshape(*images.shape[:2], -1), []
    for number, layer in enumerate(layers):
        x = x @ np.asarray(layer["kernel"], np.float64) + np.asarray(layer["bias"], np.float64)
        x = x if number == 2 else np.maximum(x, 0)
        out.insert(0, x)
    return out


def loss_by_hand(images, real, weight: float) -> float:
    made, seen, total = by_hand(images), by_hand(real), 0.0
    for factor, x, y in zip((1, 1, 0.1), made, seen, strict=True):
        for c in range(CLASSES):
            total += factor * np.sum((x[c].mean(0) - y[c].mean(0)) ** 2)
    surprises = []
    for c in range(CLASSES):
        for feature in seen[1][c]:
            logits = np.array([feature @ made[1][k].mean(0) for k in range(CLASSES)])
            surprises.append(np.log(np.exp(logits).sum()) - logits[c])
    labels = np.repeat(np.arange(CLASSES), images.shape[1])
    return total + 0.01 * np.mean(surprises) + weight * class_concentration(made[1].reshape(len(labels), -1), labels)


def test_the_loss_and_its_gradient_are_those_by_hand():
    images = RNG.random((CLASSES, 2, *SHAPE), np.float32)
    others = RNG.random((CLASSES, 4, *SHAPE), np.float32)

    value_and_gradient = jax.jit(jax.value_and_grad(partial(alignment.loss, MODEL, MODEL.params)))
    value, gradient = value_and_gradient(images, others, (2.0, MODEL.params))
    np.testing.assert_allclose(value, loss_by_hand(images, others, 2.0), rtol=1e-5)
    direction = RNG.normal(size=images.shape)
    up, down = (loss_by_hand(images + step * direction, others, 2.0) for step in (1e-5, -1e-5))
    np.testing.assert_allclose(np.sum(gradient * direction), (up - down) / 2e-5, rtol=1e-3, atol=1e-4)
    assert loss_by_hand(images - 1e-3 * np.asarray(gradient), others, 2.0) < loss_by_hand(images, others, 2.0)


def test_images_have_classes_and_range_of_the_real_ones_and_follow_key_and_weight(real, condense):
    def made(seed: int, weight: float) -> Examples:
        return condense(real, 3, jax.random.key(seed), concentration=weight, trained=MODEL.params)

    first = made(1, 1e-6)
    assert first.inputs.shape == (9, *SHAPE)
    np.testing.assert_array_equal(first.targets, np.repeat(np.arange(CLASSES), 3))
    assert first.inputs.min() >= real.inputs.min()
    assert first.inputs.max() <= real.inputs.max()
    np.testing.assert_array_equal(made(1, 1e-6).inputs, first.inputs)
    assert np.abs(made(2, 1e-6).inputs - first.inputs).max() > 0.01

    def within(some: Examples) -> float:
        read = by_hand(some.inputs.reshape(CLASSES, 3, *SHAPE))[1]
        return class_concentration(read.reshape(9, -1), some.targets)

    assert within(made(1, 1e4)) < 0.5 * within(first)


def test_images_are_those_of_a_replay_step_by_step(real, condense, training):
    """Every network begins from its own bits, sees the images and the real ones moved by one map that changes from
    step to step, and learns the images `inner` times between two changes of them.
    """
    each, weight, key = 3, 2.0, jax.random.key(7)
    chosen, batches, networks, moves = jax.random.split(key, 4)
    by_class, rng = [np.flatnonzero(real.targets == label) for label in range(CLASSES)], generator(chosen)
    images = jnp.stack([real.inputs[rng.choice(some, each, replace=False)] for some in by_class])
    rng, shape = generator(batches), (SETTINGS.networks, SETTINGS.steps, SETTINGS.batch)
    rows = np.stack([rng.choice(some, shape) for some in by_class], axis=2)
    labels, low, high = jnp.repeat(jnp.arange(CLASSES), each), real.inputs.min(), real.inputs.max()
    outer = optax.adam(optax.cosine_decay_schedule(SETTINGS.learning_rate, SETTINGS.networks * SETTINGS.steps))
    moments = outer.init(images)

    @jax.jit
    def gradient(images, params, seen, key):
        def mismatch(images):
            made, true = (moved(x.reshape(-1, *SHAPE), key, alike=True).reshape(x.shape) for x in (images, seen))
            return alignment.loss(MODEL, params, made, true, (weight, MODEL.params))

        return jax.grad(mismatch)(images)

    @jax.jit
    def learnt(network, images):
        examples = Examples(images.reshape(-1, *SHAPE), labels)
        return recipe.step(training._replace(loss=on_moved(training.loss)), network, examples, MODEL.frozen)[0]

    starts = jax.random.split(networks, SETTINGS.networks)
    for turn in range(SETTINGS.networks * SETTINGS.steps):
        number, step = divmod(turn, SETTINGS.steps)
        if step == 0:
            network = recipe.begin(training, jax.random.key_data(starts[number]))
        one = gradient(images, network[0], real.inputs[rows[number, step]], jax.random.fold_in(moves, turn))
        change, moments = outer.update(one, moments)
        images = jnp.clip(images + change, low, high)
        for _ in range(SETTINGS.inner):
            network = learnt(network, images)

    found = condense(real, each, key, concentration=weight, trained=MODEL.params)
    np.testing.assert_allclose(found.inputs, images.reshape(-1, *SHAPE), atol=1e-3)  # rounding: 1e-6; no moves: 0.1


def test_a_class_with_fewer_images_than_asked_for_is_named(real, condense):
    with pytest.raises(ValueError, match="class 1 has 3 real images, 4 condensed ones of it are asked for"):
        condense(real, 4, jax.random.key(0))
    with pytest.raises(ValueError, match="class 3 has 0 real images, 1 condensed"):
        condensation.rows_of_classes(real.targets, 4, 1)
