"""Trainings of a model that one device does not hold: one after another, each on all devices of the mesh."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree
from tqdm import tqdm

from experiments.runtime import mesh as meshes
from experiments.runtime.processes import is_main_process
from experiments.training import checkpoints, loop
from experiments.training.recipe import Part, Recipe, Trainings, batches, begin, step
from valuation.problem import Examples
from valuation.workers import on_host


def check_batch(batch: int, devices: int, pieces: int) -> None:
    """Raises ValueError for a batch that the devices cannot share equally, piece by piece."""
    if batch % (devices * pieces):
        cut = f", cut into {pieces} pieces" if pieces > 1 else ""
        raise ValueError(
            f"training.batch = {batch} on {devices} devices{cut}: a sharded training gives every device as many "
            f"examples of a batch, so expected a multiple of {devices * pieces}"
        )


def mesh_step(recipe: Recipe, mesh: Mesh, shardings: tuple) -> Callable:
    """`step` of one model on all devices of the mesh: (state, examples, frozen) -> (the next state, mean loss).

    Examples are sharded by rows, a multiple of the devices; every process passes all of them. shardings: of state and
    frozen, such as mesh.replicated or mesh.sharded of (state, frozen), by which both have been placed.
    """
    state, frozen = shardings
    run = jax.jit(
        partial(step, recipe),
        in_shardings=(state, NamedSharding(mesh, PartitionSpec(meshes.AXIS)), frozen),
        out_shardings=(state, NamedSharding(mesh, PartitionSpec())),
        donate_argnums=0,
    )

    def placed(state, examples: Examples, frozen):
        return run(state, meshes.place(examples, meshes.by_rows(examples, mesh)), frozen)

    return placed


def fit_sharded(recipe: Recipe, work: Trainings, *, mesh: Mesh, store: checkpoints.Store) -> list[PyTree]:
    """What fit.fit returns, up to rounding: the same starts, batches and updates as those of fit_parallel.

    Frozen weights, parameters and opt_state are cut over the devices by mesh.sharded, a batch by rows; XLA moves
    weights or activations between them and reduces gradients. All processes work on every training together. The
    parameters come back on the host, whole.
    """
    sets, keys, names, title = work
    like = jax.eval_shape(partial(begin, recipe), jax.random.key_data(keys[0]))
    shardings = meshes.sharded((like, recipe.frozen), mesh)
    like = jax.tree.map(lambda leaf, at: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=at), like, shardings[0])
    start = jax.jit(partial(begin, recipe), out_shardings=shardings[0])
    frozen = jax.tree.map(_placed, recipe.frozen, shardings[1])
    train = mesh_step(recipe, mesh, shardings)

    def one(number: int, part: Part, key: jax.Array, progress: Callable[[int], object]) -> PyTree:
        key, order = jax.random.split(key)
        rows = part.rows[batches(len(part.rows), recipe.steps, recipe.batch, order)]
        done = checkpoints.last_step(store, str(number)) or 0
        progress(done)
        if done == recipe.steps:
            return jax.tree.map(on_host, checkpoints.read(store, str(number), done, like[0]))
        if done:
            state = jax.tree.map(_placed, checkpoints.read(store, str(number), done, like), shardings[0])
        else:
            state = start(np.asarray(jax.random.key_data(key)))

        def advance(state, chosen: slice):
            losses = []
            for batch in rows[chosen]:
                state, loss = train(state, part.whole.take(batch), frozen)
                losses.append(loss)
            return state, np.array([[on_host(loss) for loss in losses]])

        state = loop.run(
            advance,
            state,
            range(done, recipe.steps),
            look=recipe.look,
            names=[names[number]],
            progress=progress,
            save=lambda done, state: checkpoints.save_when_due(store, str(number), done, state),
        )
        checkpoints.save(store, str(number), recipe.steps, state[0])
        return jax.tree.map(on_host, state[0])

    total = len(sets) * recipe.steps
    with tqdm(total=total, desc=title, unit="step", smoothing=0.1, disable=not is_main_process()) as bar:
        return [one(i, part, key, bar.update) for i, (part, key) in enumerate(zip(sets, keys, strict=True))]


def _placed(leaf, sharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and leaf.sharding.is_equivalent_to(sharding, leaf.ndim):
        return leaf  # it lies so already, and is held once
    return meshes.place(leaf, sharding)
