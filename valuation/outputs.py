"""Scalars of a model's outputs, one an example, whose gradients the methods compare. Units: nats.

Outputs are logits (n, c) of classes, or (n, t, c) of tokens: the logits at position i are scored on targets[:, i].
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from valuation.problem import Examples


def log_likelihood(outputs: Float[Array, "n ..."], examples: Examples) -> Float[Array, " n"]:
    """log p of the target, the mean over target tokens: minus the training loss, nats."""
    ahead = jax.nn.log_softmax(outputs)
    one = jnp.take_along_axis(ahead, jnp.asarray(examples.targets)[..., None], axis=-1)[..., 0]
    return _token_mean(one, examples)


def margin(outputs: Float[Array, "n ..."], examples: Examples) -> Float[Array, " n"]:
    """log p / (1 - p) of the target, the mean over target tokens: TRAK's linearised output."""
    target = jnp.asarray(examples.targets)[..., None]
    own = jnp.take_along_axis(outputs, target, axis=-1)[..., 0]
    others = jnp.where(jnp.arange(outputs.shape[-1]) == target, -jnp.inf, outputs)
    return _token_mean(own - jax.nn.logsumexp(others, -1), examples)


def _token_mean(one: Float[Array, "n ..."], examples: Examples) -> Float[Array, " n"]:
    if one.ndim == 1:
        return one
    mask = jnp.ones(one.shape, one.dtype) if examples.mask is None else jnp.asarray(examples.mask, one.dtype)
    return (one * mask).sum(1) / jnp.maximum(mask.sum(1), 1)
