"""A class-conditional variational autoencoder: a small generator whose samples can be drawn cold."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from models.layers import Dense


class Generator(NamedTuple):
    """A generator of images as pure functions.

    initialise: key -> params.
    loss: (params, images (n, h, w, c) in [0, 1], labels (n,), key) -> negative evidence bound, nats an image (n,).
    sample: (params, labels (n,), temperature, key) -> images (n, h, w, c) in [0, 1].
    """

    initialise: Callable[[jax.Array], Any]
    loss: Callable[[Any, jax.Array, jax.Array, jax.Array], jax.Array]
    sample: Callable[[Any, jax.Array, float, jax.Array], jax.Array]


class CVAE(nnx.Module):
    """Gaussian latent code, Bernoulli pixels, both conditional on the class; one hidden layer each way."""

    def __init__(self, pixels: int, classes: int, *, width: int, latent: int, rngs: nnx.Rngs):
        self.encoder = Dense(pixels + classes, width, rngs=rngs)
        self.code = Dense(width, 2 * latent, rngs=rngs)
        self.decoder = Dense(latent + classes, width, rngs=rngs)
        self.pixels = Dense(width, pixels, rngs=rngs)

    def encode(self, x: Float[Array, "n d"], onehot: Float[Array, "n c"]):
        code = self.code(jax.nn.relu(self.encoder(jnp.concatenate([x, onehot], -1))))
        return jnp.split(code, 2, -1)

    def decode(self, z: Float[Array, "n l"], onehot: Float[Array, "n c"]) -> Float[Array, "n d"]:
        return self.pixels(jax.nn.relu(self.decoder(jnp.concatenate([z, onehot], -1))))


def cvae(shape: tuple[int, int, int], classes: int, *, width: int = 256, latent: int = 16) -> Generator:
    """The generator for images of that shape.

    A temperature below 1 shrinks the latent code, z = temperature * N(0, I): samples move towards the middle of their
    class, and what is rare in a class is lost by the generator itself. Pixels are the decoder's means.
    """
    pixels = shape[0] * shape[1] * shape[2]

    def build(key):
        return CVAE(pixels, classes, width=width, latent=latent, rngs=nnx.Rngs(key))

    graph = nnx.graphdef(build(jax.random.key(0)))

    def initialise(key):
        return nnx.to_pure_dict(nnx.state(build(key)))

    def call(params, method, *arguments):
        return nnx.capture(lambda module: getattr(module, method)(*arguments))(nnx.merge(graph, nnx.State(params)))

    def loss(params, images: Float[Array, "n h w k"], labels: Int[Array, " n"], key) -> Float[Array, " n"]:
        x, onehot = images.reshape(images.shape[0], -1), jax.nn.one_hot(labels, classes)
        mean, log_variance = call(params, "encode", x, onehot)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
        logits = call(params, "decode", z, onehot)
        surprise = jnp.sum(jax.nn.softplus(logits) - x * logits, -1)
        divergence = 0.5 * jnp.sum(jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance, -1)
        return surprise + divergence

    def sample(params, labels: Int[Array, " n"], temperature, key) -> Float[Array, "n h w k"]:
        z = temperature * jax.random.normal(key, (labels.shape[0], latent))
        logits = call(params, "decode", z, jax.nn.one_hot(labels, classes))
        return jax.nn.sigmoid(logits).reshape(-1, *shape)

    return Generator(initialise, loss, sample)
