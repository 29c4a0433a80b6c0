"""EK-FAC against explicit Fisher matrices in float64 NumPy, on Jacobians; drawn targets by their statistics."""

from functools import cache
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from models.functional import functional
from models.layers import Conv, Dense, LoRA
from models.mlp import mlp
from tests.problems import CLASSES, data, sequences
from tests.reference import jacobian
from valuation import kronecker
from valuation.aggregate import union_examples
from valuation.examples import Examples
from valuation.factors import shapes
from valuation.fisher import Fisher, fisher_examples
from valuation.kronecker import curvatures, preconditioned_rows
from valuation.methods import ekfac
from valuation.objective import OBJECTIVES, Classification, NextToken
from valuation.outputs import log_likelihood

TRAIN, QUERY, DAMPING = data(30, 5), data(4, 6), 0.1


@cache
def network():
    return mlp((5, 6, CLASSES), jax.random.key(0))


@cache
def fisher():
    return fisher_examples(network(), Classification.outcomes, TRAIN, jax.random.key(1), vectors=10**6)


def alike(examples):
    return Fisher(examples, np.ones(len(examples.inputs)))


def vectors_of_layers(params, examples):
    """(inputs with a one, gradients of log p) of both layers, by hand: (n, k + 1), (n, d)."""
    (w1, b1), (w2, b2) = ([np.float64(params["layers"][i][name]) for name in ("kernel", "bias")] for i in (0, 1))
    x = np.float64(examples.inputs)
    h = np.maximum(x @ w1 + b1, 0)
    z = np.exp(h @ w2 + b2)
    g2 = np.eye(CLASSES)[examples.targets] - z / z.sum(1, keepdims=True)
    g1 = (g2 @ w2.T) * (h > 0)
    return [(np.column_stack([a, np.ones(len(a))]), g) for a, g in ((x, g1), (h, g2))]


def solved(gradients, blocks):
    """(F + delta I)^-1 of gradients (m, p), F built as a matrix of every block: {columns: (U_A, U_S, mean squares)}."""
    found = np.zeros_like(gradients)
    for columns, left, right, squares in blocks:
        basis = np.kron(left, right)
        shift = DAMPING * squares.mean() or 1.0  # of what is idle
        matrix = basis @ np.diag(squares.ravel()) @ basis.T + shift * np.eye(len(columns))
        found[:, columns] = np.linalg.solve(matrix, gradients[:, columns].T).T
    return found


def test_scores_are_those_of_the_explicit_matrix():
    model = network()
    got = ekfac.scores(model, log_likelihood, TRAIN, QUERY, fisher(), damping=DAMPING)
    some, weights = fisher()
    np.testing.assert_array_equal(some.targets, np.tile(np.arange(CLASSES), 30))
    own = jacobian(model, log_likelihood, some)
    names, blocks, start = list(shapes(model.params)), [], 0
    assert names == [f"layers.{i}.{name}" for i in (0, 1) for name in ("bias", "kernel")]
    for a, g in vectors_of_layers(model.params, some):
        (k, d) = a.shape[1], g.shape[1]
        columns = start + np.r_[d : k * d, 0:d]  # of the parameters, whose bias comes first and is the last row here
        seen = g.any(1) * weights
        left, right = (np.linalg.eigh((side.T * seen) @ side)[1] for side in (a, g))
        turned = np.einsum("nkd,kl,de->nle", own[:, columns].reshape(-1, k, d), left, right)
        blocks.append((columns, left, right, np.average(turned**2, axis=0, weights=weights)))
        start += k * d
    train, query = (jacobian(model, log_likelihood, part) for part in (TRAIN, QUERY))
    expected = train @ solved(query, blocks).T
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


