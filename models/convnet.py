"""A small convolutional classifier with group normalisation, so that no example depends on another."""

import itertools
from collections.abc import Sequence

import jax
from flax import nnx
from jaxtyping import Array, Float

from models.functional import Model, functional
from models.layers import Conv, Dense, GroupNorm


class ConvNet(nnx.Module):
    """Logits of images: (n, h, w, channels[0]) -> (n, classes).

    channels: of the input and of every stage, such as (1, 16, 32); each stage is a 3x3 convolution of stride 2,
        a GroupNorm and a ReLU; then the mean over positions and a dense layer.
    positions: of the last stage, where the dense layer reads them all instead of their mean; 0: the mean.
    """

    def __init__(
        self, channels: Sequence[int], classes: int, *, groups: int = 4, positions: int = 0, rngs: nnx.Rngs
    ):
        if len(channels) < 2:
            raise ValueError(f"a ConvNet needs the channels of its input and of a stage, got {tuple(channels)}")
        pairs = list(itertools.pairwise(channels))
        self.convolutions = nnx.List([Conv(k, d, stride=2, rngs=rngs) for k, d in pairs])
        self.norms = nnx.List([GroupNorm(d, groups=groups) for _, d in pairs])
        self.head = Dense(channels[-1] * max(positions, 1), classes, rngs=rngs)
        self.mean = positions == 0

    def __call__(self, x: Float[Array, "n h w k"]) -> Float[Array, "n c"]:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = jax.nn.relu(norm(convolution(x)))
        return self.head(x.mean((1, 2)) if self.mean else x.reshape(len(x), -1))


def convnet(channels: Sequence[int], classes: int, key: jax.Array, *, side: int = 0) -> Model:
    """A ConvNet as a Model, its parameters drawn from the key.

    side: of the square images, for a head that reads all positions; 0: one that reads their mean.
    """
    after = -(-side // 2 ** (len(channels) - 1))
    return functional(ConvNet(channels, classes, positions=after**2, rngs=nnx.Rngs(key)))
