"""A small classifier, its recipe and its data: what the tests of this folder train."""

import contextlib
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.runtime import mesh
from experiments.training import loop
from experiments.training.fit import fit
from experiments.training.recipe import Recipe, optimizer
from models.losses import cross_entropy
from models.mlp import mlp
from tests.problems import CLASSES, data

WIDTHS = (5, 16, CLASSES)
ONE = jax.sharding.Mesh(np.array(jax.devices()[:1]), (mesh.AXIS,))
EIGHT = mesh.devices()
SETS = [data(40, 0), data(9, 1)]


@cache
def classifier():
    return mlp(WIDTHS, jax.random.key(0))


class Killed(Exception):
    """What stops a training in these tests."""


def recipe(steps=20, batch=8, rate=1e-2, name="adam", dtype=jnp.float32, **changes) -> Recipe:
    """Training of the classifier; changes: other fields of the recipe."""

    model = classifier()

    def loss(params, frozen, examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs.astype(dtype)), examples.targets)

    def initialise(key):
        return jax.tree.map(lambda leaf: leaf.astype(dtype), mlp(WIDTHS, key).params)

    settings = {"learning_rate": rate} | ({"momentum": 0.9} if name == "sgd" else {})
    return Recipe(loss, initialise, model.frozen, optimizer(name, settings), steps, batch)._replace(**changes)


def keys(count):
    return list(jax.random.split(jax.random.key(1), count))


def fitted(recipe, devices=ONE, sets=SETS, checkpoint=None, names=None, keep=False):
    return fit(recipe, sets, keys(len(sets)), mesh=devices, checkpoint=checkpoint, names=names, keep=keep)


def assert_equal(left, right):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_array_equal(a, b)


def assert_close(left, right, relative):
    """Equal but for that share of the largest number of each array."""
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        np.testing.assert_allclose(a, b, rtol=0, atol=relative * np.abs(b).max())


@contextlib.contextmanager
def looks(at=None):
    """The looks at the losses inside the block, one an entry; the one of that number, from 1 on, kills the training."""
    seen, check = [], loop.check_losses

    def look(*arguments):
        seen.append(arguments)
        if len(seen) == at:
            raise Killed
        check(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "check_losses", look)
        yield seen
