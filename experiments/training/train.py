"""Training: one pure step, and many small trainings at a time that can be stopped and taken up again."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tqdm import tqdm

from experiments.runtime.mesh import AXIS, by_rows, local, place, sharded_map
from experiments.runtime.processes import is_distributed, is_main_process, raise_together
from valuation.problem import Examples
from valuation.workers import gather

PyTree = Any
CHUNK = 100  # steps between two looks at the losses
SECONDS_BETWEEN_CHECKPOINTS = 10.0


class Recipe(NamedTuple):
    """How a model is trained.

    loss: (params, frozen, examples, key) -> (b,) one loss an example.
    initialise: key -> params.
    sharded: whether one training takes all devices, and each holds a part of the weights: train_sharded.py.
    pieces: into how many equal pieces a batch is cut, one in memory at a time; their gradients are averaged.
    """

    loss: Callable
    initialise: Callable
    frozen: PyTree
    optimizer: optax.GradientTransformation
    steps: int
    batch: int
    sharded: bool = False
    pieces: int = 1


class Part(NamedTuple):
    """Some examples of a set that many trainings share and that is held once: its rows, (n,) int."""

    whole: Examples
    rows: np.ndarray


def parts(sets: list[Examples | Part]) -> list[Part]:
    """Every set as a Part, of itself where it is none."""
    return [one if isinstance(one, Part) else Part(one, np.arange(len(one.inputs))) for one in sets]


def adam(loss: Callable, initialise: Callable, frozen: PyTree, settings) -> Recipe:
    """Training by Adam; settings: a config's entry with learning_rate, steps and batch."""
    return Recipe(loss, initialise, frozen, optax.adam(settings.learning_rate), settings.steps, settings.batch)


def batches(count: int, steps: int, batch: int, key: jax.Array) -> np.ndarray:
    """Rows of every step, (steps, batch) int32: shuffled epochs one behind the other, a function of the key alone."""
    epochs = -(-steps * batch // count)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    rows = rng.permuted(np.tile(np.arange(count, dtype=np.int32), (epochs, 1)), axis=1)
    return rows.reshape(-1)[: steps * batch].reshape(steps, batch)


def step(recipe: Recipe, state: tuple, examples: Examples, frozen: PyTree):
    """One update: ((params, optimizer state, key, step), examples) -> (the next state, mean loss)."""
    params, memory, key, count = state

    def mean_loss(params, some: Examples):
        return recipe.loss(params, frozen, some, jax.random.fold_in(key, count)).mean()

    def add(total, some: Examples):
        return jax.tree.map(jnp.add, total, jax.value_and_grad(mean_loss)(params, some)), None

    # every device, which holds neighbouring rows, has some of them in every piece
    pieces = jax.tree.map(lambda x: x.reshape(-1, recipe.pieces, *x.shape[1:]).swapaxes(0, 1), examples)
    total = jax.value_and_grad(mean_loss)(params, jax.tree.map(lambda x: x[0], pieces))
    if recipe.pieces > 1:
        total, _ = jax.lax.scan(add, total, jax.tree.map(lambda x: x[1:], pieces))
    loss, gradient = jax.tree.map(lambda x: x / recipe.pieces, total)
    update, memory = recipe.optimizer.update(gradient, memory, params)
    return (optax.apply_updates(params, update), memory, key, count + 1), loss


def mesh_step(recipe: Recipe, mesh: Mesh, shardings: tuple) -> Callable:
    """`step` of one model on all devices of the mesh: (state, examples, frozen) -> (the next state, mean loss).

    Examples are sharded by rows, a multiple of the devices; every process passes all of them. shardings: of state and
    frozen, such as mesh.replicated or mesh.sharded of (state, frozen), by which both have been placed.
    """
    state, frozen = shardings
    run = jax.jit(
        partial(step, recipe),
        in_shardings=(state, NamedSharding(mesh, PartitionSpec(AXIS)), frozen),
        out_shardings=(state, NamedSharding(mesh, PartitionSpec())),
        donate_argnums=0,
    )

    def placed(state, examples: Examples, frozen):
        return run(state, place(examples, by_rows(examples, mesh)), frozen)

    return placed


def fit(
    recipe: Recipe,
    sets: list[Examples | Part],
    keys: list[jax.Array],
    *,
    mesh: Mesh,
    names: list[str] | None = None,
    title: str = "training",
    checkpoint: str | Path | None = None,
) -> list[PyTree]:
    """Parameters of one model trained on each set, all from their own random start.

    The trainings are sharded over the mesh by model, so a training's numbers do not depend on the mesh. Of several
    processes each trains a share of the models on its own devices, and all get all parameters. Where the recipe is
    `sharded`, they follow one another and each takes all devices (train_sharded.fit_sharded).
    checkpoint: a folder. Parameters, optimizer memory, step (with the key: the position in the data) are saved there
        every few seconds; a later call with the same arguments goes on from there. It is removed at the end. Each of
        several processes has a folder of its own in it.
    names: of the trainings, for messages.
    Raises FloatingPointError at the first loss that is not finite, naming training and step; ValueError if the folder
    holds another training.
    """
    names = names or [str(i) for i in range(len(sets))]
    if recipe.sharded:
        from experiments.training.train_sharded import fit_sharded

        return fit_sharded(recipe, sets, keys, mesh=mesh, names=names, title=title, checkpoint=checkpoint)
    processes = sorted({device.process_index for device in mesh.devices.flat})
    args = {"title": title, "mesh": local(mesh)}
    if len(processes) == 1:
        return _fit(recipe, sets, keys, names, checkpoint=checkpoint, kept=False, **args)
    shares = np.array_split(np.arange(len(sets)), len(processes))
    number = processes.index(jax.process_index())
    own = [[values[i] for i in shares[number]] for values in (sets, keys, names)]
    folder = Path(checkpoint) / f"process-{number}-of-{len(processes)}" if checkpoint else None
    here = raise_together(lambda: _fit(recipe, *own, checkpoint=folder, kept=True, **args) if own[0] else [])
    blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), jax.eval_shape(recipe.initialise, keys[0]))
    here += [blank] * (len(shares[0]) - len(here))  # the first shares are the largest
    every = gather(here)
    if checkpoint:
        shutil.rmtree(checkpoint, ignore_errors=True)
    return [params for trained, share in zip(every, shares, strict=True) for params in trained[: len(share)]]


