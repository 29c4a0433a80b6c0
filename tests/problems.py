"""Small Problems for the tests of methods: classes with every corner, sequences, numbers; each is made once."""

from functools import cache

import jax
import numpy as np

from models.mlp import mlp
from models.transformer import transformer
from valuation.objective import Classification, NextToken, Regression
from valuation.problem import Contributor, Examples, Origin, Problem

CLASSES = 3


def data(count: int, seed: int, noise: float = 0.6) -> Examples:
    """Three Gaussian classes in five dimensions."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    centres = np.array([[2, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 2, 0, 0]], float)
    return Examples((centres[labels] + noise * rng.normal(size=(count, 5))).astype(np.float32), labels.astype(np.int32))


def contributor(name: str, rows, pool: Examples, *, real=True, targets=None) -> Contributor:
    rows = np.asarray(rows, np.int32)
    real = np.broadcast_to(np.asarray(real), rows.shape)
    origin = Origin(np.where(real, "real", "noise"), np.where(real, 0.0, 1.0), rows)
    return Contributor(
        name, rows, np.asarray(pool.targets[rows] if targets is None else targets, pool.targets.dtype), real, origin
    )


@cache
def corners() -> Problem:
    """Good, small, mixed, mislabelled, one class, one example, one example twice, no real part."""
    pool = data(120, 0)
    order = np.arange(120)
    one_class = np.flatnonzero(pool.targets == 0)[:12]
    contributors = (
        contributor("large", order[:60], pool),
        contributor("small", order[:12], pool),
        contributor("mixed", order[20:60], pool, real=np.arange(40) < 15),
        contributor("wrong labels", order[:60], pool, targets=(pool.targets[:60] + 1) % CLASSES),
        contributor("one class", one_class, pool),
        contributor("one example", [7], pool),
        contributor("only repeats", [7] * 6, pool),
        contributor("synthetic", order[60:100], pool, real=False),
        contributor("one real", order[100:110], pool, real=np.arange(10) < 1),
    )
    model = mlp((5, 8, CLASSES), jax.random.key(0))
    return Problem(
        model=model,
        initial=tuple(mlp((5, 8, CLASSES), jax.random.key(s)).params for s in (1, 2)),
        checkpoints=tuple((mlp((5, 8, CLASSES), jax.random.key(s)).params, 0.5 / s) for s in (4, 5)),
        pool=pool,
        contributors=contributors,
        validation=data(40, 1),
        features=lambda inputs: inputs,
        key=jax.random.key(3),
        objective=Classification(CLASSES),
        train=train,
    )


@cache
def sequences(length: int = 7) -> Problem:
    """Four contributors of token sequences, padded to `length`; the targets are those after a prompt."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 12, (70, 8))
    tokens[:30] = np.sort(tokens[:30], axis=1)  # a pattern, which the validation set has too
    ends = rng.integers(4, 8, 70)
    at = np.arange(length + 1)
    tokens = np.where(at < ends[:, None], np.pad(tokens, [(0, 0), (0, max(length - 7, 0))]), 0).astype(np.int32)
    mask = (at[1:] >= 2) & (at[1:] < ends[:, None])
    pool = Examples(tokens[:, :-1], tokens[:, 1:], mask)
    rows = {"pattern": np.arange(20), "noise": np.arange(30, 60), "mixed": np.arange(15, 45), "one": [30]}
    made = tuple(
        contributor(name, index, pool, real=np.asarray(index) < 30, targets=pool.targets[np.asarray(index)])
        for name, index in rows.items()
    )

    def model(seed):
        return transformer(12, 12, 8, layers=1, heads=2, hidden=8, tied=True, key=jax.random.key(seed))

    return Problem(
        model=model(0),
        initial=(model(1).params, model(2).params),
        checkpoints=((model(3).params, 0.1),),
        pool=pool,
        contributors=made,
        validation=pool.take(np.arange(20, 30)),
        features=lambda inputs: np.stack([np.bincount(row, minlength=12)[1:] for row in np.asarray(inputs)]),
        key=jax.random.key(3),
        objective=NextToken(),
        train=lambda sets, share, key: [model(10 + len(one.inputs)).params for one in sets],
        learner="sequences",
    )


@cache
def numbers() -> Problem:
    """A number to predict: right, few, shuffled, one example, one example twice; y = x_0 - x_1 + sin(2 x_2) + noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(140, 5)).astype(np.float32)
    y = (5 + x[:, 0] - x[:, 1] + np.sin(2 * x[:, 2]) + 0.1 * rng.normal(size=140)).astype(np.float32)
    pool = Examples(x[:100], y[:100])
    order = np.arange(100)

    def model(seed):
        return mlp((5, 8, 1), jax.random.key(seed))

    return Problem(
        model=model(0),
        initial=(model(1).params, model(2).params),
        checkpoints=((model(3).params, 0.1), (model(4).params, 0.05)),
        pool=pool,
        contributors=(
            contributor("right", order[:50], pool),
            contributor("few", order[:8], pool),
            contributor("shuffled", order[:50], pool, targets=rng.permutation(y[:50])),
            contributor("half", order[50:90], pool, real=np.arange(40) < 20),
            contributor("one example", [7], pool, real=False),
            contributor("only repeats", [7] * 4, pool),
        ),
        validation=Examples(x[100:], y[100:]),
        features=lambda inputs: inputs,
        key=jax.random.key(3),
        objective=Regression(),
        train=lambda sets, share, key: [model(10 + i).params for i in range(len(sets))],
    )


def train(sets, share, key):
    """A few steps of full-batch gradient descent, written without the project's own trainer; at most 60 examples."""
    keys = jax.random.split(key, len(sets))
    return [_descended(mlp((5, 8, CLASSES), one).params, *_filled(data), round(60 * share))
            for one, data in zip(keys, sets, strict=True)]  # fmt: skip


def _filled(examples: Examples):
    """Inputs, labels and weights of 60 rows, those after the examples without weight: one compilation for all."""
    n, extra = len(examples.inputs), 60 - len(examples.inputs)
    return np.pad(examples.inputs, ((0, extra), (0, 0))), np.pad(examples.targets, (0, extra)), (np.arange(60) < n) / n


@jax.jit
def _descended(params, inputs, labels, weights, steps):
    model = mlp((5, 8, CLASSES), jax.random.key(0))

    def loss(params):
        log_p = jax.nn.log_softmax(model.apply(params, model.frozen, inputs))
        return -(weights * log_p[jax.numpy.arange(60), labels]).sum()

    def step(_, params):
        return jax.tree.map(lambda p, g: p - 0.3 * g, params, jax.grad(loss)(params))

    return jax.lax.fori_loop(0, steps, step, params)
