"""Layers whose input and output gradient can be captured: they sow the one and perturb the other.

Outside of a capture both are free. Inside, one backward pass over a batch gives (x, g) for every layer and example, and
the gradient of a kernel is the sum of x (x) g over positions (theory/README.md, 3.1).
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

he_normal = jax.nn.initializers.he_normal()


class Dense(nnx.Module):
    """x @ kernel + bias over the last axis: (..., k) -> (..., d)."""

    kind = "dense"

    def __init__(self, k: int, d: int, *, rngs: nnx.Rngs, init=he_normal):
        self.kernel = nnx.Param(init(rngs.params(), (k, d)))
        self.bias = nnx.Param(jnp.zeros(d))

    def __call__(self, x: Float[Array, "... k"]) -> Float[Array, "... d"]:
        self.sow(nnx.Intermediate, "input", x)
        return self.perturb("output", x @ self.kernel[...] + self.bias[...])


class Conv(Dense):
    """A convolution as patches @ kernel: (n, h, w, k) -> (n, h/stride, w/stride, d), zero padding of size // 2.

    The patches are shifted slices: a convolution primitive inside a scan or map runs several times slower on CPU
    than outside of it, and the captured input of the layer is the patches anyway.
    """

    def __init__(self, k: int, d: int, *, size: int = 3, stride: int = 1, rngs: nnx.Rngs):
        super().__init__(size * size * k, d, rngs=rngs)
        self.size, self.stride = size, stride

    def __call__(self, x: Float[Array, "n h w k"]) -> Float[Array, "n h2 w2 d"]:
        return super().__call__(patches(x, self.size, self.stride))


def patches(x: Float[Array, "n h w k"], size: int, stride: int) -> Float[Array, "n h2 w2 s"]:
    """Every size x size window of the zero-padded images, flattened to s = size * size * k, one per output pixel."""
    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    shifts = [(i, j) for i in range(size) for j in range(size)]
    return jnp.concatenate([x[:, i : i + h : stride, j : j + w : stride] for i, j in shifts], axis=-1)


class GroupNorm(nnx.Module):
    """Normalised over positions and the channels of a group, then scaled and shifted: (n, ..., d) -> (n, ..., d)."""

    kind = "scale"

    def __init__(self, d: int, *, groups: int, epsilon: float = 1e-5):
        if d % groups:
            raise ValueError(f"{d} channels cannot be split into {groups} equal groups")
        self.scale, self.bias = nnx.Param(jnp.ones(d)), nnx.Param(jnp.zeros(d))
        self.groups, self.epsilon = groups, epsilon

    def __call__(self, x: Float[Array, "n ... d"]) -> Float[Array, "n ... d"]:
        grouped = x.reshape(x.shape[0], -1, self.groups, x.shape[-1] // self.groups)
        mean = grouped.mean((1, 3), keepdims=True)
        variance = jnp.square(grouped - mean).mean((1, 3), keepdims=True)
        normal = ((grouped - mean) * jax.lax.rsqrt(variance + self.epsilon)).reshape(x.shape)
        self.sow(nnx.Intermediate, "input", normal)
        return self.perturb("output", normal * self.scale[...] + self.bias[...])
