"""What a training that is killed goes on from: one folder a call of `fit`, for small and for large trainings.

    folder/training.json       what is trained on what, and how: another training is refused; of processes that train
                               models of their own, training-I-of-N.json
    folder/NAME/STEP           the state of the training NAME after that many steps, written by orbax
    folder/NAME/STEP.npz       the same where there are several processes

orbax writes NumPy's arrays in process 0 only, and refuses what one of several processes alone has on its devices: there
the state is gathered on the host and written as a file of NumPy's.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import PyTree

from experiments.runtime import files
from experiments.runtime.processes import is_distributed, is_main_process, raise_together, true_everywhere
from experiments.training.recipe import Part, Recipe, described
from valuation.workers import gather, on_host

SECONDS_BETWEEN = 10.0  # two checkpoints


class Store(NamedTuple):
    """Where a call of `fit` keeps its checkpoints; without a folder nothing is kept.

    folder: of this fit. saved: [when a checkpoint was saved last], seconds of a monotonic clock.
    together: whether all processes train the same models: then the main one writes and all read what it reads. If
        not, each reads and writes for itself, under names of its own.
    keep: whether finished trainings are saved too.
    """

    folder: Path | None
    together: bool
    saved: list[float]
    keep: bool = False


def fingerprint(recipe: Recipe, names: list[str], sets: Iterable[Part], keys: Iterable[jax.Array]) -> dict:
    """What tells one training from another: recipe, names, shapes of the parameters, data, rows and keys."""
    digest, seen = hashlib.sha256(), set()
    shapes = jax.eval_shape(lambda: recipe.initialise(jax.random.key(0)))
    for part, key in zip(sets, keys, strict=True):
        for leaf in () if id(part.whole) in seen else jax.tree.leaves(part.whole):
            digest.update(np.ascontiguousarray(leaf).tobytes())
        seen.add(id(part.whole))
        digest.update(np.asarray(jax.random.key_data(key)).tobytes() + np.asarray(part.rows).tobytes())
    parameters = hashlib.sha256(str(shapes).encode()).hexdigest()
    return described(recipe) | {"names": names, "parameters": parameters, "data and keys": digest.hexdigest()}


def opened(folder: str | Path | None, training: dict, *, together: bool, keep: bool = False) -> Store:
    """The store in that folder, made if it is not there.

    training: as `fingerprint` gives it. Raises ValueError if the folder holds another training, naming what differs.
    All processes must call it.
    """
    if folder is None:
        return Store(None, together, [time.monotonic()])
    folder = Path(folder).absolute()
    alone = is_distributed() and not together  # the processes may have disks of their own
    number = f"-{jax.process_index()}-of-{jax.process_count()}" if alone else ""

    def claim() -> None:
        path = folder / f"training{number}.json"
        if not path.exists():
            files.write_text(path, json.dumps(training))
        elif (there := _read_json(path)) != training:
            names = ", ".join(name for name in training if there.get(name) != training[name])
            raise ValueError(
                f"{folder} holds checkpoints of another training (they differ in {names}): remove that folder"
            )

    raise_together(lambda: claim() if alone or is_main_process() else None)
    return Store(folder, together, [time.monotonic()], keep)


def _read_json(path: Path) -> dict:
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read ({error}): remove {path.parent}, the training begins anew") from error


def last_step(store: Store, name: str) -> int | None:
    """After how many steps the training was saved last; None if it never was."""
    if store.folder is None:
        return None
    ending = ".npz" if is_distributed() else ""
    there = [path.name for path in (store.folder / name).glob(f"*{ending}")]
    steps = [int(one.removesuffix(ending)) for one in there if one.removesuffix(ending).isdigit()]
    last = max(steps, default=-1)
    if store.together and is_distributed():
        last = int(gather(np.int64(last))[0])
    return None if last < 0 else last


def read(store: Store, name: str, step: int, like: PyTree) -> PyTree:
    """The state that was saved after that step.

    like: arrays, or jax.ShapeDtypeStructs, of the state's structure, shapes and types. One process gets arrays placed
    by the shardings in `like`, if it has some; several get arrays of NumPy.
    Raises ValueError for a checkpoint that cannot be read, naming it.
    """
    if store.folder is None:
        raise ValueError(f"nothing was saved of training {name!r}: expected a folder of checkpoints")
    path = store.folder / name / str(step)
    remedy = "remove it, the training goes on from the one before or begins anew"
    if not is_distributed():
        try:
            with ocp.CheckpointManager(path.parent) as manager:
                return manager.restore(step, args=ocp.args.StandardRestore(jax.tree.map(_abstract, like)))
        except Exception as error:  # orbax raises many kinds
            reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
            raise ValueError(f"the checkpoint {path} cannot be read ({reason}): {remedy}") from error
    leaves, structure = jax.tree.flatten(like)

    def load() -> list[np.ndarray]:
        if store.together and not is_main_process():
            return [np.zeros(leaf.shape, leaf.dtype) for leaf in leaves]
        arrays = files.read_arrays(path.with_name(f"{step}.npz"), remedy)
        return [arrays[str(i)].view(leaf.dtype) for i, leaf in enumerate(leaves)]

    loaded = gather(raise_together(load))[0] if store.together else load()
    return jax.tree.unflatten(structure, loaded)


def _abstract(leaf) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None))


def save(store: Store, name: str, step: int, state: PyTree) -> None:
    """Saves the state of a training after that many steps; the one before it goes when it is there.

    All processes must call it if they train together.
    """
    if store.folder is None:
        return
    folder = store.folder / name
    if not is_distributed():
        with ocp.CheckpointManager(folder, options=ocp.CheckpointManagerOptions(max_to_keep=2)) as manager:
            manager.save(step, args=ocp.args.StandardSave(state))
    else:
        leaves = [on_host(leaf) for leaf in jax.tree.leaves(state)]

        def write() -> None:
            if store.together and not is_main_process():
                return
            files.write_arrays(folder / f"{step}.npz", {str(i): leaf for i, leaf in enumerate(leaves)})
            for old in folder.glob("*.npz"):
                if old.stem != str(step):
                    old.unlink()

        raise_together(write) if store.together else write()
    store.saved[0] = time.monotonic()


def save_when_due(store: Store, name: str, step: int, state: PyTree) -> None:
    """The same, if the last checkpoint is SECONDS_BETWEEN old; asked of processes that train together, of all."""
    due = time.monotonic() - store.saved[0] >= SECONDS_BETWEEN
    if store.folder is not None and (true_everywhere(due) if store.together else due):
        save(store, name, step, state)


def remove(store: Store) -> None:
    """Removes the folder, of every process that has one: its trainings are finished in all of them."""
    if store.folder is not None:
        shutil.rmtree(store.folder, ignore_errors=True)
