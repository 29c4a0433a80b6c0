"""Layers whose input and output gradient can be captured: they sow the one and perturb the other.

Outside of a capture both are free. Inside, one backward pass over a batch gives (x, g) for every layer and example, and
the gradient of a kernel is the sum of x (x) g over positions (theory/README.md, 3.1).
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

he_normal = jax.nn.initializers.he_normal()
small_rows = jax.nn.initializers.normal(0.02)


def tap(module: nnx.Module, x: jax.Array, output: jax.Array) -> jax.Array:
    """The output, to which a tap is added; x is kept. Every further use of the module has another tap."""
    use = 0

    def append(earlier, x):
        nonlocal use
        use = len(earlier)
        return (*earlier, x)

    module.sow(nnx.Intermediate, "input", x, reduce_fn=append)
    return module.perturb(f"output{use}", output)


def product(x: Float[Array, "... k"], kernel: Float[Array, "k d"]) -> Float[Array, "... d"]:
    """x @ kernel as a product of two matrices: its gradient on CPU is up to 2.5 times faster than over three axes."""
    return (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:-1], kernel.shape[-1])


class Dense(nnx.Module):
    """x @ kernel + bias over the last axis: (..., k) -> (..., d).

    param: the type of its variables, by which a trainable filter tells them apart.
    """

    kind = "dense"

    def __init__(self, k: int, d: int, *, bias: bool = True, rngs: nnx.Rngs, init=he_normal, param=nnx.Param):
        self.kernel = param(init(rngs.params(), (k, d)))
        self.bias = param(jnp.zeros(d)) if bias else None

    def __call__(self, x: Float[Array, "... k"]) -> Float[Array, "... d"]:
        output = product(x, self.kernel[...])
        return tap(self, x, output if self.bias is None else output + self.bias[...])


class LoRA(nnx.Module):
    """base(x) + scale * up(down(x)): a correction of low rank, 0 at the start, beside a dense layer that stays fixed.

    Only down and up hold nnx.LoRAParam: functional(module, nnx.LoRAParam) takes gradients over them alone.
    """

    def __init__(self, base: Dense, rank: int, *, scale: float = 1.0, rngs: nnx.Rngs):
        k, d = base.kernel.shape
        self.base, self.scale = base, scale
        self.down = Dense(k, rank, bias=False, rngs=rngs, param=nnx.LoRAParam)
        self.up = Dense(rank, d, bias=False, rngs=rngs, init=jax.nn.initializers.zeros, param=nnx.LoRAParam)

    def __call__(self, x: Float[Array, "... k"]) -> Float[Array, "... d"]:
        output = self.base(x)
        return output + (self.scale * self.up(self.down(x))).astype(output.dtype)  # float32 beside 16-bit weights


class Conv(Dense):
    """A convolution as patches @ kernel: (n, h, w, k) -> (n, h/stride, w/stride, d), zero padding of size // 2.

    The patches are shifted slices: a convolution primitive inside a scan or map runs several times slower on CPU
    than outside of it, and the captured input of the layer is the patches anyway.
    """

    def __init__(self, k: int, d: int, *, size: int = 3, stride: int = 1, bias: bool = True, rngs: nnx.Rngs):
        super().__init__(size * size * k, d, bias=bias, rngs=rngs)
        self.size, self.stride = size, stride

    def __call__(self, x: Float[Array, "n h w k"]) -> Float[Array, "n h2 w2 d"]:
        return super().__call__(patches(x, self.size, self.stride))


def patches(x: Float[Array, "n h w k"], size: int, stride: int) -> Float[Array, "n h2 w2 s"]:
    """Every size x size window of the zero-padded images, flattened to s = size * size * k, one per output pixel."""
    h, w = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    shifts = [(i, j) for i in range(size) for j in range(size)]
    return jnp.concatenate([x[:, i : i + h : stride, j : j + w : stride] for i, j in shifts], axis=-1)


class Embed(nnx.Module):
    """A table of v rows, read by tokens: (n, ...) -> (n, ..., d); `attend` uses the same table as an output layer.

    Tokens need the axis of examples: broadcast positions to (n, t) before they are looked up.
    """

    kind = "embed"

    def __init__(self, v: int, d: int, *, rngs: nnx.Rngs, init=small_rows):
        self.embedding = nnx.Param(init(rngs.params(), (v, d)))

    def __call__(self, tokens: Int[Array, "n ..."]) -> Float[Array, "n ... d"]:
        return tap(self, tokens, self.embedding[...][tokens])

    def attend(self, x: Float[Array, "... d"]) -> Float[Array, "... v"]:
        return tap(self, x, product(x, self.embedding[...].T))


class LayerNorm(nnx.Module):
    """(x - mean) / sqrt(variance + epsilon) over the last axis, scaled and shifted: (..., d) -> (..., d)."""

    kind = "scale"

    def __init__(self, d: int, *, bias: bool = True, epsilon: float = 1e-5):
        self.scale, self.bias = nnx.Param(jnp.ones(d)), nnx.Param(jnp.zeros(d)) if bias else None
        self.epsilon = epsilon

    def __call__(self, x: Float[Array, "... d"]) -> Float[Array, "... d"]:
        centred = x - x.mean(-1, keepdims=True)
        return _scaled(self, centred * jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + self.epsilon))


class RMSNorm(nnx.Module):
    """x / sqrt(mean x^2 + epsilon) over the last axis, scaled: (..., d) -> (..., d)."""

    kind = "scale"

    def __init__(self, d: int, *, epsilon: float = 1e-6):
        self.scale, self.bias = nnx.Param(jnp.ones(d)), None
        self.epsilon = epsilon

    def __call__(self, x: Float[Array, "... d"]) -> Float[Array, "... d"]:
        square = jnp.square(x.astype(jnp.promote_types(x.dtype, jnp.float32))).mean(-1, keepdims=True)
        return _scaled(self, x * jax.lax.rsqrt(square + self.epsilon).astype(x.dtype))


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
        return _scaled(self, ((grouped - mean) * jax.lax.rsqrt(variance + self.epsilon)).reshape(x.shape))


def _scaled(module, normal: Float[Array, "... d"]) -> Float[Array, "... d"]:
    output = normal * module.scale[...]
    return tap(module, normal, output if module.bias is None else output + module.bias[...])
