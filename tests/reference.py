"""Slow and obvious versions of what the fast path computes: explicit Jacobians, one example after another."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from valuation.problem import Examples


def jacobian(model, output, examples: Examples) -> np.ndarray:
    """Gradient of every example's output over model.params, (n, p), each from a batch of one."""

    def one(params, example):
        batch = jax.tree.map(lambda leaf: leaf[None], example)
        return output(model.apply(params, model.frozen, batch.inputs), batch)[0]

    @jax.jit
    def gradient(params, example):
        return jax.flatten_util.ravel_pytree(jax.grad(one)(params, example))[0]

    rows = [jax.tree.map(lambda leaf, i=i: jnp.asarray(leaf)[i], examples) for i in range(len(examples.inputs))]
    return np.stack([np.asarray(gradient(model.params, row)) for row in rows])
