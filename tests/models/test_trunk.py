"""A decoder cut in two is the decoder: logits, losses, gradients of the top, captured ones, LoRA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.decoder import Config, decoder
from models.lora import with_lora
from models.mlp import mlp
from models.trunk import cut, of_whole
from tests.models.test_decoder import TOKENS, spread, squared
from valuation.problem import Examples
from valuation.stream import gradient_products

CONFIG = Config(30, 8, 2, 4, 2, 6, 10, qk_norm=True, longest=32)
CUT = 1


@pytest.fixture(scope="module")
def whole():
    """A decoder with a tied head; the one with a head of its own is that of the gradients."""
    return spread(decoder(CONFIG, jax.random.key(0)))


def states_of(trunk):
    return trunk.apply(trunk.params, trunk.frozen, TOKENS)


def mean_loss(model, frozen, inputs):
    """Mean nats of the next token, as a function of the params."""

    def loss(params):
        logits = model.apply(params, frozen, inputs)[:, :-1]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), TOKENS[:, 1:, None], -1).mean()

    return loss


def test_the_top_of_the_trunk_is_the_whole(whole):
    """Wherever it is cut; the states are those that the blocks below give, and none of the trunk is trained."""
    expected = np.asarray(whole.apply(whole.params, whole.frozen, TOKENS))
    for block in range(CONFIG.layers + 1):
        trunk, top = cut(whole, block)
        assert trunk.params == {}
        assert set(top.params) - {"blocks"} == {"norm", "tok"}
        found = top.apply(top.params, top.frozen, states_of(trunk))
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
        places = np.resize([4, 0, 2], (len(TOKENS), 3))
        _, some = top.readout.states(top.params, top.frozen, states_of(trunk), places)
        np.testing.assert_allclose(some, expected[:, [4, 0, 2]], atol=1e-5 * np.abs(expected).max())


def test_loss_and_gradients_of_the_top_are_those_of_the_whole():
    whole = spread(decoder(CONFIG._replace(tied=False), jax.random.key(0)))
    trunk, top = cut(whole, CUT)
    loss, gradient = jax.jit(jax.value_and_grad(mean_loss(top, top.frozen, states_of(trunk))))(top.params)
    expected_loss, expected = jax.jit(jax.value_and_grad(mean_loss(whole, whole.frozen, TOKENS)))(whole.params)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    found = of_whole(gradient, CUT)
    expected = {name: expected[name] for name in ("norm", "head")} | {"blocks": {CUT: expected["blocks"][CUT]}}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max()), found, expected)


def test_lora_on_the_top_is_lora_on_the_last_blocks(whole):
    """Captured gradients on states are those on tokens; params trained on states go back into the whole."""
    trunk, top = cut(whole, CUT)
    settings = {"names": ("q", "v"), "rank": 2, "key": jax.random.key(1)}
    adapted, deep = spread(with_lora(top, **settings)), spread(with_lora(whole, last=CONFIG.layers - CUT, **settings))
    placed = of_whole(adapted.params, CUT)
    jax.tree.map(np.testing.assert_array_equal, placed, deep.params)
    states = np.asarray(states_of(trunk))
    found = gradient_products(adapted, squared, Examples(states, TOKENS), Examples(states, TOKENS))
    expected = gradient_products(deep, squared, Examples(TOKENS, TOKENS), Examples(TOKENS, TOKENS))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    with pytest.raises(ValueError, match="cut it first, then adapt the top"):
        cut(deep, CUT)


def test_states_of_16_bits_are_read_in_the_type_of_the_weights(whole):
    trunk, top = cut(whole, CUT)
    states = states_of(trunk)
    full, half = (np.asarray(top.apply(top.params, top.frozen, x)) for x in (states, states.astype(jnp.bfloat16)))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, full, atol=0.05 * np.abs(full).max())


def test_a_cut_that_cannot_be_is_named(whole):
    for block in (-1, CONFIG.layers + 1):
        with pytest.raises(ValueError, match=f"of 2 blocks can be cut before 0 to that, got {block}"):
            cut(whole, block)
    with pytest.raises(ValueError, match=r"only a Decoder of models/decoder\.py can be cut, got MLP"):
        cut(mlp((2, 3), jax.random.key(0)), 0)
    _, top = cut(whole, CUT)
    with pytest.raises(ValueError, match="33 tokens are more than the 32 of this model"):
        top.apply(top.params, top.frozen, np.zeros((1, 33, CONFIG.width), np.float32))
