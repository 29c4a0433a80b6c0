"""The encoder against a lookup and a sum, its gradients against vmapped ones, and padding that must not matter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.encoder import encoder, weighted_words
from models.losses import cross_entropy
from valuation.gradients import capture, per_example_gradients
from valuation.kernel import gram
from valuation.outputs import class_sum
from valuation.problem import Examples

WORDS = 11
TOKENS = np.array([[3, 4, 3, 0, 0], [5, 1, 0, 0, 0], [2, 10, 9, 8, 7], [0, 0, 0, 0, 0], [4, 4, 4, 4, 0]], np.int32)
LABELS = np.array([0, 1, 1, 0, 1], np.int32)
WEIGHTS = np.r_[0.7, 0.0, np.linspace(1, 3, WORDS - 2)].astype(np.float32)  # the first one is padding's, and unused


@pytest.fixture(scope="module")
def model():
    return encoder(WEIGHTS, (6, 2), jax.random.key(0))


def test_logits_are_those_of_looked_up_and_summed_word_vectors(model):
    first, last = model.params["mlp"]["layers"][0], model.params["mlp"]["layers"][1]
    expected = []
    for row in TOKENS:
        counts = {word: int(np.sum(row == word)) for word in row if word}
        weights = {word: np.log1p(count) * WEIGHTS[word] for word, count in counts.items()}
        length = max(np.sqrt(sum(weight**2 for weight in weights.values())), 1e-9)
        text = sum(
            (weight / length * np.asarray(first["kernel"])[word] for word, weight in weights.items()), np.zeros(6)
        )
        expected.append(np.maximum(text + first["bias"], 0) @ last["kernel"] + last["bias"])
    found = model.apply(model.params, model.frozen, TOKENS)
    np.testing.assert_allclose(found, np.array(expected), atol=1e-5)


def test_padding_has_no_influence(model):
    longer = np.pad(TOKENS, [(0, 0), (0, 7)])
    vectors = [weighted_words(jnp.asarray(tokens), jnp.asarray(WEIGHTS)) for tokens in (TOKENS, longer)]
    np.testing.assert_array_equal(*vectors)
    plain, padded = (gram(model, tokens, LABELS) for tokens in (TOKENS, longer))
    np.testing.assert_allclose(padded, plain, atol=1e-6)


def test_the_order_of_words_and_other_texts_do_not_matter(model):
    apply = jax.jit(model.apply)
    alone = np.concatenate([apply(model.params, model.frozen, row[None, ::-1]) for row in TOKENS])
    np.testing.assert_allclose(apply(model.params, model.frozen, TOKENS), alone, atol=1e-6)


def test_captured_gradients_are_the_vmapped_ones(model):
    """Of every layer: kernel = x (x) g; their products are the tangent kernel; without words they are finite."""

    def loss(params, frozen, example):
        logits = model.apply(params, frozen, example.inputs[None])
        return class_sum(logits, example)[0]

    examples = Examples(TOKENS, LABELS)
    expected = np.asarray(per_example_gradients(loss, model, examples, chunk=5))
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(gram(model, TOKENS, LABELS, output=class_sum), expected @ expected.T, atol=1e-5)
    found = capture(model, class_sum, examples)
    x, g = found.inputs["mlp.layers.0"], found.gradients["mlp.layers.0"]
    tables = jnp.einsum("nv,nd->nvd", x, g).reshape(len(TOKENS), -1)
    norms = np.linalg.norm(expected, axis=1) ** 2
    rest = np.linalg.norm(found.inputs["mlp.layers.1"], axis=1) ** 2 + 1  # the output layer's, for outputs over sqrt(2)
    np.testing.assert_allclose(norms, np.linalg.norm(tables, axis=1) ** 2 + np.square(g).sum(1) + rest, rtol=1e-4)


def test_the_weights_of_words_are_frozen(model):
    assert {tuple(leaf.shape) for leaf in jax.tree.leaves(model.frozen)} == {(WORDS,)}
    assert (WORDS,) not in {leaf.shape for leaf in jax.tree.leaves(model.params)}


def test_it_learns_which_words_decide(model):
    """Full-batch descent on texts whose label is the word they hold: every one is right in the end."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    tokens = np.c_[rng.integers(4, WORDS, (40, 4)), 2 + labels].astype(np.int32)
    params = model.params

    @jax.jit
    def descend(params):
        def loss(params):
            return cross_entropy(model.apply(params, model.frozen, tokens), jnp.asarray(labels)).mean()

        return jax.tree.map(lambda p, g: p - 1.0 * g, params, jax.grad(loss)(params))

    for _ in range(300):
        params = descend(params)
    np.testing.assert_array_equal(model.apply(params, model.frozen, tokens).argmax(1), labels)
