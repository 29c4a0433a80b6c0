"""All devices as one mesh: examples, or whole trainings, are sharded over them."""

import os
from collections.abc import Callable

import jax
import scipy.linalg  # noqa: F401 (loads the BLAS whose threads are limited below)
import threadpoolctl
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

AXIS = "shards"


def use_all_cores() -> None:
    """Makes every CPU core a device of its own; call it before anything else of JAX. Accelerators are not affected.

    Small trainings keep one core busy each, and that is the fastest way we measured to run many of them on a CPU
    (README.md, "Speed"); large matrix products still use all cores, whichever device they are on.
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


def sharded_map(function: Callable, mesh: Mesh) -> Callable:
    """(mapped, shared) -> function(mapped[i], shared) for every i of the leading axis, jitted.

    An equal share of the leading axis goes to every device: one after another on a CPU core, together on an
    accelerator. The leading axis is padded to a multiple of the devices with copies of its last entry, which are
    dropped; an axis of one stays on one device.
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
