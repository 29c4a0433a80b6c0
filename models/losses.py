"""Losses and outputs of classifiers, one number per example. Units: nats."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cross_entropy(logits: Float[Array, "n c"], labels: Int[Array, " n"]) -> Float[Array, " n"]:
    """-log softmax(logits)[label], nats."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]


def correct(logits: Float[Array, "n c"], labels: Int[Array, " n"]) -> Float[Array, " n"]:
    """1 where the largest logit is the label's, else 0."""
    return (logits.argmax(-1) == labels).astype(logits.dtype)