def _fit(
    recipe: Recipe, sets: list, keys: list, names: list[str], *, mesh: Mesh, title: str, checkpoint, kept: bool
) -> list[PyTree]:
    """`fit` on the devices of this process; kept: whether the checkpoints are, since others may still train."""
    starts, orders = zip(*(jax.random.split(key) for key in keys), strict=True)
    starts = jnp.stack([jax.random.key_data(start) for start in starts])
    sets = parts(sets)
    distinct = {id(part.whole): part.whole for part in sets}  # a set that is trained on twice is held once
    ends = np.cumsum([len(examples.inputs) for examples in distinct.values()])
    offsets = dict(zip(distinct, [0, *ends[:-1].tolist()], strict=True))
    orders = [batches(len(part.rows), recipe.steps, recipe.batch, key) for part, key in zip(sets, orders, strict=True)]
    chosen = [offsets[id(part.whole)] + part.rows[order] for part, order in zip(sets, orders, strict=True)]
    rows = np.stack(chosen).astype(np.int32)
    data = jax.tree.map(lambda *parts: np.concatenate(parts), *distinct.values())

    def begin(bits, _):
        init, train = jax.random.split(jax.random.wrap_key_data(bits))
        params = recipe.initialise(init)
        return params, recipe.optimizer.init(params), jax.random.key_data(train), jnp.zeros((), jnp.int32)

    def advance(mapped, shared):
        (params, memory, bits, count), rows = mapped
        data, frozen = shared

        def body(state, rows):
            return step(recipe, state, jax.tree.map(lambda leaf: leaf[rows], data), frozen)

        (params, memory, key, count), losses = jax.lax.scan(
            body, (params, memory, jax.random.wrap_key_data(bits), count), rows
        )
        return (params, memory, jax.random.key_data(key), count), losses

    state = sharded_map(begin, mesh)(starts, None)
    digest = hashlib.sha256(rows.tobytes() + np.asarray(starts).tobytes())
    for leaf in jax.tree.leaves(data):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    store = _Store(checkpoint, {"names": names, "steps": recipe.steps, "data and keys": digest.hexdigest()})
    state, done = store.restore(state)
    run = sharded_map(advance, mesh)
    total, begun = len(sets) * recipe.steps, len(sets) * done
    with tqdm(total=total, initial=begun, desc=title, unit="step", smoothing=0.1, disable=not is_main_process()) as bar:
        while done < recipe.steps:
            chunk = min(CHUNK, recipe.steps - done)
            state, losses = run((state, rows[:, done : done + chunk]), (data, recipe.frozen))
            check_losses(np.asarray(losses), names, done)
            done += chunk
            bar.update(len(sets) * chunk)
            store.save(state, done, last=done == recipe.steps)
    if not kept:
        store.remove()
    params = jax.device_get(state[0])
    return [jax.tree.map(lambda leaf, i=i: leaf[i], params) for i in range(len(sets))]


