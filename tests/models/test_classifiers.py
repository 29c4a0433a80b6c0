import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from models.convnet import convnet
from models.cvae import cvae
from models.functional import functional
from models.layers import Conv, GroupNorm, patches
from models.losses import correct, cross_entropy
from models.mlp import mlp
from models.resnet import resnet


def test_mlp_is_the_obvious_matrix_products():
    model = mlp((4, 6, 3), jax.random.key(0))
    x = np.random.default_rng(1).normal(size=(5, 2, 2)).astype(np.float32)
    first, last = model.params["layers"][0], model.params["layers"][1]
    hidden = np.maximum(x.reshape(5, 4) @ first["kernel"] + first["bias"], 0)
    outputs = jax.jit(model.apply)(model.params, model.frozen, x)
    np.testing.assert_allclose(outputs, hidden @ last["kernel"] + last["bias"], atol=1e-5)


@pytest.mark.parametrize(("size", "stride", "side"), [(3, 1, 7), (3, 2, 8), (3, 2, 7), (5, 1, 6), (1, 2, 4)])
def test_patches_times_kernel_is_the_convolution_primitive(size, stride, side):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(2, side, side, 3)).astype(np.float32)
    kernel = draw.normal(size=(size * size * 3, 4)).astype(np.float32)
    expected = jax.lax.conv_general_dilated(
        x, kernel.reshape(size, size, 3, 4), (stride, stride), [(size // 2, size // 2)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip
    np.testing.assert_allclose(jax.jit(patches, static_argnums=(1, 2))(x, size, stride) @ kernel, expected, atol=1e-4)


def test_group_norm_is_flax_group_norm():
    x = np.random.default_rng(0).normal(1, 3, (3, 5, 5, 8)).astype(np.float32)
    ours = functional(GroupNorm(8, groups=4))
    theirs = nnx.GroupNorm(8, num_groups=4, epsilon=1e-5, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(jax.jit(ours.apply)(ours.params, ours.frozen, x), theirs(x), atol=1e-5)


@pytest.mark.parametrize("name", ["convnet", "resnet"])
def test_no_example_depends_on_another(name):
    x = np.random.default_rng(1).normal(size=(6, 8, 8, 1)).astype(np.float32)
    build = {"convnet": lambda key: convnet((1, 4, 8), 5, key), "resnet": lambda key: resnet(1, 5, key, stages=(8, 16))}
    model = build[name](jax.random.key(0))
    apply = jax.jit(model.apply)
    alone = np.concatenate([apply(model.params, model.frozen, x[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(apply(model.params, model.frozen, x), alone, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp", "convnet"])
def test_taps_are_added_to_the_outputs_of_their_layer(name):
    x = np.random.default_rng(1).normal(size=(2, 4, 4, 1)).astype(np.float32)
    build = {"mlp": lambda key: mlp((16, 6, 3), key), "convnet": lambda key: convnet((1, 4, 8), 3, key)}
    model = build[name](jax.random.key(0))
    plain = jax.jit(model.apply)(model.params, model.frozen, x)
    tapped = jax.jit(model.tapped)
    outputs, inputs = tapped(model.params, model.frozen, {}, x)
    np.testing.assert_allclose(outputs, plain, atol=1e-6)
    assert set(inputs) == set(model.layers)
    last = "head" if "head" in model.layers else "layers.1"
    moved, _ = tapped(model.params, model.frozen, {last: np.full(plain.shape, 2, np.float32)}, x)
    np.testing.assert_allclose(moved, plain + 2, atol=1e-5)


def test_parameters_outside_our_layers_cannot_be_captured():
    class Foreign(nnx.Module):
        def __init__(self):
            self.ours = Conv(1, 2, rngs=nnx.Rngs(0))
            self.gain = nnx.Param(jnp.ones(()))

        def __call__(self, x):
            return self.gain[...] * self.ours(x).mean((1, 2))

    model = functional(Foreign())
    assert model.tapped is None
    assert jax.eval_shape(model.apply, model.params, model.frozen, jnp.ones((2, 4, 4, 1))).shape == (2, 2)


def test_losses_by_hand():
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3]]))
    np.testing.assert_allclose(cross_entropy(logits, jnp.array([0, 2])), -np.log([0.7, 0.3]), rtol=1e-6)
    np.testing.assert_array_equal(correct(logits, jnp.array([0, 2])), [1, 0])


@pytest.mark.usefixtures("each_key_once")
def test_a_cold_generator_has_less_variety():
    generator = cvae((4, 4, 1), 3, width=16, latent=4)
    params = generator.initialise(jax.random.key(0))
    labels = np.zeros(200, np.int32)
    sample = jax.jit(generator.sample)
    cold, warm = (np.asarray(sample(params, labels, t, jax.random.key(1))) for t in (0.2, 1.0))
    assert np.all((warm >= 0) & (warm <= 1))
    assert cold.var(0).mean() < 0.2 * warm.var(0).mean()


@pytest.mark.usefixtures("each_key_once")
def test_the_evidence_bound_holds():
    """The generator's loss is above -log p(x), which importance sampling estimates from the other side."""
    generator = cvae((2, 2, 1), 2, width=8, latent=2)
    params = generator.initialise(jax.random.key(0))
    x, labels = jnp.array([[[[1.0], [0.0]], [[1.0], [1.0]]]]), jnp.array([1])
    keys = jax.random.split(jax.random.key(5), 200)
    bound = float(jax.jit(jax.vmap(lambda key: generator.loss(params, x, labels, key)[0]))(keys).mean())
    sample = jax.jit(generator.sample)
    means = np.asarray(sample(params, np.ones(4000, np.int32), 1.0, jax.random.key(7))).reshape(4000, -1)
    likelihood = np.prod(np.where(x.reshape(1, -1) > 0.5, means, 1 - means), -1).mean()
    assert bound >= -np.log(likelihood) - 0.05


def test_resnet_18_has_its_parameters():
    """11.17 M of the usual CIFAR variant with batch normalisation, and a bias for each of its 20 convolutions."""
    counts = jax.eval_shape(lambda key: resnet(3, 10, key).params, jax.random.key(0))
    convolutions = 64 + 4 * 64 + 4 * 128 + 128 + 4 * 256 + 256 + 4 * 512 + 512
    norms_of_shortcuts = 2 * (128 + 256 + 512)  # which ours do not have
    assert (
        sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(counts)) == 11_173_962 + convolutions - norms_of_shortcuts
    )
