"""A top that looks its states up by the row is the whole decoder on these rows, and nothing on others."""

import jax
import jax.numpy as jnp
import numpy as np

from models import remembered
from models.decoder import decoder
from models.lora import with_lora
from models.remembered import holds, memory, recalled, remembering
from models.trunk import cut
from tests.models.test_decoder import TOKENS, spread
from tests.models.test_trunk import CONFIG, CUT

ROWS = np.where(np.arange(7) < np.array([7, 4, 7, 6, 7])[:, None], TOKENS, 0)  # padded on the right


def test_it_is_the_whole_decoder_on_tokens():
    """Logits, captured inputs of LoRA, what the last layer reads: as the decoder with LoRA in its last blocks."""
    whole = spread(decoder(CONFIG, jax.random.key(0)))
    trunk, top = cut(whole, CUT)
    settings = {"names": ("q", "v"), "rank": 2, "key": jax.random.key(1)}
    adapted, deep = spread(with_lora(top, **settings)), spread(with_lora(whole, last=CONFIG.layers - CUT, **settings))
    states_of = jax.jit(trunk.apply)
    held = memory(np.concatenate([ROWS, ROWS[:2]]), lambda rows: np.asarray(states_of({}, trunk.frozen, rows)))
    model = remembering(adapted, held)
    rows = jnp.asarray(ROWS[[3, 0, 0, 4]])
    expected = np.asarray(jax.jit(deep.apply)(deep.params, deep.frozen, rows))

    @jax.jit
    def said(params, frozen):
        states, outputs = model.readout.states(params, frozen, rows)
        _, some = model.readout.states(params, frozen, rows, jnp.array([[2], [0], [1], [3]]))
        captured, inputs = model.tapped(params, frozen, {}, rows)
        _, others = adapted.tapped(params, frozen["top"], {}, recalled(held, rows))
        logits = model.apply(params, frozen, rows), outputs, captured, states @ model.readout.weights(params, frozen)
        return logits, some, inputs, others

    logits, some, inputs, others = said(model.params, model.frozen)
    np.testing.assert_allclose(some[:, 0], expected[range(4), [2, 0, 1, 3]], atol=1e-5 * np.abs(expected).max())
    for found in logits:
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert inputs.keys() == others.keys() == model.layers.keys()
    jax.tree.map(np.testing.assert_array_equal, inputs, others)


def test_rows_are_told_apart_whatever_their_hashes(monkeypatch):
    """Hashes that are equal at first are drawn anew; rows of zeros have zero states, rows that are not there none."""
    draws = iter([np.zeros(7, np.uint32), *(np.random.default_rng(i).integers(0, 2**32, 7, np.uint32) for i in (1, 2))])

    class Drawn:
        def integers(self, *_):
            return next(draws)

    monkeypatch.setattr(remembered.np.random, "default_rng", lambda seed: Drawn())
    rows = np.array([[1, 2, 0, 0, 0, 0, 0], [2, 1, 0, 0, 0, 0, 0]])  # with equal factors their hashes are the same
    held = memory(rows.astype(np.int32), lambda rows: rows[..., None] * np.ones(3, np.float32))
    asked = np.array([rows[1], np.zeros(7), rows[0], np.arange(7)], np.int32)
    np.testing.assert_array_equal(holds(held, asked), [True, True, True, False])
    found = np.asarray(recalled(held, jnp.asarray(asked)))
    np.testing.assert_array_equal(found[:3], asked[:3, :, None] * np.ones(3))
    assert np.isnan(found[3]).all()
