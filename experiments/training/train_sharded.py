"""Trainings of a model that one device does not hold: one after another, each on all devices of the mesh."""

import hashlib
import json
import os
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from tqdm import tqdm

from experiments.runtime import mesh as meshes
from experiments.runtime.processes import is_distributed, is_main_process, raise_together, true_everywhere
from experiments.training import train
from valuation.problem import Examples
from valuation.workers import gather, on_host

PyTree = Any


def check_batch(batch: int, devices: int, pieces: int) -> None:
    """Raises ValueError for a batch that the devices cannot share equally, piece by piece."""
    if batch % (devices * pieces):
        cut = f", cut into {pieces} pieces" if pieces > 1 else ""
        raise ValueError(
            f"training.batch = {batch} on {devices} devices{cut}: a sharded training gives every device as many "
            f"examples of a batch, so expected a multiple of {devices * pieces}"
        )


def fit_sharded(
    recipe: train.Recipe,
    sets: list[Examples | train.Part],
    keys: list[jax.Array],
    *,
    mesh: Mesh,
    names: list[str],
    title: str,
    checkpoint: str | Path | None,
) -> list[PyTree]:
    """What train.fit returns, up to rounding: the same starts, batches and updates.

    Frozen weights, parameters and optimizer memory are cut over the devices by mesh.sharded, a batch by rows; XLA moves
    weights or activations between them and reduces gradients. All processes work on every training together. The
    parameters come back on the host, whole.
    checkpoint: as in train.fit; the first process writes and reads it: parameters of every finished training, and the
        state of the running one.
    Raises as train.fit, and ValueError for a batch that is no multiple of the devices.
    """
    check_batch(recipe.batch, mesh.size, recipe.pieces)
    begin, bits = partial(_begin, recipe), np.asarray(jax.random.key_data(keys[0]))
    shardings = meshes.sharded((jax.eval_shape(begin, bits), recipe.frozen), mesh)
    like = jax.eval_shape(lambda bits: _bits(begin(bits)), bits)
    begin = jax.jit(begin, out_shardings=shardings[0])
    frozen = jax.tree.map(_placed, recipe.frozen, shardings[1])
    advance = train.mesh_step(recipe, mesh, shardings)
    sets, splits = train.parts(sets), [jax.random.split(key) for key in keys]
    orders = [
        part.rows[train.batches(len(part.rows), recipe.steps, recipe.batch, order)]
        for part, (_, order) in zip(sets, splits, strict=True)
    ]
    store = _Folder(checkpoint, recipe, names, sets, splits)
    trained = []
    with tqdm(
        total=len(sets) * recipe.steps, desc=title, unit="step", smoothing=0.1, disable=not is_main_process()
    ) as bar:
        for number, (part, (start, _), order) in enumerate(zip(sets, splits, orders, strict=True)):
            if (found := store.finished(number, like[0])) is not None:
                trained.append(found)
                bar.update(recipe.steps)
                continue
            found = store.running(number, like)
            done = 0 if found is None else int(found[-1])
            if found is None:
                state = begin(np.asarray(jax.random.key_data(start)))
            else:
                state = meshes.place(_keyed(found), shardings[0])
            bar.update(done)
            while done < recipe.steps:
                losses = []
                for rows in order[done : done + train.CHUNK]:
                    state, loss = advance(state, part.whole.take(rows), frozen)
                    losses.append(loss)
                train.check_losses(np.array([[on_host(loss) for loss in losses]]), [names[number]], done)
                done += len(losses)
                bar.update(len(losses))
                store.save(number, state, done, last=done == recipe.steps)
            trained.append(jax.tree.map(on_host, state[0]))
            store.finish(number, trained[-1])
    store.remove()
    return trained


