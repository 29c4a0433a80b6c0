"""What tasks of prompts and responses share: splits without leaks, nats per byte, features, models."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from scipy.sparse import csr_array

from configs.common import one_of
from experiments.data import splits
from experiments.data.archives import SMOLLM2, member
from experiments.runtime import mesh
from experiments.runtime.rng import generator
from experiments.tasks import text_metrics, token_rows
from experiments.tasks.frozen_features import smollm2_states
from experiments.tasks.task import Task, check_enough
from experiments.tasks.token_rows import Coder, Pair, bytes_of, encode, swap_responses, texts, trained_coder
from experiments.training import train
from models.generate import generate
from models.lora import with_lora
from models.pretrained import from_folder, from_gguf
from models.transformer import transformer
from valuation.kernel import likelihoods
from valuation.objective import NextToken
from valuation.outputs import log_likelihood
from valuation.problem import Examples

GRAM = 13  # words in a row that two texts must share to count as near duplicates
NATS = "minus_nats_per_byte"
ROWS = 50  # examples measured at a time
PROJECTION, MODEL = range(2)  # purposes of the key of a task


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

    code: None for a tokenizer that is learned from the train pool alone.
    """
    whole = [i for i, pair in enumerate(pairs) if pair.prompt.strip() and pair.response.strip()]
    empty = len(pairs) - len(whole)
    pairs, contents = ([column[i] for i in whole] for column in (pairs, contents))
    parts = splits.by_content(
        [content.encode() for content in contents], validation=config.split.validation, test=config.split.test
    )
    learn, validation, test = ([pairs[row] for row in rows] for rows in parts[:3])
    near_test = splits.word_overlap([pair[1:3] for pair in validation], [pair[1:3] for pair in test], length=GRAM)
    validation = [pair for pair, leak in zip(validation, near_test, strict=True) if not leak]
    leaks = splits.word_overlap(
        [pair[1:3] for pair in learn], [pair[1:3] for pair in (*validation, *test)], length=GRAM
    )
    learn = [pair for pair, leak in zip(learn, leaks, strict=True) if not leak]
    code = code or learned(learn, config.tokens.vocabulary)
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


def learned(pairs: list[Pair], vocabulary: int) -> Coder:
    """A tokenizer of that many tokens, learned from the pairs. Raises ValueError if they hold too little text."""
    words = [text for pair in pairs for text in pair[:3]]
    found = trained_coder(words, vocabulary)
    if found.tokenizer.get_vocab_size() < vocabulary:
        raise ValueError(
            f"{len(pairs)} training pairs of {sum(map(len, words))} characters give a tokenizer of "
            f"{found.tokenizer.get_vocab_size()} tokens, expected {vocabulary} (tokens.vocabulary): more text or fewer"
        )
    return found


def nats(model, examples: Examples) -> np.ndarray:
    """-log p of every response, (n,), nats."""
    return -likelihoods(model, examples, rows=ROWS) * np.asarray(examples.mask.sum(1))


def measure(coder: Coder, model, examples: Examples) -> tuple[float, float]:
    """(minus nats per byte of the responses, nats per token of the responses); both over all of them together."""
    total = float(nats(model, examples).sum(dtype=np.float64))
    return -total / bytes_of(coder, examples), total / float(examples.mask.sum())


def measure_text(coder: Coder, metric: str, model, examples: Examples) -> tuple[float, float]:
    """(mean of a metric of experiments/tasks/text_metrics.py over responses written greedily, nats per response token).

    Only for decoders that models/generate.py can sample.
    """
    starts = examples.mask.argmax(1) + 1
    prompts = [row[:start].tolist() for row, start in zip(examples.inputs, starts, strict=True)]
    most = int(examples.mask.sum(1).max())
    key = jax.random.key(0)  # at temperature 0 nothing is drawn
    written = generate(model, prompts, length=most, temperature=0.0, stop=(coder.end,), key=key)
    answers = [tokens[:count].tolist() for tokens, count in zip(*written, strict=True)]
    found = coder.tokenizer.decode_batch(answers)
    references = [response for _, response in texts(coder, examples.inputs)]
    scores = [text_metrics.METRICS[metric](a, b) for a, b in zip(found, references, strict=True)]
    return float(np.mean(scores)), measure(coder, model, examples)[1]


def unigram(coder: Coder, learn: Examples, test: Examples) -> float:
    """Nats per byte of the test responses when every token has its (add-one) frequency in the training responses."""
    seen = np.bincount(learn.targets[learn.mask], minlength=len(coder.lengths)) + 1
    return float(-np.log(seen / seen.sum())[test.targets[test.mask]].sum() / bytes_of(coder, test))


def tf_idf(learn: np.ndarray, vocabulary: int, dimensions: int, key: jax.Array):
    """inputs (n, t) -> (n, d): counts of tokens, times idf in the train pool, to unit length, randomly projected."""
    present = np.zeros(vocabulary)
    for row in learn:
        present[np.unique(row)] += 1
    idf = np.log((1 + len(learn)) / (1 + present))
    idf[0] = 0
    projection = np.asarray(jax.random.normal(key, (vocabulary, dimensions))) / np.sqrt(dimensions)

    def features(inputs):
        inputs = np.asarray(inputs)
        rows = np.repeat(np.arange(len(inputs)), inputs.shape[1])
        entries = (idf[inputs.ravel()], (rows, inputs.ravel()))  # those of one place are added up
        weighted = csr_array(entries, shape=(len(inputs), vocabulary))
        norms = np.sqrt(weighted.multiply(weighted).sum(1))
        return (weighted @ projection / np.maximum(norms, 1e-12)[:, None]).astype(np.float32)

    return features


