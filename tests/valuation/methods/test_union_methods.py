"""Scores of examples against their formulas in float64 NumPy on explicit Jacobians; contributors from examples."""

import inspect
from functools import cache

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from models.mlp import mlp
from tests.problems import CLASSES, corners, data
from tests.reference import jacobian
from valuation.aggregate import by_contributor, trained, union_examples
from valuation.factors import shapes
from valuation.kernel import outputs
from valuation.methods import METHODS, influence, logra, tracin, trak
from valuation.methods.deviation import deviation, removed
from valuation.outputs import log_likelihood, margin
from valuation.projection import sides, widths
from valuation.shared import Shared

TRAIN, QUERY = data(30, 5), data(4, 6)
ON_UNION = ("deviation", *(name for name, method in METHODS.items() if method.checkpoints))


@cache
def network(seed=0):
    return mlp((5, 6, CLASSES), jax.random.key(seed))


@cache
def problem():
    return corners()._replace(model=network(), checkpoints=((network().params, 0.5), (network(1).params, 0.25)))


@cache
def shared_corners():
    return corners()._replace(shared=Shared())


def gradients(output, examples, one=None):
    return jacobian(one or network(), output, examples)


def log_probability(logits, targets):
    logits = np.asarray(logits, np.float64)
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True)))[np.arange(len(logits)), targets]


def test_tracin_is_the_sum_over_checkpoints():
    got = tracin.scores([(network(), 0.5), (network(1), 0.25)], log_likelihood, TRAIN, QUERY)
    pairs = [
        (gradients(log_likelihood, TRAIN, m), gradients(log_likelihood, QUERY, m)) for m in (network(), network(1))
    ]
    expected = 0.5 * pairs[0][0] @ pairs[0][1].T + 0.25 * pairs[1][0] @ pairs[1][1].T
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_tracin_is_what_a_small_step_does_to_the_loss():
    """Finite difference: one step of size eta on a training example moves the query's log-likelihood by eta * score."""
    model, eta = network(), 1e-3
    got = tracin.scores([(model, 1.0)], log_likelihood, TRAIN, QUERY)
    flat, unravel = jax.flatten_util.ravel_pytree(model.params)
    flat = np.asarray(flat, np.float64)
    step = gradients(log_likelihood, TRAIN.take(slice(2, 3)))[0]
    with jax.enable_x64(True):
        moved = [
            np.asarray(
                log_likelihood(model.apply(unravel_x64(unravel, flat + s * eta * step), {}, QUERY.inputs), QUERY)
            )
            for s in (1, -1)
        ]
    np.testing.assert_allclose((moved[0] - moved[1]) / (2 * eta), got[2], rtol=1e-3, atol=1e-3)


def unravel_x64(unravel, vector):
    leaves, start = [], 0
    tree = unravel(jnp.asarray(vector, jnp.float32))
    for leaf in jax.tree.leaves(tree):
        leaves.append(jnp.asarray(vector[start : start + leaf.size].reshape(leaf.shape)))
        start += leaf.size
    return jax.tree.unflatten(jax.tree.structure(tree), leaves)


@pytest.mark.parametrize("normalise", [False, True])
def test_logra_is_the_damped_inverse_layer_by_layer(normalise):
    """With a rank that covers the widths the projection loses nothing, and the formula can be taken on the Jacobian."""
    state = sides(shapes(network().params), jax.random.key(2), rank=8)
    chunks, query_rows = (list(logra.projected(network(), log_likelihood, part, state)) for part in (TRAIN, QUERY))
    got = logra.scores(chunks, np.concatenate(query_rows), widths(state), damping=0.1, normalise=normalise)
    train_rows, query, start = gradients(log_likelihood, TRAIN), gradients(log_likelihood, QUERY), 0
    expected, on_itself = 0, 0
    for path, shape in shapes(network().params).items():
        size = int(np.prod(shape))
        if path.endswith("kernel"):
            g, q = train_rows[:, start : start + size], query[:, start : start + size]
            h = g.T @ g / len(g)
            solved = np.linalg.solve(h + 0.1 * np.trace(h) / size * np.eye(size), np.hstack([q.T, g.T]))
            expected, on_itself = expected + g @ solved[:, : len(q)], on_itself + (g * solved[:, len(q) :].T).sum(1)
        start += size
    expected = expected / np.sqrt(on_itself)[:, None] if normalise else expected
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("n", [30, 9])
def test_trak_solves_the_same_in_both_spaces(n):
    draw = np.random.default_rng(0)
    train_rows, query_rows = (draw.normal(size=(rows, 16)).astype(np.float32) for rows in (n, 3))
    gram = train_rows.T @ train_rows
    shift = 0.2 * np.trace(gram) / min(n, 16)
    expected = train_rows @ np.linalg.solve(gram + shift * np.eye(16), query_rows.T)
    np.testing.assert_allclose(trak.scores(train_rows, query_rows, damping=0.2), expected, rtol=1e-3, atol=1e-4)


def test_trak_values_follow_the_formula():
    """Enough dimensions that the sketch is nearly an isometry: the same order as with the gradients themselves."""
    values = trak.trak(problem(), dimensions=4096)
    train, rows = union_examples(problem())
    parts, slack = [], []
    for model, _ in trained(problem()):
        train_rows, query_rows = (gradients(margin, e, model) for e in (train, problem().validation))
        parts.append(trak.scores(train_rows.astype(np.float32), query_rows.astype(np.float32)))
        slack.append(1 - np.exp(log_probability(model.apply(model.params, {}, train.inputs), train.targets)))
    pairs = np.mean(parts, 0) * np.mean(slack, 0)[:, None]
    expected = by_contributor(pairs, rows, "mean", np.ones(pairs.shape[1]))
    assert np.corrcoef(values, expected)[0, 1] > 0.98


