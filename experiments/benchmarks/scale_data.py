"""Contributors of any size for benchmarks/scale.py: rows of bytes and of tokens in files mapped into memory."""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments.runtime.files import replacing
from experiments.runtime.rng import generator
from models.mlp import mlp
from models.transformer import transformer
from valuation.objective import Classification, NextToken, Objective
from valuation.problem import Contributor, Examples, Origin, Problem
from valuation.shared import Shared

FEATURES, CLASSES, KINDS = 784, 10, 40
VALIDATION = 500
VOCABULARY, TOKENS = 2048, 32
BLOCK = 2**14  # rows made at a time
PROTOTYPES, HELD_OUT, FIRST = 0, 1, 2  # purposes of a key: what all rows share, validation, blocks from there on


def rows(key: jax.Array, count: int) -> Examples:
    """Rows (count, FEATURES) of bytes around prototypes, KINDS of each class, under light and noise of their own."""
    rng = generator(key)
    prototypes = generator(jax.random.fold_in(jax.random.key(0), PROTOTYPES)).normal(size=(CLASSES, KINDS, FEATURES))
    labels, kinds = rng.integers(0, CLASSES, count), rng.integers(0, KINDS, count)
    middle = prototypes[:, :1] + 1.5 * prototypes
    signal = (128 + 20 * middle).astype(np.float32)[labels, kinds] * rng.uniform(0.7, 1.3, (count, 1)).astype(
        np.float32
    )
    noise = rng.integers(0, 128, (count, FEATURES), np.uint8)
    return Examples(np.clip(signal + noise - 64, 0, 255).astype(np.uint8), labels.astype(np.int32))


def tokens(key: jax.Array, count: int) -> Examples:
    """Rows (count, TOKENS + 1) of tokens of Zipf's law, each of which is every other time a function of the last."""
    rng = generator(key)
    drawn = np.minimum(rng.zipf(1.3, (count, TOKENS + 1)), VOCABULARY) - 1
    known = rng.random((count, TOKENS + 1)) < 0.5
    for place in range(1, TOKENS + 1):
        drawn[:, place] = np.where(known[:, place], (7 * drawn[:, place - 1] + 3) % VOCABULARY, drawn[:, place])
    return Examples(drawn.astype(np.int32), np.zeros(count, np.int32))


def mapped(folder: Path, make, count: int) -> Examples:
    """`count` examples of `rows` or `tokens`, their inputs a memory map of a file in the folder, made once.

    The first examples are the same whatever the count is.
    """
    path = folder / f"{make.__name__}-{count}.npy"
    labels = path.with_suffix(".labels.npy")
    if not (path.exists() and labels.exists()):
        first = make(jax.random.key(FIRST), 1).inputs
        with replacing(path) as draft, replacing(labels) as other:
            stored = np.lib.format.open_memmap(draft, "w+", first.dtype, (count, first.shape[1]))
            answers = np.zeros(count, np.int32)
            for number, start in enumerate(range(0, count, BLOCK)):
                part = make(jax.random.key(FIRST + number), BLOCK).take(slice(0, count - start))
                stored[start : start + BLOCK], answers[start : start + BLOCK] = part.inputs, part.targets
            stored.flush()
            np.save(other, answers, allow_pickle=False)
    return Examples(np.load(path, mmap_mode="r", allow_pickle=False), np.load(labels, allow_pickle=False))


def problem_of_rows(folder: Path, stored: int, count: int) -> Problem:
    """One contributor of the first `count` of the rows of a file, to be classified."""
    pool = mapped(folder, rows, stored)
    model, held_out = mlp((FEATURES, 128, CLASSES), jax.random.key(0)), rows(jax.random.key(HELD_OUT), VALIDATION)
    model = model._replace(apply=partial(_of_bytes, model.apply))
    return _problem(model, pool, held_out, pool.targets[:count], Classification(CLASSES), _scaled)


def problem_of_tokens(folder: Path, stored: int, count: int) -> Problem:
    """One contributor of the first `count` rows of tokens of a file; of each the second half is to be predicted."""
    pool, held_out = (
        _sequences(one) for one in (mapped(folder, tokens, stored), tokens(jax.random.key(HELD_OUT), VALIDATION))
    )
    model = transformer(VOCABULARY, TOKENS, 8, layers=1, heads=2, hidden=8, tied=True, key=jax.random.key(0))
    return _problem(model, pool, held_out, pool.targets[:count], NextToken(), _counted)


def _problem(model, pool: Examples, held_out: Examples, targets, objective: Objective, features) -> Problem:
    index = np.arange(len(targets), dtype=np.int32)
    origin = Origin(np.full(len(index), "real"), np.zeros(len(index), np.int8), index)
    return Problem(
        model=model, initial=(model.params,), checkpoints=(), pool=pool, validation=held_out, features=features,
        contributors=(Contributor(f"{len(index):,} rows", index, targets, np.ones(len(index), bool), origin),),
        key=jax.random.key(0), objective=objective, shared=Shared(),
        learner="sequences" if objective.kind == "sequences" else "dense",
    )  # fmt: skip


def _sequences(examples: Examples) -> Examples:
    inputs = examples.inputs[:, :-1]
    mask = np.broadcast_to(np.arange(TOKENS) >= TOKENS // 2, inputs.shape)
    return Examples(inputs, examples.inputs[:, 1:], mask)


def _of_bytes(apply, params, frozen, inputs):
    return apply(params, frozen, jnp.asarray(inputs, jnp.float32) / 255)


def _scaled(inputs) -> np.ndarray:
    return np.asarray(inputs, np.float32) / 255


def _counted(inputs) -> np.ndarray:
    return np.stack([np.bincount(row, minlength=VOCABULARY) for row in np.asarray(inputs)])
