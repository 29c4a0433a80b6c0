"""Captured gradients against explicit Jacobians, for every layer type and model; chunks, budgets and bad input."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from models.convnet import convnet
from models.functional import functional
from models.layers import Conv, Dense, Embed, GroupNorm, LayerNorm, LoRA, RMSNorm
from models.mlp import mlp
from models.transformer import transformer
from tests.reference import jacobian
from valuation import kernel, stream
from valuation.factors import Formed, Outer, Rows, form, products, route, shapes, squares, unravelled
from valuation.gradients import capture, per_example_gradients
from valuation.kernel import gram
from valuation.outputs import class_sum
from valuation.problem import Examples
from valuation.stream import features, gradient_products, plan, self_products
from valuation.workers import use_workers

RNGS = nnx.Rngs(0)
TOKENS = (np.arange(7 * 6).reshape(7, 6) * 5 % 11).astype(np.int32)  # repeats within an example
VECTORS = np.random.default_rng(0).normal(size=(7, 6, 4)).astype(np.float32)
IMAGES = np.random.default_rng(1).normal(size=(7, 6, 6, 4)).astype(np.float32)


class Small(nnx.Module):
    """Parts, applied one after another."""

    def __init__(self, *parts):
        self.parts = nnx.List(parts)

    def __call__(self, x):
        for part in self.parts:
            x = jax.nn.tanh(part(x))
        return x.reshape(len(x), -1)


class Tied(nnx.Module):
    """A table that is read, used by lookup twice, and as the output layer."""

    def __init__(self):
        self.table, self.mix = Embed(11, 4, rngs=RNGS, init=jax.nn.initializers.normal(1.0)), Dense(4, 4, rngs=RNGS)

    def __call__(self, tokens):
        x = jax.nn.tanh(self.mix(self.table(tokens) * self.table(tokens[:, ::-1])))
        return self.table.attend(self.mix(x)).reshape(len(tokens), -1)


class SharedKernel(nnx.Module):
    """Two layers with one kernel and biases of their own, and one that nothing uses."""

    def __init__(self):
        self.one, self.two, self.idle = (Dense(4, 4, rngs=RNGS) for _ in range(3))
        self.two.kernel = self.one.kernel

    def __call__(self, x):
        return self.two(jax.nn.tanh(self.one(x))).reshape(len(x), -1)


def lora():
    layer = LoRA(Dense(4, 5, rngs=RNGS), 2, scale=0.5, rngs=RNGS)
    layer.up.kernel[...] = jax.random.normal(jax.random.key(1), (2, 5))  # at 0 the gradient of down would be 0
    return layer


def biases_only(path, value):
    return path[-1] == "bias" and isinstance(value, nnx.Param)


def squared(outputs, examples):
    """A scalar of every example that bends in all of its outputs."""
    flat = outputs.reshape(len(outputs), -1)
    return (jnp.sin(3 * flat) * jnp.arange(1, flat.shape[1] + 1) / flat.shape[1]).sum(-1) + flat[:, 0] ** 2


MODELS = {  # a model is two compilations: small layers stand several in one
    "dense on tokens": (lambda: functional(Small(Dense(4, 5, rngs=RNGS), Dense(5, 3, bias=False, rngs=RNGS))), VECTORS),
    "convolutions and group norm": (
        lambda: functional(
            Small(Conv(4, 6, stride=2, rngs=RNGS), GroupNorm(6, groups=3), Conv(6, 3, bias=False, rngs=RNGS))
        ),
        IMAGES,
    ),
    "norms": (
        lambda: functional(Small(Dense(4, 6, rngs=RNGS), LayerNorm(6), RMSNorm(6), LayerNorm(6, bias=False))),
        VECTORS,
    ),
    "embedding": (lambda: functional(Small(Embed(11, 4, rngs=RNGS), Dense(4, 3, rngs=RNGS))), TOKENS),
    "tied embedding": (lambda: functional(Tied()), TOKENS),
    "layer used twice": (lambda: functional(Small(*[Dense(4, 4, rngs=RNGS)] * 2)), VECTORS),
    "shared kernel": (lambda: functional(SharedKernel()), VECTORS),
    "lora, all": (lambda: functional(Small(lora())), VECTORS),
    "lora, its leaves only": (lambda: functional(Small(lora(), Dense(5, 3, rngs=RNGS)), nnx.LoRAParam), VECTORS),
    "biases only": (lambda: functional(Small(Dense(4, 5, rngs=RNGS), LayerNorm(5)), biases_only), VECTORS),
    "mlp": (lambda: mlp((24, 8, 5), jax.random.key(0)), VECTORS),
    "convnet": (lambda: convnet((4, 8, 8), 3, jax.random.key(0)), IMAGES),
    "transformer": (lambda: transformer(11, 6, 8, layers=1, heads=2, hidden=12, key=jax.random.key(0)), TOKENS),
    "transformer, tied": (
        lambda: transformer(11, 6, 8, layers=1, heads=2, hidden=12, tied=True, key=jax.random.key(0)),
        TOKENS,
    ),
}


@cache
def built(name):
    build, inputs = MODELS[name]
    return build(), Examples(inputs, np.zeros(len(inputs), np.int32))


@cache
def explicit(name):
    """Gradients of `squared` for every example, one batch-of-one Jacobian a row."""
    return jacobian(built(name)[0], squared, built(name)[1])


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-5 * max(np.abs(expected).max(), 1e-3))


def ravelled(got, table, state):
    """All gradients, flat, in the order of table, and their squared lengths by another way."""
    rows = [form(got[name], shape) for name, shape in table.items()]
    return jnp.concatenate([*rows, squares(got, table)[:, None]], 1)


@pytest.mark.parametrize("name", MODELS)
def test_captured_gradients_are_the_jacobian(name):
    """Formed gradients row by row, inner products and self-influence, against one batch-of-one Jacobian a row."""
    model, examples = built(name)
    expected = explicit(name)
    got = np.concatenate(list(features(model, squared, examples, ravelled, None)))
    assert got.shape == (len(expected), expected.shape[1] + 1)
    close(got[:, :-1], expected)
    close(got[:, -1], np.square(expected).sum(1))
    close(gradient_products(model, squared, examples, examples.take(slice(0, 3))), expected @ expected[:3].T)


def test_self_products_are_squared_lengths():
    model, examples = built("mlp")
    close(self_products(model, squared, examples), np.square(explicit("mlp")).sum(1))


def test_vmapped_path_is_the_jacobian():
    """Of sequences; of classes it is in test_kernel.py."""
    model, examples = built("transformer, tied")

    def loss(params, frozen, example):
        batch = jax.tree.map(lambda leaf: leaf[None], example)
        return squared(model.apply(params, frozen, batch.inputs), batch)[0]

    close(per_example_gradients(loss, model, examples, chunk=7), explicit("transformer, tied"))


@pytest.mark.parametrize("kind", [Outer, Rows])
@pytest.mark.parametrize("formed", [True, False])
def test_both_routes_agree(kind, formed):
    """Pairs of positions contracted, or explicit gradients: the route depends on the sizes alone."""
    draw = np.random.default_rng(0)
    left = draw.normal(size=(5, 3, 4)) if kind is Outer else draw.integers(0, 4, (5, 3))
    factor = kind(jnp.asarray(left), jnp.asarray(draw.normal(size=(5, 3, 2))))
    explicit = np.asarray(form(factor, (4, 2)))
    other = Formed(jnp.asarray(explicit)) if formed else factor
    close(products({"w": factor}, {"w": other}, {"w": (4, 2)}), explicit @ explicit.T)
    close(squares({"w": other}, {"w": (4, 2)}), np.square(explicit).sum(1))


def test_route_follows_the_multiplications():
    wide, long = (Outer(jnp.zeros((2, s, k)), jnp.zeros((2, s, k))) for s, k in ((2, 64), (64, 2)))
    assert isinstance(route(wide, (64, 64), n=100, m=2), Outer)
    assert isinstance(route(long, (2, 2), n=100, m=2), Formed)


@pytest.mark.parametrize("memory", [60_000, 10**8])
def test_products_do_not_depend_on_the_budget(memory):
    """Ragged chunks and blocks of queries; every example is reported once for every block."""
    model, examples = built("transformer")
    examples = jax.tree.map(lambda leaf: np.concatenate([leaf] * 5)[:33], examples)
    done = []
    got = gradient_products(model, squared, examples, examples, memory=memory, progress=done.append)
    expected = np.concatenate([explicit("transformer")] * 5)[:33]
    close(got, expected @ expected.T)
    blocks = -(-33 // plan(model, squared, examples, memory / 2, whole=True, workers=1).rows)
    assert sum(done) == 33 * blocks


def test_budget_holds_what_xla_asks_for():
    """The estimate that sets the chunk's size covers what the compiled step really allocates."""
    model = transformer(50, 16, 32, layers=2, heads=2, hidden=64, key=jax.random.key(0))
    tokens = np.zeros((200, 16), np.int32)
    examples, memory = Examples(tokens, tokens), 2**24
    chosen = plan(model, squared, examples, memory, pairs=True)
    routed = {name: Formed(jnp.zeros((4, int(np.prod(s))))) for name, s in shapes(model.params).items()}
    args = {"tapped": model.tapped, "layers": tuple(model.layers.items()), "output": squared}
    args |= {"group": chosen.group, "tile": chosen.tile}
    given = stream.chunk(examples, chosen.rows, 0)
    step = stream._products.lower(model.params, model.frozen, routed, given, **args)
    assert chosen.workers * step.compile().memory_analysis().temp_size_in_bytes <= memory
    assert chosen.group > 1


