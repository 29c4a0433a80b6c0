"""Error on real text by how frequent the token is: a pretrained model's, and that of small ones trained here."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Int
from tqdm import tqdm

from experiments.studies.language.rank_study import OUTSIDE
from experiments.training.recipe import Recipe, adam
from models.tokenizer import ids_of
from models.transformer import transformer
from valuation.problem import Examples

BREAK = 0  # between two texts; words follow by rank, the last number stands for every rarer word


class Errors(NamedTuple):
    """Of targets in each bin of ranks: how many, mean nats, share of wrong first guesses; NaN for an empty bin."""

    targets: np.ndarray
    nats: np.ndarray
    wrong: np.ndarray


def binned(ranks: np.ndarray, nats: np.ndarray, wrong: np.ndarray, edges: tuple[int, ...]) -> Errors:
    """Means over bins of ranks from 0: below edges[0], from edges[0] below edges[1], ..., from the last edge on."""
    place = np.searchsorted(np.asarray(edges), ranks, side="right")
    count = np.bincount(place, minlength=len(edges) + 1)
    with np.errstate(invalid="ignore"):
        sums = (np.bincount(place, value, minlength=len(edges) + 1) / count for value in (nats, wrong))
        return Errors(count, *sums)


def pretrained_errors(pretrained, texts: list[str], known: list[str], settings, start: int) -> tuple[list[dict], dict]:
    """({"ranks", "nats", "wrong"} of every text, facts): each next token of texts cut to settings.tokens.length tokens.

    known: real texts whose tokens are counted for the ranks. Texts of fewer than 2 tokens are left out; the facts say
    how many, and how many were cut. start: the token before each text.
    """
    counts = np.zeros(pretrained.tokenizer.get_vocab_size())
    for first in range(0, len(known), 1000):
        for row in ids_of(pretrained.tokenizer, known[first : first + 1000]):
            np.add.at(counts, row, 1)
    ranks = np.empty(len(counts), int)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    rows = ids_of(pretrained.tokenizer, texts)
    facts = {
        "texts": len(rows),
        "empty": sum(len(row) < 2 for row in rows),
        "cut": sum(len(row) > settings.tokens.length for row in rows),
    }
    rows = [row[: settings.tokens.length] for row in rows if len(row) >= 2]
    tokens = np.full((len(rows), settings.tokens.length + 1), start, np.int32)
    for line, row in zip(tokens, rows, strict=True):
        line[1 : len(row) + 1] = row
    measured = [
        measure(pretrained.model.params, pretrained.model.frozen, part, apply=pretrained.model.apply)
        for part in tqdm(_batches(tokens, settings.batch), desc="real text", unit="batch")
    ]
    nats, wrong = (np.concatenate(parts)[: len(rows)] for parts in zip(*measured, strict=True))
    return [
        {"ranks": ranks[row], "nats": one[: len(row)], "wrong": miss[: len(row)]}
        for row, one, miss in zip(rows, nats, wrong, strict=True)
    ], facts


def _batches(tokens: np.ndarray, size: int) -> list[np.ndarray]:
    """Equal batches, the last one filled with copies of its last row: one compilation."""
    rows = np.minimum(np.arange(-(-len(tokens) // size) * size), len(tokens) - 1)
    return list(tokens[rows].reshape(-1, size, tokens.shape[1]))


@partial(jax.jit, static_argnames="apply")
def measure(params, frozen, tokens: Int[jax.Array, "n t"], *, apply):
    """(nats, whether the likeliest token is another one) of every token but the first, (n, t - 1) each."""
    logits = apply(params, frozen, tokens[:, :-1]).astype(jnp.float32)
    nats = jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, tokens[:, 1:, None], -1)[..., 0]
    return nats, logits.argmax(-1) != tokens[:, 1:]


def interval(texts: list[dict], edges: tuple[int, ...], repeats: int, rng: np.random.Generator) -> dict:
    """Errors over all texts with 95 % intervals over resampled texts."""

    def over(chosen):
        ranks, nats, wrong = (np.concatenate([one[name] for one in chosen]) for name in ("ranks", "nats", "wrong"))
        return binned(ranks, nats, wrong, edges)

    errors = over(texts)
    drawn = [over([texts[i] for i in rng.integers(0, len(texts), len(texts))]) for _ in range(repeats)]
    spans, filled = {}, errors.targets > 0
    for name in ("nats", "wrong"):
        limits = np.full((len(filled), 2), np.nan)
        values = np.array([getattr(one, name)[filled] for one in drawn])
        limits[filled] = np.nanquantile(values, (0.025, 0.975), axis=0).T
        spans[f"{name}_interval"] = limits
    return errors._asdict() | spans


# --- small decoders trained here


def rows(texts: list[Int[np.ndarray, " t"]], vocabulary: int, length: int) -> Examples:
    """One stream of the texts, a break before each, cut into rows; what does not fill the last row is left out.

    Ranks from vocabulary - 2 on, and words outside of the ranking, become the last number.
    """
    stream = np.concatenate([part for text in texts for part in ([OUTSIDE - 1], text)]).astype(np.int64)
    numbers = np.where((stream == OUTSIDE) | (stream >= vocabulary - 2), vocabulary - 1, stream + 1)
    numbers = np.where(stream == OUTSIDE - 1, BREAK, numbers)
    count = (len(numbers) - 1) // length
    if count < 1:
        raise ValueError(f"{len(numbers)} words do not fill one row of {length} and its target")
    cut = numbers[: count * length + 1].astype(np.int32)
    inputs, targets = cut[:-1].reshape(count, length), cut[1:].reshape(count, length)
    return Examples(inputs, targets, np.ones_like(inputs, bool))


def recipe(settings) -> tuple[Recipe, object]:
    """(Recipe, Model) of a small decoder over words."""

    def build(key):
        shape = settings.model
        sizes = {"layers": shape.layers, "heads": shape.heads, "hidden": shape.hidden, "tied": True}
        return transformer(settings.tokens.vocabulary, settings.tokens.length, shape.width, **sizes, key=key)

    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        logits = model.apply(params, frozen, examples.inputs)
        return optax.softmax_cross_entropy_with_integer_labels(logits, examples.targets).mean(-1)

    plan = adam(loss, lambda key: build(key).params, model.frozen, settings.training)
    return plan, model


def trained_errors(model, params, held_out: Examples, edges: tuple[int, ...], batch: int) -> Errors:
    """Errors on held-out rows by the rank of the target; breaks and words without a number of their own left out."""
    tokens = np.concatenate([held_out.inputs, held_out.targets[:, -1:]], 1)
    measured = [measure(params, model.frozen, part, apply=model.apply) for part in _batches(tokens, batch)]
    nats, wrong = (np.concatenate(parts)[: len(tokens)] for parts in zip(*measured, strict=True))
    rarer = params["tok"]["embedding"].shape[0] - 1
    known = (held_out.targets != BREAK) & (held_out.targets < rarer)
    return binned(held_out.targets[known] - 1, nats[known], wrong[known], edges)