def _placed(leaf, sharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and leaf.sharding.is_equivalent_to(sharding, leaf.ndim):
        return leaf  # it lies so already, and is held once
    return meshes.place(leaf, sharding)


def _begin(recipe: train.Recipe, bits: jax.Array) -> tuple:
    init, key = jax.random.split(jax.random.wrap_key_data(bits))
    params = recipe.initialise(init)
    return params, recipe.optimizer.init(params), key, jnp.zeros((), jnp.int32)


def _bits(state: tuple) -> tuple:
    """The state with the key as numbers, as files and other processes take it."""
    params, memory, key, count = state
    return params, memory, jax.random.key_data(key), count


def _keyed(state: tuple) -> tuple:
    params, memory, bits, count = state
    return params, memory, jax.random.wrap_key_data(jnp.asarray(bits)), count


class _Folder:
    """Checkpoints of one fit: N.npz holds the parameters of the finished training N, running-N.npz a whole state."""

    def __init__(self, folder: str | Path | None, recipe: train.Recipe, names: list[str], sets: list, splits: list):
        self.folder = Path(folder).absolute() if folder else None
        self.saved = time.monotonic()
        if self.folder is None:
            return
        digest = hashlib.sha256()
        for whole in {id(part.whole): part.whole for part in sets}.values():
            for leaf in jax.tree.leaves(whole):
                digest.update(np.ascontiguousarray(leaf).tobytes())
        for part, keys in zip(sets, splits, strict=True):
            digest.update(np.asarray(jax.random.key_data(keys)).tobytes() + np.asarray(part.rows).tobytes())
        training = {"names": names, "steps": recipe.steps, "batch": recipe.batch, "data and keys": digest.hexdigest()}
        raise_together(lambda: self._claim(training) if is_main_process() else None)

    def _claim(self, training: dict) -> None:
        path = self.folder / "training.json"
        if path.exists() and json.loads(path.read_text()) != training:
            raise ValueError(f"{self.folder} holds checkpoints of another training: remove that folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _replaced(path, lambda draft: draft.write_text(json.dumps(training)))

    def finished(self, number: int, like: PyTree) -> PyTree | None:
        """The parameters of a training that was finished before, on all processes."""
        return self._read(f"{number}.npz", like)

    def running(self, number: int, like: tuple) -> tuple | None:
        """The state of a training that was saved before, as _bits gives it, on all processes."""
        return self._read(f"running-{number}.npz", like)

    def save(self, number: int, state: tuple, done: int, *, last: bool) -> None:
        """Saves the state if it is time again."""
        due = time.monotonic() - self.saved >= train.SECONDS_BETWEEN_CHECKPOINTS
        if self.folder is None or last or not true_everywhere(due):
            return
        self._write(f"running-{number}.npz", jax.tree.map(on_host, _bits(state)))
        self.saved = time.monotonic()

    def finish(self, number: int, params: PyTree) -> None:
        if self.folder is not None:
            self._write(f"{number}.npz", params)
            if is_main_process():
                (self.folder / f"running-{number}.npz").unlink(missing_ok=True)

    def remove(self) -> None:
        if self.folder is not None and is_main_process():
            shutil.rmtree(self.folder)

    def _write(self, name: str, tree: PyTree) -> None:
        def write() -> None:
            _replaced(self.folder / name, lambda draft: np.savez(draft, *jax.tree.leaves(tree)))

        raise_together(lambda: write() if is_main_process() else None)

    def _read(self, name: str, like: PyTree) -> PyTree | None:
        if self.folder is None:
            return None
        path, leaves, structure = self.folder / name, *jax.tree.flatten(like)
        blank = [np.zeros(leaf.shape, leaf.dtype) for leaf in leaves]

        def read() -> tuple[np.ndarray, list]:
            if not is_main_process() or not path.exists():
                return np.bool_(False), blank
            try:
                with np.load(path) as file:
                    return np.bool_(True), [file[f"arr_{i}"].view(leaf.dtype) for i, leaf in enumerate(blank)]
            except Exception as error:  # zipfile, zlib and NumPy each raise their own
                raise ValueError(f"the checkpoint {path} cannot be read ({error}): remove that file") from error

        found = raise_together(read)
        there, leaves = gather(found)[0] if is_distributed() else found
        return jax.tree.unflatten(structure, leaves) if there else None


def _replaced(path: Path, write) -> None:
    draft = path.with_name(f"part-{path.name}")
    write(draft)
    os.replace(draft, path)
