"""Who computes: the devices of this process, or the cores of its CPU, and the other processes that run the same lines.

    with use_workers(mesh):
        METHODS["tracin"](problem)

Examples are cut into chunks. Of P processes each takes every P-th chunk, its devices take one each beside a copy of the
parameters, and every process gets all results. Outside of `use_workers` a process computes alone, where JAX computes by
default. The values differ by rounding only. jax.set_mesh would put every small computation on all devices: not used.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, NamedTuple, cast

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P


class Workers(NamedTuple):
    """devices: of this process, () for where JAX computes by default. threads: chunks this process works on at a time.

    progress: number of examples to come -> a function that is told how many more are done; None stays silent.
    memory: bytes that a chunk may take on every device; 0 leaves it to each function's own budget.
    available: bytes that a method may take at once on this host, beside chunks and inputs; 0: not known, so that
        nothing is refused.
    """

    devices: tuple
    threads: int
    process: int = 0
    processes: int = 1
    progress: Callable[[int], Callable[[int], object]] | None = None
    memory: int = 0
    available: int = 0


_CHOSEN: ContextVar[Workers | None] = ContextVar("workers", default=None)


@contextmanager
def use_workers(mesh: Mesh | None = None, *, progress: Callable | None = None, memory: int = 0, available: int = 0):
    """Inside, values are computed by all devices of the mesh; every process that has some must run the same lines.

    A process with one CPU device uses it by as many threads as there are cores. None: this process, as outside.
    memory: bytes that a chunk may take on every device, instead of the functions' own budgets; 0 keeps those.
    available: bytes that a method may take at once on this host: METHODS refuse what needs more (needs.py); 0: none.
    Raises ValueError for a mesh that holds this process's devices and those of some others, but not of all.
    """
    workers = _alone() if mesh is None else _of(mesh)
    token = _CHOSEN.set(workers._replace(progress=progress, memory=memory, available=available))
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def current() -> Workers:
    """The workers of the innermost `use_workers`."""
    return _CHOSEN.get() or _alone()


def progress_over(total: int) -> Callable[[int], object] | None:
    """A function that is told how many more of `total` examples are done; None where nobody watches."""
    progress = current().progress
    return None if progress is None else progress(total)


def map_chunks(
    step: Callable, shared: tuple, job: Callable[[int], tuple], count: int, *, threads: int | None = None
) -> Iterator[Any]:
    """step(*shared, *job(i)) for i = 0 .. count - 1, in order, on every process: NumPy arrays of one shape for all i.

    threads: jobs at a time on one device; as many as there are cores if None. Several devices work on one each.
    Where `shared` is sharded over devices already they work on every job together.
    """
    workers = current()
    if any(len(leaf.devices()) > 1 for leaf in jax.tree.leaves(shared) if isinstance(leaf, jax.Array)):
        workers = Workers((), 1)
    devices = workers.devices or (None,)
    threads = len(devices) if len(devices) > 1 else min(threads or workers.threads, workers.threads)
    copies = [
        jax.device_put(shared, device) if device else shared for device in devices[: -(-count // workers.processes)]
    ]

    def run(i: int, turn: int):
        place, args = turn % len(devices), job(i)
        args = jax.device_put(args, devices[place]) if devices[place] else args
        return jax.tree.map(on_host, step(*copies[place], *args))

    starts, waiting = range(0, count, workers.processes), deque[tuple[int, Future]]()
    with ThreadPoolExecutor(threads) as pool:
        for turn, start in enumerate(starts):  # in the last turn the processes without a job repeat the last one
            waiting.append((start, pool.submit(run, min(start + workers.process, count - 1), turn)))
            while len(waiting) > (threads if turn < len(starts) - 1 else 0):
                first, future = waiting.popleft()
                result = future.result()
                yield from gather(result)[: count - first] if workers.processes > 1 else [result]


def on_host(array) -> np.ndarray:
    """The whole array as NumPy, also where other processes hold parts of it."""
    if isinstance(array, jax.Array) and not array.is_fully_addressable:
        mesh = cast(NamedSharding, array.sharding).mesh
        array = array if array.is_fully_replicated else _identity(NamedSharding(mesh, P()))(array)
        return np.asarray(array.addressable_data(0))
    return np.asarray(array)


def gather(tree) -> list:
    """The tree of every process, in their order; its arrays have one shape on all of them. A call all must make."""
    if jax.process_count() == 1:
        return [tree]
    leaves, structure = jax.tree.flatten(jax.tree.map(np.asarray, tree))
    flat = np.concatenate([np.ascontiguousarray(leaf).reshape(-1).view(np.uint8) for leaf in leaves])
    rounded = np.zeros(_rounded(len(flat)), np.uint8)  # so that not every length is a compilation
    rounded[: len(flat)] = flat
    rows = np.split(_everywhere(rounded)[:, : len(flat)], np.cumsum([leaf.nbytes for leaf in leaves])[:-1], 1)
    every = [np.ascontiguousarray(row).view(leaf.dtype).reshape(-1, *leaf.shape)
             for row, leaf in zip(rows, leaves, strict=True)]  # fmt: skip
    return [jax.tree.unflatten(structure, [leaf[i] for leaf in every]) for i in range(jax.process_count())]


def _alone() -> Workers:
    return Workers((), _threads(jax.default_backend()))


def _of(mesh: Mesh) -> Workers:
    here = tuple(device for device in mesh.devices.flat if device.process_index == jax.process_index())
    others = {device.process_index for device in mesh.devices.flat}
    if not here or 1 < len(others) < jax.process_count():
        raise ValueError(
            f"the mesh has devices of processes {sorted(others)}, and this is process {jax.process_index()} of "
            f"{jax.process_count()}: expected devices of this process alone, or of all of them"
        )
    threads = len(here) if len(here) > 1 else _threads(here[0].platform)
    devices = () if here == tuple(jax.local_devices()[:1]) else here
    if len(others) == 1:
        return Workers(devices, threads)
    least = min(int(one) for one in gather(np.int32(threads)))  # chunks must be cut alike on all hosts
    return Workers(devices[:least], least, jax.process_index(), jax.process_count())


def _threads(platform: str) -> int:
    return os.cpu_count() or 1 if platform == "cpu" else 1


def _everywhere(row: np.ndarray) -> np.ndarray:
    """One row a process: a collective of one device each, which the other devices need not wait for."""
    firsts = {device.process_index: device for device in reversed(jax.devices())}
    line = Mesh(np.array([firsts[i] for i in sorted(firsts)]), ("processes",))
    local = jax.device_put(row[None], firsts[jax.process_index()])
    split = NamedSharding(line, P("processes"))
    whole = jax.make_array_from_single_device_arrays((len(firsts), len(row)), split, [local])
    return np.asarray(_identity(NamedSharding(line, P()))(whole).addressable_data(0))


@cache
def _identity(sharding: NamedSharding) -> Callable:
    return jax.jit(partial(jax.tree.map, jax.numpy.asarray), out_shardings=sharding)


def _rounded(size: int) -> int:
    step = 2 ** max(size.bit_length() - 4, 6)
    return -(-size // step) * step
