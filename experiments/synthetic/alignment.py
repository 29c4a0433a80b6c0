"""What condensed images are moved against: what networks see in them and in real ones (theory/README.md, 7)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from models.functional import Model
from models.losses import cross_entropy

NEAR_OUTPUT, OTHERS = 1.0, 0.1  # weights of the outputs and of what the last layer reads; of all other layers
DISCRIMINATION = 0.01  # weight of that term


def layer_inputs(model: Model, params: PyTree, images: Float[Array, "n ..."]) -> list[Float[Array, "n d"]]:
    """What is aligned, from output to input: the outputs, and what every dense layer but the first reads.

    A convolution is a dense layer of patches. The first would read the images themselves.
    """
    assert model.tapped is not None
    outputs, read = model.tapped(params, model.frozen, {}, images)
    dense = [x for name, x in read.items() if model.layers[name].kind == "dense"]
    return [x.reshape(len(x), -1) for x in (outputs, *dense[:0:-1])]


def misalignment(made: list[Float[Array, "c m d"]], real: list[Float[Array, "c b d"]]) -> Float[Array, ""]:
    """Weighted sum over layers of the squared distances between the class means of condensed and real images."""
    weights = [NEAR_OUTPUT if layer < 2 else OTHERS for layer in range(len(made))]
    squares = [jnp.square(x.mean(1) - y.mean(1)).sum() for x, y in zip(made, real, strict=True)]
    return sum((weight * square for weight, square in zip(weights, squares, strict=True)), jnp.zeros(()))


def discrimination(made: Float[Array, "c m d"], real: Float[Array, "c b d"]) -> Float[Array, ""]:
    """Mean cross-entropy, nats, of real features whose logits are their products with the condensed class means."""
    logits = real.reshape(-1, real.shape[-1]) @ made.mean(1).T
    return cross_entropy(logits, jnp.repeat(jnp.arange(len(real)), real.shape[1])).mean()


def concentration_of(features: Float[Array, "c m d"]) -> Float[Array, ""]:
    """valuation.covariates.concentration.class_concentration of m examples a class, with a gradient."""
    log_p = jax.nn.log_softmax(features)
    mean = jax.nn.logsumexp(log_p, axis=1, keepdims=True) - jnp.log(features.shape[1])
    return (jnp.exp(log_p) * (log_p - mean)).sum(-1).mean()


def loss(
    model: Model,
    params: PyTree,
    images: Float[Array, "c m h w k"],
    real: Float[Array, "c b h w k"],
    concentrated: tuple[Float[Array, ""], PyTree] | None = None,
) -> Float[Array, ""]:
    """What the images are moved against: misalignment + DISCRIMINATION * discrimination + weight * CMI.

    params: of a network trained on the condensed images. concentrated: the weight of the CMI, and the parameters of a
    network trained on real ones; None leaves it out.
    """
    made, seen = (_by_class(layer_inputs(model, params, flat(some)), some) for some in (images, real))
    total = misalignment(made, seen) + DISCRIMINATION * discrimination(made[1], seen[1])
    if concentrated is None:
        return total
    weight, trained = concentrated
    return total + weight * concentration_of(_by_class(layer_inputs(model, trained, flat(images)), images)[1])


def flat(images: Float[Array, "c m h w k"]) -> Float[Array, "c_m h w k"]:
    """All images in one row."""
    return images.reshape(-1, *images.shape[2:])


def _by_class(layers, images):
    return [x.reshape(*images.shape[:2], -1) for x in layers]
