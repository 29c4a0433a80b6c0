"""The decoder against a NumPy forward; its cache, padding, named layers; LoRA; gradients against explicit ones."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.decoder import Config, decoder, hidden, outline
from models.functional import call
from models.lora import with_lora, without_lora
from models.transformer import transformer
from tests.models import numpy_decoder
from valuation.gradients import per_example_gradients
from valuation.problem import Examples
from valuation.stream import gradient_products, self_products

SIZES = {"vocabulary": 30, "width": 8, "layers": 2, "heads": 4, "kv_heads": 2, "head_width": 6, "hidden": 10}
LLAMA = Config(**SIZES, interleaved=True, longest=32)
FAMILIES = {
    "llama": LLAMA,
    "llama, half-split, free head": LLAMA._replace(interleaved=False, tied=False, rope_base=50.0),
    "qwen2": Config(**SIZES, qkv_bias=True, tied=False, epsilon=1e-6),
    "qwen3, one key-value head": Config(**SIZES | {"kv_heads": 1}, qk_norm=True, epsilon=1e-3),
    "all at once": Config(**SIZES, qk_norm=True, qkv_bias=True, rope_base=100.0),
}
TOKENS = (np.arange(5 * 7).reshape(5, 7) * 11 % 30).astype(np.int32)


def spread(model):
    """Every parameter away from its start, so that none is neutral: biases from 0, scales from 1, LoRA's up from 0."""
    leaves, structure = jax.tree.flatten(model.params)
    draw = np.random.default_rng(5)
    moved = [jnp.asarray(x + 0.3 * draw.normal(size=x.shape).astype(np.float32)) for x in map(np.asarray, leaves)]
    return model._replace(params=jax.tree.unflatten(structure, moved))


@cache
def built(name):
    return spread(decoder(FAMILIES[name], jax.random.key(0)))


def logits_of(model, tokens):
    return np.asarray(jax.jit(model.apply)(model.params, model.frozen, tokens))


def squared(outputs, examples):
    """A scalar of every example that bends in all of its outputs."""
    flat = outputs.reshape(len(outputs), -1)
    return (jnp.sin(3 * flat) * jnp.arange(1, flat.shape[1] + 1) / flat.shape[1]).sum(-1)


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_are_those_of_numpy(name):
    model = built(name)
    weights = numpy_decoder.renamed(model.params)
    expected = [numpy_decoder.logits(weights, FAMILIES[name], row) for row in TOKENS]
    np.testing.assert_allclose(logits_of(model, TOKENS), expected, atol=1e-4)
    rebuilt = outline(FAMILIES[name])._replace(params=model.params)
    np.testing.assert_array_equal(logits_of(rebuilt, TOKENS), logits_of(model, TOKENS))


def test_an_outline_holds_no_numbers():
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(outline(LLAMA).params))


def test_padding_on_the_right_changes_nothing_before_it():
    model = built("all at once")
    padded = np.concatenate([TOKENS[:, :4], np.zeros((5, 3), np.int32)], 1)
    np.testing.assert_allclose(logits_of(model, padded)[:, :4], logits_of(model, TOKENS[:, :4]), atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "all at once"])
def test_a_cache_gives_the_logits_of_the_whole_sequence(name):
    """Rows of different lengths, in pieces of two tokens, each from its own position on."""
    model, sizes = built(name), np.array([1, 2, 3, 4, 5])

    def pieces(module, tokens):
        _, caches = module.states(tokens[:, :5])  # behind a row's size: rubbish, overwritten before it is seen
        caches = jax.tree.map(lambda x: jnp.pad(x, ((0, 0), (0, 0), (0, 4), (0, 0))), caches)
        positions = sizes[:, None] + np.arange(2)
        h, caches = module.states(jnp.take_along_axis(tokens, positions, 1), jnp.asarray(positions), caches)
        return module.logits(h)

    found = jax.jit(lambda params, tokens: call(model.merged, params, model.frozen, pieces, tokens))(
        model.params, jnp.asarray(TOKENS)
    )
    whole = logits_of(model, TOKENS)
    for row, size in enumerate(sizes):
        np.testing.assert_allclose(found[row], whole[row, size : size + 2], atol=1e-4)


def test_a_named_layer_is_the_mean_over_its_tokens():
    """The last block through norm and table gives the logits; the table alone gives the embedding."""
    model = built("llama")
    mask = np.arange(7) < np.array([1, 3, 7, 7, 0])[:, None]

    def mean(layer):
        function = jax.jit(lambda params, tokens, mask: hidden(model, params, {}, tokens, mask, layer=layer))
        return np.asarray(function(model.params, TOKENS, mask))

    table = np.asarray(model.params["tok"]["embedding"])
    count = np.maximum(mask.sum(1), 1)[:, None]
    np.testing.assert_allclose(mean("tok"), (table[TOKENS] * mask[..., None]).sum(1) / count, atol=1e-6)
    averaged = (logits_of(model, TOKENS) * mask[..., None]).sum(1) / count  # the head is linear
    np.testing.assert_allclose(mean("norm") @ table.T, averaged, atol=1e-4)
    short = outline(LLAMA._replace(layers=1))  # a decoder of the first block alone
    short = short._replace(params=model.params | {"blocks": {0: model.params["blocks"][0]}})
    first = jax.jit(lambda p, tokens: call(short.merged, p, {}, lambda module: module.states(tokens)[0]))(
        short.params, TOKENS
    )
    np.testing.assert_allclose(mean("blocks.0"), (np.asarray(first) * mask[..., None]).sum(1) / count, atol=1e-5)
    with pytest.raises(ValueError, match=r"'blocks\.2' is unknown: expected tok, blocks\.0 to blocks\.1, or norm"):
        mean("blocks.2")


