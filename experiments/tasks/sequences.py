"""What tasks of prompts and responses share: splits without leaks, the Task, examples sampled from pairs."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from configs.common import one_of
from experiments.data import splits
from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism, check_enough
from experiments.tasks import decoders, text_metrics
from experiments.tasks.frozen_features import mean_states, smollm2_states
from experiments.tasks.response_metrics import measure, measure_text, unigram
from experiments.tasks.task import OnPool, Task
from experiments.tasks.tf_idf import tf_idf
from experiments.tasks.token_rows import Coder, Pair, encode, swap_responses, texts
from experiments.training.recipe import Recipe
from models.functional import Model
from valuation.objective import NextToken
from valuation.problem import Examples

GRAM = 13  # words in a row that two texts must share to count as near duplicates
NATS = "minus_nats_per_byte"
PROJECTION = 0  # purpose of the key of a task


class Parts(NamedTuple):
    """Encoded splits, the texts of train pool (for mechanisms) and test set, families, and facts for the report."""

    coder: Coder
    train: Examples
    validation: Examples
    test: Examples
    pairs: list[Pair]
    tested: list[Pair]
    groups: np.ndarray
    notes: dict[str, Any]


def near(coder: Coder, inputs: np.ndarray, held_out: np.ndarray) -> int:
    """How many rows share 13 words in a row, of prompt or response, with a held-out row."""
    return int(splits.word_overlap(texts(coder, inputs), texts(coder, held_out), length=GRAM).sum())


def split(pairs: list[Pair], contents: list[str], config, code: Coder | None = None) -> Parts:
    """Pairs split by content; what shares 13 words in a row with test pairs leaves the validation set, and what does so
    with either leaves the train pool.

    pairs: all real ones; those without a prompt or a response are left out. contents: the text of each by which it is
    sorted and compared. code: the tokenizer; None for one that is learned from the train pool alone.
    Raises ValueError if nothing would be left to train on.
    """
    whole = [i for i, pair in enumerate(pairs) if pair.prompt.strip() and pair.response.strip()]
    empty = len(pairs) - len(whole)
    pairs, contents = [pairs[i] for i in whole], [contents[i] for i in whole]
    parts = splits.split([content.encode() for content in contents], None, config.split)
    learn, validation, test = ([pairs[row] for row in rows] for rows in parts[:3])
    near_test = splits.word_overlap([pair[1:3] for pair in validation], [pair[1:3] for pair in test], length=GRAM)
    validation = [pair for pair, leak in zip(validation, near_test, strict=True) if not leak]
    leaks = splits.word_overlap(
        [pair[1:3] for pair in learn], [pair[1:3] for pair in (*validation, *test)], length=GRAM
    )
    learn = [pair for pair, leak in zip(learn, leaks, strict=True) if not leak]
    code = code or decoders.learned_coder(learn, config.tokens.vocabulary)
    encoded = [encode(code, some, config.tokens) for some in (learn, validation, test)]
    families = sorted({pair.family for pair in learn})
    groups = np.array([families.index(pair.family) for pair in learn], np.int32)
    (examples, cut), (held, _), (rows, _) = encoded
    return Parts(
        coder=code,
        train=examples,
        validation=held,
        test=rows,
        pairs=learn,
        tested=test,
        groups=groups,
        notes={
            "dropped without a prompt or a response": empty,
            "duplicates dropped": len(parts.dropped),
            "dropped for 13 words in a row that a test example has, from validation": int(near_test.sum()),
            "dropped for 13 words in a row that a held-out example has, from training": int(leaks.sum()),
            "train / validation / test": f"{len(learn)} / {len(validation)} / {len(test)}",
            "source families": ", ".join(f"{name} {(groups == i).sum()}" for i, name in enumerate(families)),
            "tokens": f"{len(code.lengths)} in the vocabulary, at most {config.tokens.length} a sequence",
            "cut to that length, in the train pool": ", ".join(f"{count} {name}" for name, count in cut.items()),
            "nats per byte of a unigram of tokens": round(unigram(code, examples, rows), 3),
        },
    )


def task(
    config,
    parts: Parts,
    mechanisms: dict[str, Mechanism],
    strengths: dict[str, tuple[float, ...]],
    notes: dict[str, Any],
    data_dir: str | None,
    asked: Examples | None = None,
) -> Task:
    """The Task of encoded splits and ways to make synthetic examples.

    notes: facts for the report beside those of the parts. data_dir: as in archives.data_folder, for pretrained weights.
    asked: what the model is to read beside what a study says, as the options of questions.
    Raises ValueError for an unknown metric or features, and for a metric that the model cannot have.
    """
    learned = decoders.learner(config, parts.coder, data_dir)
    written = one_of("metric", config.metric, (NATS, *text_metrics.METRICS)) != NATS
    if written and config.model.name == "decoder":
        raise ValueError(f"metric {config.metric!r} needs a pretrained decoder: model=smollm2 or model=folder")

    def whole(row):
        return " -> ".join(texts(parts.coder, row[None])[0])

    def response(row):  # a prompt may be somebody's text
        return texts(parts.coder, row[None])[0][1]

    name = one_of("features", config.features.name, ("tf_idf", "smollm2", "states"))
    if name == "states":
        if learned.states is None:
            raise ValueError("features=states are those that config.model.states keeps, which is 0: expected its bytes")
        features = mean_states(learned.states, parts.validation.inputs)
    elif name == "smollm2":
        length = config.features.tokens or config.tokens.length
        features = smollm2_states(config.features.layer, length, whole, parts.validation.inputs, data_dir)
    else:
        key = jax.random.key(PROJECTION)
        features = tf_idf(parts.train.inputs, len(parts.coder.lengths), config.features.dimensions, key)
    on_pool = learned.on_pool
    if on_pool is not None and asked is not None:
        on_pool = partial(_and_asked, on_pool, asked)
    return Task(
        train=parts.train,
        validation=parts.validation,
        test=parts.test,
        groups=parts.groups,
        objective=NextToken(),
        mechanisms=mechanisms,
        strengths=strengths,
        corrupt_labels=partial(swap_responses, parts.coder),
        model=learned.model,
        recipe=learned.recipe,
        learner="sequences" if config.model.name == "decoder" else "pretrained",
        features=features,
        measure=partial(measure_text, parts.coder, config.metric) if written else partial(measure, parts.coder),
        metric=config.metric.replace("_", " "),
        count_near_duplicates=partial(near, parts.coder),
        near_rule=f"{GRAM} words in a row in prompt or response",
        notes=notes | parts.notes | {"contamination": "whether SmolLM2 has seen the real texts is not known"},
        sample=response,
        on_pool=on_pool,
    )


def _and_asked(on_pool: OnPool, asked: Examples, pool: Examples, read: Sequence[Examples]) -> tuple[Model, Recipe]:
    return on_pool(pool, [*read, asked])


def sampled(
    coder: Coder,
    limits,
    repeat: bool,
    groups: dict[float, list[Pair]],
    examples: Examples,
    strength: float,
    key: jax.Array,
) -> Examples:
    """As many examples, encoded from the pairs of that strength.

    limits: the group `tokens` of a config. repeat: whether pairs may stand twice where there are too few; otherwise
    ValueError is raised, as it is for a strength without pairs. groups: pairs by strength.
    """
    if strength not in groups:
        raise ValueError(f"there are no pairs of strength {strength}, only of {', '.join(map(str, sorted(groups)))}")
    pairs, count = groups[strength], len(examples.inputs)
    check_enough(f"{pairs[0].family} (strength {strength:g})", len(pairs), count, repeat)
    rows = generator(key).choice(len(pairs), count, replace=count > len(pairs))
    return encode(coder, [pairs[row] for row in rows], limits)[0]