def task(config, parts: Parts, mechanisms: dict, strengths: dict, notes: dict, data_dir: str | None) -> Task:
    """The Task of encoded splits and ways to make synthetic examples."""
    model, recipe = learner(config, parts.coder) if config.model.name == "decoder" else pretrained(config, data_dir)
    written = one_of("metric", config.metric, (NATS, *text_metrics.METRICS)) != NATS
    if written and config.model.name == "decoder":
        raise ValueError(f"metric {config.metric!r} needs a pretrained decoder: model=smollm2 or model=folder")

    def whole(row):
        return " -> ".join(texts(parts.coder, row[None])[0])

    def response(row):  # a prompt may be somebody's text
        return texts(parts.coder, row[None])[0][1]

    if one_of("features", config.features.name, ("tf_idf", "smollm2")) == "smollm2":
        reading = ml_collections.ConfigDict({"layer": config.features.layer, "tokens": config.tokens.length})
        features = smollm2_states(reading, whole, parts.validation.inputs, data_dir)
    else:
        key = jax.random.key(PROJECTION)
        features = tf_idf(parts.train.inputs, len(parts.coder.lengths), config.features.dimensions, key)
    return Task(
        train=parts.train,
        validation=parts.validation,
        test=parts.test,
        groups=parts.groups,
        objective=NextToken(),
        mechanisms=mechanisms,
        strengths=strengths,
        corrupt_labels=partial(swap_responses, parts.coder),
        model=model,
        recipe=recipe,
        learner="sequences" if config.model.name == "decoder" else "pretrained",
        features=features,
        measure=partial(measure_text, parts.coder, config.metric) if written else partial(measure, parts.coder),
        metric=config.metric.replace("_", " "),
        count_near_duplicates=partial(near, parts.coder),
        near_rule=f"{GRAM} words in a row in prompt or response",
        notes=notes | parts.notes | {"contamination": "whether SmolLM2 has seen the real texts is not known"},
        sample=response,
    )


def sampled(
    coder: Coder, limits, repeat: bool, groups: dict[float, list[Pair]], examples: Examples, strength: float, key
):
    """As many examples, encoded from the pairs of that strength.

    Where there are too few they are repeated, if that is allowed, or ValueError is raised.
    """
    if strength not in groups:
        raise ValueError(f"there are no pairs of strength {strength}, only of {', '.join(map(str, sorted(groups)))}")
    found, count = groups[strength], len(examples.inputs)
    check_enough(f"{found[0].family} (strength {strength:g})", len(found), count, repeat)
    rows = generator(key).choice(len(found), count, replace=count > len(found))
    return encode(coder, [found[row] for row in rows], limits)[0]


def learner(config, coder: Coder):
    """(Model, Recipe) of a decoder from scratch; only tokens of the response are learned."""
    shape = config.model
    build = partial(
        transformer,
        len(coder.lengths),
        config.tokens.length,
        shape.width,
        layers=shape.layers,
        heads=shape.heads,
        hidden=shape.hidden,
        tied=True,
    )
    model = build(key=jax.random.key(MODEL))
    return model, recipe(model, lambda key: build(key=key).params, config.training)


def coder_of(config, data_dir: str | None) -> Coder | None:
    """The tokenizer of the pretrained decoder that config.model names; None for one that is yet to be learned."""
    if config.model.name == "decoder":
        return None
    if config.model.name == "folder":
        return token_rows.folder_coder(config.model.folder, config.tokens.special)
    return token_rows.coder(from_gguf(member("smollm2", SMOLLM2, data_dir)).tokenizer, *config.tokens.special)


def pretrained(config, data_dir: str | None):
    """(Model, Recipe) of a pretrained decoder: LoRA alone is learned, the rest stays.

    config.training.sharded: every weight goes from the file to where its parts lie on all devices, and stays there.
    """
    devices = mesh.devices()

    def cut(array):
        return mesh.place(array, mesh.sharded(array, devices))

    how = {"dtype": jnp.dtype(config.model.dtype), "place": cut if config.training.sharded else jnp.array}
    if config.model.name == "folder":
        base = from_folder(config.model.folder, **how).model
    else:
        base = from_gguf(member("smollm2", SMOLLM2, data_dir), **how).model
    last = config.model.last or None
    build = partial(with_lora, base, tuple(config.model.adapted), rank=config.model.rank, last=last)
    model = build(key=jax.random.key(MODEL))
    made = recipe(model, lambda key: build(key=key).params, config.training)
    return model, made._replace(sharded=config.training.sharded, pieces=config.training.pieces)


def recipe(model, initialise, training) -> train.Recipe:
    """Adam on the mean nats a response token."""

    def loss(params, frozen, examples: Examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    return train.adam(loss, initialise, model.frozen, training)