def test_groups_of_a_chunk_change_nothing():
    """One after another in the same memory, or all at once."""
    model, examples = built("transformer")
    given, table = stream.chunk(examples, 12, 0), shapes(model.params)
    routed = unravelled(explicit("transformer")[:2], table)
    args = {"tapped": model.tapped, "layers": tuple(model.layers.items()), "output": squared}
    rows = np.resize(explicit("transformer"), (12, explicit("transformer").shape[1]))
    rows[len(explicit("transformer")) :] = explicit("transformer")[-1]  # what fills up a chunk
    for group, tile in ((12, 12), (6, 3), (3, 3)):
        got = stream._products(model.params, model.frozen, routed, given, group=group, tile=tile, **args)
        close(got, rows @ explicit("transformer")[:2].T)


def test_a_long_set_is_cut_into_chunks_of_several_groups():
    """As even as can be among the workers, and no more than GROUPS at a time."""
    model, examples = built("transformer")
    long = jax.tree.map(lambda leaf: np.resize(leaf, (4000, *leaf.shape[1:])), examples)
    with use_workers():
        chosen = plan(model, squared, long, 10**7, pairs=True)
    assert chosen.rows % chosen.group == chosen.group % chosen.tile == 0
    assert 1 < chosen.rows // chosen.group <= stream.GROUPS