def check_losses(losses: np.ndarray, names: list[str], done: int) -> None:
    """Raises FloatingPointError at the first loss that is not finite; losses: (trainings, steps) behind step `done`."""
    bad = ~np.isfinite(losses)
    if bad.any():
        step = int(bad.any(0).argmax())
        name = names[int(bad[:, step].argmax())]
        raise FloatingPointError(
            f"the loss of {name} is not finite at step {done + step + 1}: lower the learning rate, or look at its data"
        )


class _Store:
    """Checkpoints of one fit in a folder, or nowhere.

    Orbax writes NumPy arrays in process 0 only and refuses what one process alone has on its devices: one of several
    processes, which trains models of its own, keeps its state in a file of NumPy's.
    """

    def __init__(self, folder: str | Path | None, training: dict):
        self.folder = Path(folder).absolute() if folder else None
        self.training = training
        self.saved = time.monotonic()

    def restore(self, state: PyTree) -> tuple[PyTree, int]:
        if self.folder is None or not (self.folder / "training.json").exists():
            return state, 0
        if json.loads((self.folder / "training.json").read_text()) != self.training:
            raise ValueError(f"{self.folder} holds checkpoints of another training: remove that folder")
        if is_distributed():
            return self._restore_file(state)
        with ocp.CheckpointManager(self.folder) as manager:
            latest = manager.latest_step()
            if latest is None:
                return state, 0
            try:
                return manager.restore(latest, args=ocp.args.StandardRestore(state)), latest
            except Exception as error:  # orbax raises many kinds
                raise ValueError(
                    f"the checkpoint {self.folder / str(latest)} cannot be read ({type(error).__name__}: "
                    f"{str(error).splitlines()[0][:200]}): remove that folder, the training goes on from the one before"
                ) from error

    def _restore_file(self, state: PyTree) -> tuple[PyTree, int]:
        path = self.folder / "state.npz"
        if not path.exists():
            return state, 0
        try:
            with np.load(path) as file:
                leaves = [file[f"arr_{i}"] for i in range(len(file.files))]
            return jax.tree.unflatten(jax.tree.structure(state), leaves[1:]), int(leaves[0])
        except Exception as error:  # zipfile, zlib and NumPy each raise their own
            raise ValueError(f"the checkpoint {path} cannot be read ({error}): remove {self.folder}") from error

    def save(self, state: PyTree, done: int, *, last: bool) -> None:
        if self.folder is None or last or time.monotonic() - self.saved < SECONDS_BETWEEN_CHECKPOINTS:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "training.json").exists():
            draft = self.folder / "training.part"
            draft.write_text(json.dumps(self.training))
            os.replace(draft, self.folder / "training.json")
        if is_distributed():
            draft = self.folder / "state.part.npz"
            np.savez(draft, done, *jax.tree.leaves(jax.device_get(state)))
            os.replace(draft, self.folder / "state.npz")
        else:
            with ocp.CheckpointManager(self.folder, options=ocp.CheckpointManagerOptions(max_to_keep=2)) as manager:
                manager.save(done, args=ocp.args.StandardSave(state))
        self.saved = time.monotonic()

    def remove(self) -> None:
        if self.folder is not None and self.folder.exists():
            shutil.rmtree(self.folder)