def test_influence_is_the_solve_with_the_explicit_gauss_newton_matrix():
    model = network()
    query = gradients(log_likelihood, QUERY).astype(np.float32)
    got, solution = influence.scores(model, log_likelihood, TRAIN, query, jax.random.key(0), tolerance=1e-9)
    product = influence.gauss_newton(model, log_likelihood, TRAIN)
    p, n = query.shape[1], len(TRAIN.inputs)
    jacobians = np.stack([gradients(lambda o, e, c=c: o[:, c], TRAIN) for c in range(CLASSES)], 1)
    logits = np.asarray(model.apply(model.params, {}, TRAIN.inputs), np.float64)
    prob = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    curve = prob[:, :, None] * (np.eye(CLASSES) - prob[:, None, :])
    h = np.einsum("ncp,ncd,ndq->pq", jacobians, curve, jacobians) / n
    v = np.random.default_rng(0).normal(size=p)
    np.testing.assert_allclose(product(v), h @ v, rtol=1e-3, atol=1e-4)
    probes = np.asarray(jax.random.rademacher(jax.random.key(0), (3, p), np.float32))
    shift = 0.1 * np.mean([z @ h @ z / p for z in probes])
    expected = gradients(log_likelihood, TRAIN) @ np.linalg.solve(h + shift * np.eye(p), query.T)
    np.testing.assert_allclose(got, expected, rtol=1e-2, atol=1e-2 * np.abs(expected).max())
    assert solution.converged
    assert solution.residual < 1e-3


def test_removal_is_the_fit_without_the_group():
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(20, 6)), draw.normal(size=(20, 2))
    kernel = x @ x.T
    groups = [np.array([0, 3, 5]), np.array([7]), np.array([2, 2, 4])]  # the last with a repeat
    shift = 0.05 * np.trace(kernel) / 20
    everyone = np.linalg.solve(kernel + shift * np.eye(20), y)
    for group, u in zip(groups, removed(kernel, y, groups, ridge=0.05), strict=True):
        stay = np.setdiff1d(np.arange(20), group)
        without = np.zeros_like(y)
        without[stay] = np.linalg.solve(kernel[np.ix_(stay, stay)] + shift * np.eye(len(stay)), y[stay])
        np.testing.assert_allclose(everyone - u, without, atol=1e-10)


def test_deviation_sees_the_mislabelled():
    values = deviation(problem())
    names = [c.name for c in problem().contributors]
    assert np.argmax(values) == names.index("wrong labels")
    assert (values >= 0).all()


@pytest.mark.parametrize("name", [name for name in ON_UNION if "reduction" in METHODS[name].defaults()])
def test_a_sum_is_the_mean_times_the_number_of_examples(name):
    """All copies of an example count: one that stands there six times is six times worth it."""
    mean, total = (METHODS[name](shared_corners(), reduction=reduction) for reduction in ("mean", "sum"))
    counts = [len(one.index) for one in corners().contributors]
    np.testing.assert_allclose(total, mean * counts, rtol=1e-3, atol=1e-3 * np.abs(total).max())


@pytest.mark.parametrize("name", ON_UNION[1:])
def test_without_checkpoints_the_reason_is_said(name):
    with pytest.raises(ValueError, match=r"needs checkpoints.*Problem\.checkpoints is empty"):
        METHODS[name](problem()._replace(checkpoints=()))


def test_a_model_without_a_gradient_gives_no_order():
    """Logits so far apart that every example has probability 1 in float32: all scores would be 0."""
    given = problem()
    params = jax.tree.map(lambda weights: 1e4 * weights, given.checkpoints[0][0])
    sure = given.model._replace(params=params)
    labels, held_out = (outputs(sure, x.inputs).argmax(1).astype(np.int32) for x in (given.pool, given.validation))
    learned = given._replace(
        checkpoints=((params, 0.5),),
        pool=given.pool._replace(targets=labels),
        contributors=tuple(one._replace(targets=labels[one.index]) for one in given.contributors),
        validation=given.validation._replace(targets=held_out),
    )
    with pytest.raises(ValueError, match="tracin gives 0 for every contributor, which is no order: the model of the"):
        METHODS["tracin"](learned)


def test_trak_with_one_example_names_another_method():
    given = corners()
    alone = given._replace(contributors=tuple(one for one in given.contributors if len(one.index) == 1)[:1])
    assert len(alone.contributors) == 1
    with pytest.raises(ValueError, match="there is 1 in all: expected at least 2; take gradient_cosine"):
        METHODS["trak"](alone)


def test_bad_input_is_named():
    train_rows, query_rows = np.ones((4, 6), np.float32), np.ones((2, 5), np.float32)
    with pytest.raises(ValueError, match="6 columns of training examples, 5 of queries"):
        logra.scores([train_rows], query_rows, [6])
    with pytest.raises(ValueError, match="6 columns of training examples, 5 of queries"):
        inspect.unwrap(trak.scores)(train_rows, query_rows)
    for call in (lambda q: logra.scores([train_rows], q, [6]), lambda q: trak.scores(train_rows, q)):
        with pytest.raises(ValueError, match="the query set is empty"):
            call(train_rows[:0])
    with pytest.raises(ValueError, match="damping must be positive, got 0"):
        trak.scores(train_rows, train_rows, damping=0.0)
    with pytest.raises(ValueError, match="the ridge must be positive"):
        removed(np.eye(3), np.ones((3, 1)), [np.array([0])], ridge=0.0)
