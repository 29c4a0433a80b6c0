"""Images turned, stretched and shifted a little, anew at every step of a training."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Float

from experiments.training.recipe import Loss


class Moves(NamedTuple):
    """The most that an image is turned (radians), stretched (log of an axis' factor) and shifted (share of a side)."""

    angle: float
    stretch: float
    shift: float


LITTLE = Moves(angle=0.26, stretch=0.15, shift=0.09)  # handwriting stays what it is


def moved(
    images: Float[Array, "n h w k"], key: jax.Array, most: Moves = LITTLE, *, alike: bool = False
) -> Float[Array, "n h w k"]:
    """Every image by an affine map that is drawn evenly within `most`, read between pixels, 0 beyond its edge.

    alike: whether all images have one map; otherwise each has its own.
    """
    turns, stretches, shifts = jax.random.split(key, 3)
    count = 1 if alike else len(images)
    angle = jax.random.uniform(turns, (count,), minval=-most.angle, maxval=most.angle)
    factor = jnp.exp(jax.random.uniform(stretches, (count, 2), minval=-most.stretch, maxval=most.stretch))
    furthest = most.shift * jnp.array(images.shape[1:3])
    shift = jax.random.uniform(shifts, (count, 2), minval=-furthest, maxval=furthest)
    every = (jnp.broadcast_to(drawn, (len(images), *drawn.shape[1:])) for drawn in (angle, factor, shift))
    return jax.vmap(affine)(images, *every)


def on_moved(loss: Loss) -> Loss:
    """The loss of a recipe on images that are moved first, every one by itself and anew at every step."""

    def moved_loss(params, frozen, examples, key):
        moves, rest = jax.random.split(key)
        return loss(params, frozen, examples._replace(inputs=moved(examples.inputs, moves)), rest)

    return moved_loss


def affine(
    image: Float[Array, "h w k"], angle: Float[Array, ""], factor: Float[Array, "2"], shift: Float[Array, "2"]
) -> Float[Array, "h w k"]:
    """The image whose pixel at p is the image's value at c + diag(factor) R(angle) (p - c) + shift, c the centre.

    Bilinear between pixels, 0 outside. p counts (row, column).
    """
    side = jnp.array(image.shape[:2])
    centre = (side - 1) / 2
    places = jnp.stack(jnp.meshgrid(*map(jnp.arange, image.shape[:2]), indexing="ij"), -1) - centre
    rotation = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    read = (places @ rotation.T) * factor + centre + shift
    rows, columns = read[..., 0], read[..., 1]
    return jax.vmap(lambda channel: map_coordinates(channel, [rows, columns], order=1), 2, 2)(image)
