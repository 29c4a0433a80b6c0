"""Somebody's own prompts and responses: a decoder from scratch learns the responses."""

from collections.abc import Sequence
from functools import partial
from itertools import chain

import jax

from experiments.data.own_files import Schema
from experiments.data.own_rows import Rows
from experiments.tasks import decoders, token_rows
from experiments.tasks.own_data import Originals, Prepared, Prints, drawn_rows, hashes, problem_of
from experiments.tasks.own_texts import word_prints
from experiments.tasks.response_metrics import measure
from experiments.tasks.sequences import GRAM
from experiments.tasks.tf_idf import tf_idf
from experiments.tasks.token_rows import Coder, Pair
from models.functional import Model
from valuation.objective import NextToken
from valuation.problem import Examples

NEAR_RULE = f"{GRAM} words in a row in common, in prompt or response"
PROJECTION = 0  # purpose of the key
PARTS = ("instructions", "prompts", "responses")


def prepare(
    names: Sequence[str], sets: Sequence[Rows], validation: Rows, schema: Schema, settings, key: jax.Array
) -> Prepared:
    """The pairs as tokens of a byte-level BPE, a decoder from scratch, and its training.

    The BPE is learned from real and sources' texts, not from validation: at most settings.counted different pairs of
    each set, so that a large source does not choose the tokens alone.
    names, sets: the real pairs first. settings: the group `pairs` of configs/sources.py.
    """
    read = list(chain.from_iterable(_counted(one, settings.counted) for one in sets))
    coder = token_rows.trained_coder([text for pair in read for text in pair], settings.tokens.vocabulary)
    (held_out, _), *parts = [token_rows.encode(coder, _pairs(one), settings.tokens) for one in (validation, *sets)]
    model, recipe = decoders.from_scratch(settings, coder)
    drawn = jax.random.fold_in(key, PROJECTION)
    cut = {name: sum(counts[name] for _, counts in parts) for name in ("prompts", "responses")}
    return Prepared(
        problem=problem_of(
            names,
            [examples for examples, _ in parts],
            held_out,
            model=model,
            features=tf_idf(parts[0][0].inputs, len(coder.lengths), settings.features.dimensions, drawn),
            objective=NextToken(),
            learner="sequences",
            key=key,
        ),
        originals=tuple(map(originals, sets)),
        held_out=originals(validation),
        recipe=recipe,
        measure=partial(minus_nats, coder),
        learner=f"a decoder of {settings.model.layers} layers from scratch on {len(coder.lengths):,} tokens",
        surrogate="a trigram model of the same tokens",
        metric="minus nats a response token",
        offset=0.0,
        most=0.0,
        near_rule=NEAR_RULE,
        notes=[f"{count:,} {name} are cut at the length of a row" for name, count in cut.items() if count],
    )


def originals(rows: Rows) -> Originals:
    """Prompts and responses themselves."""
    return Originals(
        rows=rows.row.tolist(),
        codes=hashes(b"\x1f".join(map(str.encode, pair)) for pair in zip(rows.texts, rows.responses, strict=True)),
        prints=partial(pair_prints, rows),
        text=lambda place: f"{rows.texts[place]} -> {rows.responses[place]}",
        label=lambda place: None,
    )


def pair_prints(rows: Rows, places: slice) -> Prints:
    """Hashes of the runs of words of prompts and of responses, as own_texts.word_prints has them of texts."""
    prompts, responses = rows.texts[places], rows.responses[places]
    examples, prints = word_prints([*prompts, *responses], slice(None))
    return examples % max(len(prompts), 1), prints


def minus_nats(coder: Coder, model: Model, examples: Examples) -> float:
    """Minus the nats that a trained decoder needs for a response token, over all of them together."""
    return -measure(coder, model, examples)[1]


def _pairs(rows: Rows) -> list[Pair]:
    return [Pair("", prompt, response, "") for prompt, response in zip(rows.texts, rows.responses, strict=True)]


def _counted(rows: Rows, most: int) -> list[tuple[str, str]]:
    different = list(dict.fromkeys(zip(rows.texts, rows.responses, strict=True)))
    return [different[place] for place in drawn_rows(len(different), most)]
