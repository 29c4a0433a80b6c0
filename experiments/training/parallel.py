"""Many small trainings at a time: each model on one device, the models shared out over devices and processes."""

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree
from tqdm import tqdm

from experiments.runtime.mesh import local, sharded_map
from experiments.runtime.processes import is_main_process, raise_together
from experiments.training import checkpoints, loop
from experiments.training.recipe import Part, Recipe, Trainings, batches, begin, step
from valuation.workers import gather


def fit_parallel(recipe: Recipe, work: Trainings, *, mesh: Mesh, store: checkpoints.Store) -> list[PyTree]:
    """What fit.fit returns. Of several processes each trains a share of the models, and all get all parameters."""
    processes = sorted({device.process_index for device in mesh.devices.flat})
    number = processes.index(jax.process_index())
    shares = np.array_split(np.arange(len(work.sets)), len(processes))
    name = f"process-{number}-of-{len(processes)}" if len(processes) > 1 else "models"
    sets, keys, names = ([values[i] for i in shares[number]] for values in work[:3])
    mine = Trainings(sets, keys, names, work.title)

    def trained() -> list[PyTree]:
        return _fit(recipe, mine, mesh=local(mesh), store=store, part=name) if sets else []

    models = raise_together(trained)
    if len(processes) == 1:
        return models
    shapes = jax.eval_shape(recipe.initialise, jax.random.key(0))
    blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    every = gather(models + [blank] * (len(shares[0]) - len(models)))  # the first shares are the largest
    return [params for models, share in zip(every, shares, strict=True) for params in models[: len(share)]]


def _fit(recipe: Recipe, work: Trainings, *, mesh: Mesh, store: checkpoints.Store, part: str) -> list[PyTree]:
    """Parameters of the models of this process; part: the name of their checkpoints."""
    sets, keys, names, title = work
    starts, orders = zip(*(jax.random.split(key) for key in keys), strict=True)
    data, rows = _joined(recipe, sets, orders)

    def start(bits, _):
        return begin(recipe, bits)

    def train(mapped, shared):
        state, rows = mapped
        data, frozen = shared

        def body(state, rows):
            return step(recipe, state, jax.tree.map(lambda leaf: leaf[rows], data), frozen)

        return jax.lax.scan(body, state, rows)

    run = sharded_map(train, mesh)
    state = sharded_map(start, mesh)(np.stack([jax.random.key_data(key) for key in starts]), None)
    done = checkpoints.last_step(store, part) or 0
    if done:
        state = checkpoints.read(store, part, done, state)
    total, begun = len(sets) * recipe.steps, len(sets) * done
    with tqdm(total=total, initial=begun, desc=title, unit="step", smoothing=0.1, disable=not is_main_process()) as bar:
        state = loop.run(
            lambda state, chosen: run((state, rows[:, chosen]), (data, recipe.frozen)),
            state,
            range(done, recipe.steps),
            look=recipe.look,
            names=names,
            progress=lambda steps: bar.update(len(sets) * steps),
            save=lambda done, state: checkpoints.save_when_due(store, part, done, state),
        )
    if store.keep and done < recipe.steps:
        checkpoints.save_when_due(store, part, recipe.steps, state)
    params = jax.device_get(state[0])
    return [jax.tree.map(lambda leaf, i=i: leaf[i], params) for i in range(len(sets))]


def _joined(recipe: Recipe, sets: list[Part], orders: tuple[jax.Array, ...]) -> tuple[PyTree, np.ndarray]:
    """(all distinct sets one after the other, rows of them for every training and step (trainings, steps, batch))."""
    distinct = {id(part.whole): part.whole for part in sets}  # a set that is trained on twice is held once
    ends = np.cumsum([len(examples.inputs) for examples in distinct.values()])
    offsets = dict(zip(distinct, [0, *ends[:-1].tolist()], strict=True))
    chosen = [
        offsets[id(part.whole)] + part.rows[batches(len(part.rows), recipe.steps, recipe.batch, order)]
        for part, order in zip(sets, orders, strict=True)
    ]
    data = jax.tree.map(lambda *leaves: np.concatenate(leaves), *distinct.values())
    return data, np.stack(chosen).astype(np.int32)
