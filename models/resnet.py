"""ResNet-18 for small images (He et al. 2016), with group instead of batch normalisation: no example sees another."""

import itertools

import jax
from flax import nnx
from jaxtyping import Array, Float

from models.functional import Model, functional
from models.layers import Conv, Dense, GroupNorm

STAGES = (64, 128, 256, 512)


class Block(nnx.Module):
    """x + two 3x3 convolutions of x: (n, h, w, k) -> (n, h / stride, w / stride, d)."""

    def __init__(self, k: int, d: int, *, stride: int, groups: int, rngs: nnx.Rngs):
        self.first, self.second = Conv(k, d, stride=stride, rngs=rngs), Conv(d, d, rngs=rngs)
        self.norms = nnx.List([GroupNorm(d, groups=groups) for _ in range(2)])
        self.shortcut = Conv(k, d, size=1, stride=stride, rngs=rngs) if stride > 1 or k != d else None

    def __call__(self, x: Float[Array, "n h w k"]) -> Float[Array, "n h2 w2 d"]:
        y = self.norms[1](self.second(jax.nn.relu(self.norms[0](self.first(x)))))
        return jax.nn.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nnx.Module):
    """Logits of images: (n, h, w, channels) -> (n, classes). 18 layers, 11 M parameters with the default stages.

    stages: channels of each stage of two blocks; every stage but the first halves the image.
    """

    def __init__(
        self, channels: int, classes: int, *, stages: tuple[int, ...] = STAGES, groups: int = 8, rngs: nnx.Rngs
    ):
        self.stem, self.norm = Conv(channels, stages[0], rngs=rngs), GroupNorm(stages[0], groups=groups)
        blocks = []
        for number, (k, d) in enumerate(itertools.pairwise((stages[0], *stages))):
            blocks.append(Block(k, d, stride=1 if number == 0 else 2, groups=groups, rngs=rngs))
            blocks.append(Block(d, d, stride=1, groups=groups, rngs=rngs))
        self.blocks = nnx.List(blocks)
        self.head = Dense(stages[-1], classes, rngs=rngs)

    def __call__(self, x: Float[Array, "n h w k"]) -> Float[Array, "n c"]:
        x = jax.nn.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


def resnet(channels: int, classes: int, key: jax.Array, *, stages: tuple[int, ...] = STAGES) -> Model:
    """A ResNet as a Model, its parameters drawn from the key."""
    return functional(ResNet(channels, classes, stages=stages, rngs=nnx.Rngs(key)))
