"""Scalars of a model's outputs, one an example, whose gradients the methods compare.

Outputs are logits (n, c) of classes, logits (n, t, c) of tokens, where those at position i are scored on
targets[:, i], or one predicted number (n, 1). All are module-level functions: jit knows them by identity.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from valuation.examples import Examples


def log_likelihood(outputs: Float[Array, "n ..."], examples: Examples) -> Float[Array, " n"]:
    """log p of the target, the mean over target tokens: minus the training loss, nats."""
    log_p = jax.nn.log_softmax(outputs)
    one = jnp.take_along_axis(log_p, jnp.asarray(examples.targets)[..., None], axis=-1)[..., 0]
    return _token_mean(one, examples)


def margin(outputs: Float[Array, "n ..."], examples: Examples) -> Float[Array, " n"]:
    """log p / (1 - p) of the target, the mean over target tokens: TRAK's linearised output."""
    target = jnp.asarray(examples.targets)[..., None]
    of_target = jnp.take_along_axis(outputs, target, axis=-1)[..., 0]
    others = jnp.where(jnp.arange(outputs.shape[-1]) == target, -jnp.inf, outputs)
    return _token_mean(of_target - jax.nn.logsumexp(others, -1), examples)


def true_class(outputs: Float[Array, "n c"], examples: Examples) -> Float[Array, " n"]:
    """f_y(x): the output of the example's own label."""
    return jnp.take_along_axis(outputs, examples.targets[:, None], axis=-1)[:, 0]


def class_sum(outputs: Float[Array, "n c"], examples: Examples) -> Float[Array, " n"]:
    """sum_c f_c(x) / sqrt(C): one scalar whose kernel serves all classes (the pseudo-NTK); targets are not used."""
    return outputs.sum(-1) / jnp.sqrt(outputs.shape[-1])


def number(outputs: Float[Array, "n 1"], examples: Examples) -> Float[Array, " n"]:
    """f(x), the predicted number; targets are not used."""
    return outputs[:, 0]


def minus_squared_error(outputs: Float[Array, "n 1"], examples: Examples) -> Float[Array, " n"]:
    """-(f(x) - y)^2: minus the training loss of a number, in the square of its unit."""
    return -jnp.square(outputs[:, 0] - examples.targets)


def categorical(outputs: Float[Array, "... c"], uniform: Float[Array, "..."]) -> Int[Array, "..."]:
    """Classes or tokens drawn from the softmax of the outputs: the first whose cumulated share exceeds `uniform`."""
    cumulated = jnp.cumsum(jax.nn.softmax(outputs), -1)
    return (cumulated[..., :-1] <= uniform[..., None] * cumulated[..., -1:]).sum(-1, dtype=jnp.int32)


def _token_mean(one: Float[Array, "n ..."], examples: Examples) -> Float[Array, " n"]:
    if one.ndim == 1:
        return one
    mask = jnp.ones(one.shape, one.dtype) if examples.mask is None else jnp.asarray(examples.mask, one.dtype)
    return (one * mask).sum(1) / jnp.maximum(mask.sum(1), 1)
