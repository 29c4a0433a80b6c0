"""Generated text: the cache against whole sequences, rows beside each other, stop tokens, bad settings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.decoder import Config, decoder
from models.generate import generate

CONFIG = Config(30, 8, 2, 4, 2, 6, 10, longest=64)
PROMPTS = [[1, 2, 3], [7], [4, 5, 6, 7, 8], [9, 9]]


def model_of(config=CONFIG):
    """A decoder whose probabilities are far from equal."""
    model = decoder(config, jax.random.key(0))
    return model._replace(params=jax.tree.map(lambda x: x * 8, model.params))


def test_greedy_text_is_that_of_whole_sequences():
    """Prompts of different lengths, longer than one look at whether all have stopped."""
    model, length = model_of(), 20
    apply = jax.jit(lambda tokens: model.apply(model.params, model.frozen, tokens))
    found = generate(model, PROMPTS, length=length, temperature=0, key=jax.random.key(0))
    for prompt, answer in zip(PROMPTS, found.tokens, strict=True):
        text = [*prompt]
        for _ in range(length):
            padded = np.zeros((1, 32), np.int32)
            padded[0, : len(text)] = text
            text.append(int(apply(padded)[0, len(text) - 1].argmax()))
        assert text[len(prompt) :] == answer.tolist()
    assert found.lengths.tolist() == [length] * 4


@pytest.mark.usefixtures("each_key_once")
def test_a_row_does_not_depend_on_its_batch_mates():
    model, settings = model_of(), {"length": 20, "top_p": 0.95, "key": jax.random.key(3)}
    together = generate(model, PROMPTS, **settings)
    np.testing.assert_array_equal(generate(model, PROMPTS, batch=1, **settings).tokens, together.tokens)
    other = generate(model, PROMPTS, **settings | {"key": jax.random.key(4)})
    assert (other.tokens != together.tokens).any(1).all()
    same = generate(model, [PROMPTS[0]] * 3, **settings)
    assert (same.tokens[0] != same.tokens[1]).any(), "rows with one prompt draw with different keys"


def test_rows_end_before_a_stop_token():
    model, counted = model_of(), []
    free = generate(model, PROMPTS, length=20, key=jax.random.key(3))
    stop = [int(free.tokens[0, 4]), int(free.tokens[1, 6])]
    found = generate(model, PROMPTS, length=20, key=jax.random.key(3), stop=stop, progress=counted.append)
    for row, answer, size in zip(free.tokens, found.tokens, found.lengths, strict=True):
        ends = np.flatnonzero(np.isin(row, stop))
        assert size == (ends[0] if len(ends) else 20)
        np.testing.assert_array_equal(answer[:size], row[:size])
        assert not answer[size:].any()
    assert found.lengths[0] < 20
    assert sum(counted) == found.lengths.sum()


def test_bad_settings_are_named():
    model = decoder(CONFIG, jax.random.key(0))
    for settings, message in (
        ({"top_p": 0}, r"top_p must lie in \(0, 1\], got 0"),
        ({"top_p": 1.1}, "got 1.1"),
        ({"top_k": -1}, "top_k must be 0"),
        ({"temperature": -0.1}, "temperature must be 0 .* or more, got -0.1"),
        ({"temperature": float("nan")}, "got nan"),
        ({"length": 0}, "length must be at least 1"),
        ({"length": 60}, "prompt 2 of 5 tokens and an answer of 60 exceed the 64 of the model"),
    ):
        with pytest.raises(ValueError, match=message):
            generate(model, PROMPTS, **{"length": 4, "key": jax.random.key(0)} | settings)
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        generate(model, [[1], []], length=4, key=jax.random.key(0))
    with pytest.raises(ValueError, match="prompt 0 has a token outside of the vocabulary of 30"):
        generate(model, [[30]], length=4, key=jax.random.key(0))


@pytest.mark.parametrize("temperature", [0, 1.0])
def test_logits_that_are_not_finite_name_row_and_step(temperature):
    """Token 5 has an embedding without a number: the row whose prompt holds it is lost at once, and others are not."""
    model = model_of(CONFIG._replace(tied=False))
    broken = {**model.params, "tok": {"embedding": model.params["tok"]["embedding"].at[5].set(jnp.inf)}}
    words = "^row 2: the logits of step 0 are not finite"
    with pytest.raises(FloatingPointError, match=words):
        generate(model._replace(params=broken), PROMPTS, length=2, temperature=temperature, key=jax.random.key(0))


def test_a_single_infinite_logit_is_enough():
    """Of either sign: with one of the two, all other logits are finite and the largest is."""
    model = model_of(CONFIG._replace(tied=False))
    for value in (jnp.inf, -jnp.inf):
        broken = {**model.params, "head": {"kernel": model.params["head"]["kernel"].at[0, 3].set(value)}}
        with pytest.raises(FloatingPointError, match=r"^row \d: the logits of step 0 are not finite"):
            generate(model._replace(params=broken), PROMPTS, length=2, temperature=0, key=jax.random.key(0))
