"""Somebody's own texts with labels: an encoder on weighted words learns them."""

import re
import zlib
from collections.abc import Sequence
from functools import partial
from itertools import chain

import jax
import numpy as np

from experiments.data import splits
from experiments.data.own_files import Schema
from experiments.data.own_rows import Rows
from experiments.data.vocabulary import ANY_WORD, encode, rarity, vocabulary
from experiments.tasks.own_data import Originals, Prepared, Prints, codes_of, drawn_rows, problem_of
from experiments.tasks.sentiment import RUN, learner, word_features
from experiments.tasks.task import classified
from models.encoder import encoder
from models.functional import Model
from valuation.objective import Classification
from valuation.problem import Examples

CHARACTERS = 5000  # of a text, the most that are searched for copies
WORDS = re.compile(r"\w+")
NEAR_RULE = f"{RUN} words in a row in common"


def prepare(
    names: Sequence[str], sets: Sequence[Rows], validation: Rows, schema: Schema, settings, key: jax.Array
) -> Prepared:
    """The texts as word numbers, an encoder of the tasks on sentiment with one output a class, and its training.

    Words are counted on real and sources' texts, without labels and without validation, as the learner may read all of
    these: at most settings.counted different texts of each set, so that a large source does not choose the words alone.
    names, sets: the real examples first. settings: the group `text` of configs/sources.py.
    Raises ValueError for a set of which no word is known.
    """
    read = list(chain.from_iterable(_counted(one.texts, settings.counted) for one in sets))
    words = vocabulary(read, settings.tokens.vocabulary, ANY_WORD)
    numbered = partial(encode, words, length=settings.tokens.length)
    weights = rarity(numbered(read)[0], words.get_vocab_size())
    (held_out, _), *parts = [numbered(one.texts) for one in (validation, *sets)]
    for name, (rows, _) in zip(("the validation set", *names), ((held_out, 0), *parts), strict=True):
        if not weights[rows].any():
            raise ValueError(f"{name} has no word that stands twice in the real file and the sources: is it text?")
    build = partial(encoder, weights, (*settings.model.widths, len(schema.classes)))
    model, recipe = learner(build, settings.training)
    cut = sum(count for _, count in parts)
    return Prepared(
        problem=problem_of(
            names,
            [Examples(rows, one.targets) for (rows, _), one in zip(parts, sets, strict=True)],
            Examples(held_out, validation.targets),
            model=model,
            features=partial(word_features, weights),
            objective=Classification(len(schema.classes)),
            learner="dense",
            key=key,
        ),
        originals=tuple(originals(one, schema) for one in sets),
        held_out=originals(validation, schema),
        recipe=recipe,
        measure=accuracy,
        learner=f"a network of {settings.model.widths[0]} units on the {len(weights):,} most frequent words",
        surrogate="a Gaussian ridge fit in closed form on the same words",
        metric="accuracy",
        offset=0.0,
        most=1.0,
        near_rule=NEAR_RULE,
        notes=[f"{cut:,} texts are cut at {settings.tokens.length} words"] if cut else [],
    )


def originals(rows: Rows, schema: Schema) -> Originals:
    """The texts themselves, with the names of their classes."""
    return Originals(
        rows=rows.row.tolist(),
        codes=codes_of(rows.inputs),
        prints=partial(word_prints, rows.texts),
        text=lambda place: rows.texts[place],
        label=lambda place: schema.classes[int(rows.targets[place])],
    )


def word_prints(texts: Sequence[str], rows: slice) -> Prints:
    """Hashes of every RUN words in a row of those texts: lower-case letters and digits, the first CHARACTERS alone."""
    found = [WORDS.findall(text[:CHARACTERS].lower()) for text in texts[rows]]
    numbers = np.zeros((len(found), max(map(len, found), default=0)), np.uint32)
    for row, words in zip(numbers, found, strict=True):
        row[: len(words)] = [zlib.crc32(word.encode(errors="surrogatepass")) or 1 for word in words]
    return splits.run_hashes(numbers, RUN)


def accuracy(model: Model, examples: Examples) -> float:
    """Share of the examples whose class a trained model finds."""
    return classified(model, examples)[0]


def _counted(texts: Sequence[str], most: int) -> list[str]:
    different = list(dict.fromkeys(texts))
    return [different[place] for place in drawn_rows(len(different), most)]