@pytest.mark.parametrize("memory", [2**30, 100_000])
def test_gram_of_two_sets(memory, monkeypatch):
    """At once, and in chunks where the gradients would not fit."""
    monkeypatch.setattr(kernel, "MEMORY", memory)
    model = convnet((4, 8), 3, jax.random.key(0))
    labels = np.arange(7, dtype=np.int32) % 3
    expected = jacobian(model, lambda out, e: out[jnp.arange(len(out)), e.targets], Examples(IMAGES, labels))
    close(gram(model, IMAGES, labels), expected @ expected.T)
    close(gram(model, IMAGES, labels, inputs_b=IMAGES[:2], labels_b=labels[:2]), expected @ expected[:2].T)


class Foreign(nnx.Module):
    def __init__(self):
        self.known, self.foreign = Dense(4, 4, rngs=RNGS), nnx.Linear(4, 3, rngs=RNGS)

    def __call__(self, x):
        return self.foreign(self.known(x)).reshape(len(x), -1)


def test_a_foreign_layer_is_named():
    model, examples = functional(Foreign()), Examples(VECTORS, np.zeros(7, np.int32))
    for call in (
        lambda: gradient_products(model, squared, examples, examples),
        lambda: capture(model, squared, examples),
        lambda: gram(model, VECTORS, None, output=class_sum),
    ):
        with pytest.raises(ValueError, match=r"foreign\.kernel \(Linear\).*per_example_gradients"):
            call()


def test_bad_input_is_named():
    model, examples = built("mlp")
    broken = examples._replace(inputs=np.where(np.arange(7)[:, None, None] == 4, np.nan, VECTORS))
    with pytest.raises(ValueError, match="example 4 of the training set is not finite"):
        gradient_products(model, squared, broken, examples)
    with pytest.raises(ValueError, match="example 4 of the query set is not finite"):
        gradient_products(model, squared, examples, broken)
    with pytest.raises(ValueError, match="example 4 of the given set is not finite"):
        self_products(model, squared, broken)
    with pytest.raises(ValueError, match="the query set is empty"):
        gradient_products(model, squared, examples, examples.take(slice(0, 0)))
    with pytest.raises(ValueError, match=r"one example needs about .* MB of memory, the budget leaves 0.0 MB"):
        gradient_products(model, squared, examples, examples, memory=1000)
    with use_workers(memory=10**8):  # where one example needs more than a method's own budget
        got = gradient_products(model, squared, examples, examples, memory=1000)
    close(got, explicit("mlp") @ explicit("mlp").T)