class Mixed(nnx.Module):
    """A convolution, two layers with one kernel and biases of their own, a correction of low rank, an idle layer."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.patches, self.one, self.two = Conv(2, 3, rngs=rngs), Dense(3, 3, rngs=rngs), Dense(3, 3, rngs=rngs)
        self.two.kernel = self.one.kernel
        self.low, self.idle = LoRA(Dense(3, 3, rngs=rngs), 2, rngs=rngs), Dense(2, 2, rngs=rngs)
        self.low.up.kernel[...] = jnp.ones((2, 3))  # at 0 the gradient of down would be 0

    def __call__(self, x):
        x = jnp.tanh(self.one(jnp.tanh(self.patches(x)))).reshape(len(x), -1, 3)
        return self.low(jnp.tanh(self.two(x))).mean(1)


def mixed():
    rng = np.random.default_rng(0)
    return functional(Mixed()), Examples(rng.normal(size=(8, 2, 2, 2)).astype(np.float32), np.arange(8) % 3)


def of_sequences():
    return sequences().model, union_examples(sequences())[0]


@pytest.mark.parametrize("make", [mixed, of_sequences])
def test_every_parameter_has_its_block(make):
    """Positions, padding, a table that is read and written with: squares and solves of explicit gradients."""
    model, some = make()
    table, found = shapes(model.params), curvatures(model, log_likelihood, alike(some), damping=DAMPING)
    own = jacobian(model, log_likelihood, some)
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in table.values())])
    place = {name: np.arange(start, end) for name, start, end in zip(table, ends, ends[1:], strict=False)}
    blocks = []
    for name, ((left, right), inverse) in found.items():
        k, d = inverse.shape
        columns, bias = place.pop(name), name.removesuffix("kernel") + "bias"
        columns = np.concatenate([columns, place.pop(bias)]) if len(columns) < k * d else columns
        assert len(columns) == k * d
        left, right = (np.eye(size) if side is None else np.float64(side)
                       for side, size in ((left, k), (right, d)))  # fmt: skip
        np.testing.assert_allclose(left.T @ left, np.eye(k), atol=1e-5)
        matrices = own[:, columns].reshape(-1, k, d)
        turned = np.einsum("nkd,kl,de->nle", matrices, left, right)
        blocks.append((columns, left, right, np.mean(turned**2, 0)))
        if k == 1:  # the exact Fisher matrix
            exact = np.einsum("nd,ne->de", matrices[:, 0], matrices[:, 0]) / len(matrices)
            np.testing.assert_allclose(right @ np.diag(blocks[-1][3][0]) @ right.T, exact, atol=1e-4 * exact.max())
    assert place == {}
    assert make is of_sequences or {"one.kernel", "one.bias", "two.bias"} == {name for name in found if name[0] in "ot"}
    got = preconditioned_rows(model.params, found, jnp.asarray(own[:1], jnp.float32))
    expected = solved(own[:1], blocks)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


def test_a_wide_side_keeps_its_own_axes(monkeypatch):
    """With no eigenbasis at all the Fisher matrix is its diagonal, a mean of squares of the gradients."""
    monkeypatch.setattr(kronecker, "WIDEST", 0)
    found = curvatures(network(), log_likelihood, fisher(), damping=DAMPING)
    assert jax.tree.leaves([one.bases for one in found.values()]) == []
    own, query = (jacobian(network(), log_likelihood, part) for part in (fisher().examples, QUERY))
    squares, expected = np.average(own**2, axis=0, weights=fisher().weights), np.zeros_like(query)
    for columns in np.split(np.arange(own.shape[1]), [36]):
        expected[:, columns] = query[:, columns] / (squares[columns] + DAMPING * squares[columns].mean())
    got = preconditioned_rows(network().params, found, jnp.asarray(query, jnp.float32))
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_squares_of_scores_of_what_may_be_said_are_the_curvature(kind):
    """E (d log p)^2 = -E d2 log p with respect to the outputs, over the outcomes; of drawn ones to five errors."""
    objective, draws = OBJECTIVES[kind], 20_000 if kind == "sequences" else 1
    outputs = jnp.asarray([[0.4]] if kind == "regression" else [[0.3, -0.7, 1.1]])
    uniform = jax.random.uniform(jax.random.key(0), (draws,))
    targets, weights = objective.outcomes(jnp.repeat(outputs, draws, 0), uniform)
    targets, weights = targets.reshape(-1), np.asarray(weights).reshape(-1) / draws
    if kind == "regression":
        slopes, curves = -2 * (outputs[:, 0] - targets)[:, None], np.array([2.0])
    else:
        p = jax.nn.softmax(outputs[0])
        slopes, curves = jnp.eye(3)[targets] - p, np.asarray(p * (1 - p))
    slopes = np.asarray(slopes, np.float64)
    error = (slopes**2).std(0) / np.sqrt(draws) * (draws > 1)
    assert weights.sum() == pytest.approx(1)
    assert (np.abs(weights @ slopes**2 - curves) < 5 * error + 1e-5).all()


def test_long_sequences_count_as_the_curvature_of_their_mean_loss():
    """A model that says p at every token: the curvature of every mean over tokens is diag(p) - pp'."""
    logits, count = np.array([0.3, -0.7, 1.1], np.float32), 4000
    lengths = np.random.default_rng(0).integers(1, 7, count)
    mask = np.arange(6) < lengths[:, None]
    tokens = np.zeros((count, 6), np.int32)

    def apply(params, frozen, inputs):
        return jnp.broadcast_to(params, (*inputs.shape, 3))

    model = SimpleNamespace(apply=apply, params=logits, frozen={})
    some, weights = fisher_examples(
        model, NextToken.outcomes, Examples(tokens, tokens, mask), jax.random.key(1), vectors=10**6
    )
    p = np.exp(logits) / np.exp(logits).sum()
    gradients = ((np.eye(3)[some.targets] - p) * mask[..., None]).sum(1) / lengths[:, None]
    products = np.einsum("ni,nj->nij", gradients, gradients) * (weights * lengths.mean())[:, None, None]
    error = products.std(0) / np.sqrt(count)
    assert weights.sum() == pytest.approx(count)
    assert (np.abs(products.mean(0) - np.diag(p) + np.outer(p, p)) < 5 * error).all()
    alone = np.einsum("ni,nj->ij", gradients, gradients) / count * lengths.mean()
    assert (np.abs(alone - np.diag(p) + np.outer(p, p)) > 10 * error)[0, 0]  # of draws that all weigh the same


def test_targets_do_not_depend_on_padding():
    short, long = sequences(7), sequences(11)
    drawn = [fisher_examples(p.model, p.objective.outcomes, p.pool, jax.random.key(2), vectors=10**6).examples.targets
             for p in (short, long)]  # fmt: skip
    np.testing.assert_array_equal(drawn[0][short.pool.mask], drawn[1][:, :7][short.pool.mask])


def test_some_examples_stand_for_many(monkeypatch):
    monkeypatch.setattr("valuation.fisher.LEAST", 10)
    for vectors, count in ((60, 20), (1, 10)):  # of three classes each
        some, weights = fisher_examples(network(), Classification.outcomes, TRAIN, jax.random.key(0), vectors=vectors)
        assert len({row.tobytes() for row in some.inputs}) == count == len(weights) / CLASSES
        assert weights.sum() == pytest.approx(count)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="the damping must be positive, got 0"):
        curvatures(network(), log_likelihood, fisher(), damping=0.0)
    inputs = np.where(np.arange(90)[:, None] == 3, np.nan, fisher().examples.inputs)
    broken = fisher()._replace(examples=fisher().examples._replace(inputs=inputs))
    with pytest.raises(ValueError, match="gradients of which the Fisher matrix is made are not finite"):
        curvatures(network(), log_likelihood, broken, damping=0.1)