def test_outputs_are_the_states_times_the_weights_of_the_last_layer():
    """Of a dense layer, and of the table that the tokens read too."""
    tied = transformer(30, 7, 8, layers=1, heads=2, hidden=8, tied=True, key=jax.random.key(0))
    for model in (decoder(LLAMA._replace(tied=False), jax.random.key(0)), tied):
        states, outputs = map(np.asarray, jax.jit(model.readout.states)(model.params, model.frozen, TOKENS))
        close = 1e-5 * np.abs(outputs).max()
        np.testing.assert_allclose(outputs, logits_of(model, TOKENS), atol=close)
        weights = np.asarray(model.readout.weights(model.params, model.frozen))
        np.testing.assert_allclose(states @ weights, outputs, atol=close)


def test_places_choose_among_the_states():
    """Of each row other positions, one twice: states and outputs are those of all positions there."""
    places = jnp.array([[3, 0, 6], [6, 6, 2], *([[1, 2, 3]] * (len(TOKENS) - 2))])
    learned = transformer(30, 7, 8, layers=1, heads=2, hidden=8, tied=True, key=jax.random.key(0))
    for model in (built("all at once"), spread(decoder(LLAMA, jax.random.key(0))), learned):
        read = jax.jit(model.readout.states)
        every = read(model.params, model.frozen, TOKENS)
        for found, expected in zip(read(model.params, model.frozen, TOKENS, places), every, strict=True):
            expected = np.take_along_axis(np.asarray(expected), np.asarray(places)[..., None], 1)
            np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_lora_starts_as_nothing_and_is_merged_into_the_weights():
    base = built("all at once")
    model = with_lora(base, ("q", "v", "down"), rank=2, scale=0.5, key=jax.random.key(1))
    np.testing.assert_allclose(logits_of(model, TOKENS), logits_of(base, TOKENS), atol=1e-5)
    assert len(jax.tree.leaves(model.params)) == 2 * 3 * 2
    moved = spread(model)
    assert np.abs(logits_of(moved, TOKENS) - logits_of(base, TOKENS)).max() > 0.1
    merged = without_lora(moved)
    assert jax.tree.map(jnp.shape, merged.params) == jax.tree.map(jnp.shape, base.params)
    np.testing.assert_allclose(logits_of(merged, TOKENS), logits_of(moved, TOKENS), atol=1e-4)
    np.testing.assert_allclose(logits_of(model, TOKENS), logits_of(base, TOKENS), atol=1e-5)  # it changed a copy
    with pytest.raises(ValueError, match="'query' is no dense layer of a block: expected some of down, gate, k, o, q"):
        with_lora(base, ("query",), rank=2, key=jax.random.key(1))
    with pytest.raises(ValueError, match="number of blocks"):
        with_lora(base, ("q",), rank=2, last=0, key=jax.random.key(1))


@pytest.mark.parametrize("lora", [True, False])
def test_captured_gradients_are_the_vmapped_ones(lora):
    """Norms of queries and keys, biases, grouped queries; LoRA's parameters, or all of them with a tied head."""
    model = spread(decoder(FAMILIES["all at once"]._replace(layers=1), jax.random.key(0)))
    model = spread(with_lora(model, ("q", "v"), rank=2, key=jax.random.key(1))) if lora else model
    examples = Examples(TOKENS, TOKENS)

    def loss(params, frozen, example):
        batch = jax.tree.map(lambda leaf: leaf[None], example)
        return squared(model.apply(params, frozen, batch.inputs), batch)[0]

    expected = np.asarray(per_example_gradients(loss, model, examples, chunk=5))
    size = np.square(expected).sum(1)
    found = gradient_products(model, squared, examples, examples)
    np.testing.assert_allclose(found, expected @ expected.T, rtol=1e-3, atol=1e-4 * size.max())
    np.testing.assert_allclose(self_products(model, squared, examples), size, rtol=1e-3)


def test_bad_sizes_are_named():
    for wrong, message in (
        ({"kv_heads": 3}, "3 key-value heads do not divide 4 query heads"),
        ({"head_width": 5}, "even width, got 5"),
        ({"layers": 0}, "at least 1"),
        ({"kv_heads": 0}, "at least 1"),
        ({"rope_divisors": (1.0, 2.0)}, "3 rotary pairs need as many divisors or none, got 2"),
        ({"rope_base": 0.0}, "must be positive numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            decoder(LLAMA._replace(**wrong), jax.random.key(0))
    model = built("llama")
    with pytest.raises(ValueError, match="33 tokens are more than the 32 of this model"):
        model.apply(model.params, model.frozen, np.zeros((1, 33), np.int32))
