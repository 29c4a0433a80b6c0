"""All devices of all processes as one mesh: examples, whole trainings, or large parameters are sharded over them."""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import scipy.linalg  # noqa: F401 (loads the BLAS whose threads are limited below)
import threadpoolctl
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from tqdm import tqdm

from experiments.runtime.processes import is_main_process

AXIS = "shards"
LARGE = 2**16  # numbers from which a parameter is sharded


def start(*, coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Joins the other processes of this run; call it after use_all_cores and before anything else of JAX.

    coordinator: host:port of process 0. processes: how many there are. process: which this is, from 0 on. With none of
    them JAX asks the cluster (SLURM, Open MPI, Kubernetes, a TPU pod).
    Raises ValueError if only some are given, they do not fit together, or the others do not answer.
    """
    given = {"coordinator": coordinator, "processes": processes, "process": process}
    missing = [f"--{name}" for name, value in given.items() if value is None]
    if 0 < len(missing) < 3:
        raise ValueError(
            f"{', '.join(missing)} not given: --coordinator, --processes and --process belong together; with none of "
            "them --distributed asks the cluster"
        )
    if process is not None and processes is not None and not 0 <= process < processes:
        raise ValueError(f"--process={process} of --processes={processes}, expected 0 to {processes - 1}")
    if coordinator is not None and not coordinator.rpartition(":")[2].isdigit():
        raise ValueError(f"--coordinator={coordinator}, expected host:port of process 0, such as 10.0.0.1:1234")
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"the processes of this run do not find each other: {error}. Expected a cluster that JAX knows, or the "
            "same --coordinator=HOST:PORT and --processes on all of them, and --process from 0 on"
        ) from error


def progress(total: int) -> Callable[[int], None]:
    """A progress bar over that many examples, shown once it has taken two seconds; for valuation.workers.over."""
    bar = tqdm(total=total, unit="example", desc="examples", leave=False, delay=2, disable=not is_main_process())

    def done(count: int) -> None:
        bar.update(count)
        if bar.n >= total:
            bar.close()

    return done


def use_all_cores() -> None:
    """Makes every CPU core a device of its own; call it before anything else of JAX. Accelerators are not affected.

    Small trainings keep one core busy each, and that is the fastest way we measured to run many of them on a CPU
    (experiments/benchmarks/README.md); large matrix products still use all cores, whichever device they are on.
    """
    cores = os.cpu_count() or 1
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        jax.config.update("jax_num_cpu_devices", cores)
    # XLA's threads keep watching for work for a while after they are done, and those of SciPy's BLAS do the same: with
    # all cores for both, the solves between two kernels took twice as long on two cores.
    threadpoolctl.threadpool_limits(max(cores // 2, 1), user_api="blas")


def devices() -> Mesh:
    """A one-dimensional mesh over all devices of all hosts."""
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


def local(mesh: Mesh) -> Mesh:
    """Those of its devices that belong to this process."""
    here = [device for device in mesh.devices.flat if device.process_index == jax.process_index()]
    return Mesh(np.array(here), (AXIS,), axis_types=(AxisType.Auto,))


def of_values(mesh: Mesh) -> Mesh:
    """The devices that valuation works on: all accelerators; of CPUs one a process, since threads keep it busy."""
    firsts = {device.process_index: device for device in mesh.devices.flat[::-1]}
    chosen = [d for d in mesh.devices.flat if d.platform != "cpu" or d is firsts[d.process_index]]
    return Mesh(np.array(chosen), (AXIS,), axis_types=(AxisType.Auto,))


def replicated(tree, mesh: Mesh) -> Any:
    """For every array the sharding that gives each device a copy."""
    return jax.tree.map(lambda leaf: NamedSharding(mesh, P()), tree)


def sharded(params, mesh: Mesh, *, large: int = LARGE) -> Any:
    """For every array of at least `large` numbers a sharding of its largest axis that the devices divide.

    Small arrays, and those without such an axis, are replicated. The arrays may be ShapeDtypeStructs. The state of an
    optimizer is sharded like the parameters that it is about.
    """

    def one(leaf) -> NamedSharding:
        axes = [axis for axis, size in enumerate(leaf.shape) if size % mesh.size == 0]
        if leaf.size < large or not axes:
            return NamedSharding(mesh, P())
        chosen = max(axes, key=lambda axis: leaf.shape[axis])
        return NamedSharding(mesh, P(*(AXIS if axis == chosen else None for axis in range(leaf.ndim))))

    return jax.tree.map(one, params)


def by_rows(tree, mesh: Mesh) -> Any:
    """For every array the sharding of its leading axis, that of examples."""
    return jax.tree.map(lambda leaf: NamedSharding(mesh, P(AXIS)), tree)


def place(tree, shardings) -> Any:
    """The arrays, which every process holds whole, as those shardings say; each process keeps its own parts."""

    def one(leaf, sharding):
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(one, tree, shardings)


def sharded_map(function: Callable, mesh: Mesh) -> Callable:
    """(mapped, shared) -> function(mapped[i], shared) for every i of the leading axis, jitted.

    An equal share of the leading axis goes to every device: one after another on a CPU core, together on an
    accelerator. The leading axis is padded to a multiple of the devices with copies of its last entry, which are
    dropped; an axis of one stays on one device. The devices of the mesh must belong to this process.
    """
    sequential = mesh.devices.flat[0].platform == "cpu"

    def shard(mapped, shared):
        if sequential:
            return jax.lax.map(lambda one: function(one, shared), mapped)
        return jax.vmap(function, in_axes=(0, None))(mapped, shared)

    @jax.jit
    def run(mapped, shared):
        return jax.shard_map(shard, mesh=mesh, in_specs=(P(AXIS), P()), out_specs=P(AXIS))(mapped, shared)

    @jax.jit
    def run_one(mapped, shared):
        only = function(jax.tree.map(lambda leaf: leaf[0], mapped), shared)
        return jax.tree.map(lambda leaf: leaf[None], only)

    def padded_run(mapped, shared):
        count = jax.tree.leaves(mapped)[0].shape[0]
        if count == 1:  # one device, whose matrix products use every core
            return run_one(mapped, shared)
        extra = -count % mesh.size
        if extra:  # on one device: to join what lies on several needs a collective, which busy cores can starve
            mapped = jax.tree.map(lambda leaf: _pad(leaf, extra), jax.device_put(mapped, mesh.devices.flat[0]))
        mapped = jax.device_put(mapped, NamedSharding(mesh, P(AXIS)))
        shared = jax.device_put(shared, NamedSharding(mesh, P()))
        outputs = run(mapped, shared)
        if not extra:
            return outputs
        return jax.tree.map(lambda leaf: leaf[:count], jax.device_put(outputs, mesh.devices.flat[0]))

    return padded_run


def _pad(leaf, extra: int):
    last = jax.numpy.broadcast_to(leaf[-1:], (extra, *leaf.shape[1:]))
    return jax.numpy.concatenate([leaf, last])
