"""What test_mesh.py compares: on one device, on simulated devices, and by several processes."""

from functools import cache
from pathlib import Path

import jax
import numpy as np

from experiments.runtime import mesh
from experiments.training.fit import fit
from experiments.training.recipe import Recipe, begin, optimizer
from experiments.training.sharded import mesh_step
from models.losses import cross_entropy
from models.mlp import mlp
from models.transformer import transformer
from tests.problems import CLASSES, corners, data
from valuation.methods import METHODS
from valuation.outputs import log_likelihood
from valuation.problem import Examples
from valuation.stream import gradient_products
from valuation.workers import on_host, use_workers

CHOSEN = ("score_scale_free", "logra")  # a kernel, features; products are those of a decoder
WIDTHS = (5, 8, CLASSES)
TOKENS = np.random.default_rng(0).integers(0, 16, (21, 8)).astype(np.int32)


@cache
def classifier():
    return mlp(WIDTHS, jax.random.key(0))


@cache
def decoder():
    return transformer(16, 8, 16, layers=1, heads=2, hidden=32, key=jax.random.key(1))


def values(devices, names=CHOSEN) -> dict[str, np.ndarray]:
    """Values of three of the corners' contributors by those methods, on those devices; None: without a mesh."""
    other = mlp(WIDTHS, jax.random.key(5)).params
    taken = (classifier().params, 0.5), (other, 0.25)
    problem = corners()._replace(model=classifier(), checkpoints=taken, contributors=corners().contributors[:3])
    options = {"logra": {"rank": 3}}
    with use_workers(devices):
        return {name: METHODS[name](problem, **options.get(name, {})) for name in names}


def products(devices, params=None) -> np.ndarray:
    """Inner products of a decoder's gradients, in several ragged chunks."""
    tokens = Examples(TOKENS, TOKENS)
    with use_workers(devices):
        model = decoder()._replace(params=params or decoder().params)
        return gradient_products(model, log_likelihood, tokens, tokens.take(slice(0, 5)), memory=2_000_000)


@cache
def recipe() -> Recipe:
    """With momentum, not with Adam: Adam's first step is the sign of a gradient, which rounding decides near 0."""

    model = classifier()

    def loss(params, frozen, examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    sgd = optimizer("sgd", {"learning_rate": 1e-2, "momentum": 0.9})
    return Recipe(loss, lambda key: mlp(WIDTHS, key).params, (), sgd, 12, 8)


def trainings(devices, folder: Path | None = None, sets=(30, 9, 40)) -> list:
    """Parameters of three models."""
    keys = list(jax.random.split(jax.random.key(1), len(sets)))
    return fit(recipe(), [data(n, n) for n in sets], keys, mesh=devices, checkpoint=folder)


def cut_trainings(devices, folder: Path | None = None) -> list:
    """The same for two models that are trained one after another, each on all devices."""
    keys = list(jax.random.split(jax.random.key(1), 2))
    one, large = recipe()._replace(sharded=True), mesh.LARGE
    mesh.sharded.__kwdefaults__["large"] = 16  # so that the kernels are cut
    try:
        return fit(one, [data(n, n) for n in (30, 9)], keys, mesh=devices, checkpoint=folder)
    finally:
        mesh.sharded.__kwdefaults__["large"] = large


@cache
def decoder_recipe() -> Recipe:
    """One step with momentum on the decoder's sequences."""

    model = decoder()

    def loss(params, frozen, examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    sgd = optimizer("sgd", {"learning_rate": 0.1, "momentum": 0.9})
    return Recipe(loss, lambda key: model.params, model.frozen, sgd, 1, 16)


def one_step(devices, shard) -> tuple:
    """(params and opt_state, loss) of the decoder after a step; shard: such as mesh.replicated."""
    made = decoder_recipe()
    state = begin(made, jax.random.key_data(jax.random.key(0)))
    shardings = shard((state, made.frozen), devices)
    state, frozen = mesh.place((state, made.frozen), shardings)
    step = mesh_step(made, devices, shardings)
    state, loss = step(state, Examples(TOKENS[:16], TOKENS[:16]), frozen)
    return state[:2], loss


def all_numbers(devices, folder: Path) -> list[np.ndarray]:
    """Everything that several processes must agree on with one."""
    workers = mesh.of_values(devices)
    trained = trainings(devices, folder / "checkpoints"), cut_trainings(devices, folder / "cut")
    parts = values(workers), products(workers), *trained
    return [on_host(leaf) for leaf in jax.tree.leaves((*parts, one_step(devices, mesh.replicated)))]
