"""What tasks of prompts and responses share: tokens, splits without leaks, answer noise, nats per byte, features.

A row of tokens is  instruction <ask> prompt <answer> response <end>, padded with 0 on the right. Rules of length: an
instruction keeps its first tokens, a prompt its last, a response its first; a response that was cut has no <end>.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tokenizers
from models.generate import generate
from models.lora import with_lora
from scipy.sparse import csr_array

from configs.common import one_of
from experiments import splits, text_metrics, train
from experiments.mixture import generator
from experiments.tasks import Task
from models.pretrained import from_folder
from models.transformer import transformer
from valuation.outputs import log_likelihood
from valuation.problem import Examples

GRAM = 13  # words in a row that two texts must share to count as near duplicates
SPECIAL = ("<pad>", "<ask>", "<answer>", "<end>")
NATS = "minus_nats_per_byte"
ROWS = 50  # examples measured at a time
PROJECTION, MODEL = range(2)  # purposes of the key of a task


class Pair(NamedTuple):
    """An instruction (may be ""), the prompt that it is about, a response, and the family of the source."""

    instruction: str
    prompt: str
    response: str
    family: str


class Coder(NamedTuple):
    """A tokenizer; numbers of the tokens before prompt and response and behind it; bytes of every token (v,)."""

    tokenizer: Any
    ask: int
    answer: int
    end: int
    lengths: np.ndarray


class Parts(NamedTuple):
    """Encoded splits, the train pool's texts (for mechanisms) and families, and facts for the report."""

    coder: Coder
    train: Examples
    validation: Examples
    test: Examples
    pairs: list[Pair]
    groups: np.ndarray
    notes: dict[str, Any]


def trained_coder(texts: list[str], size: int) -> Coder:
    """A byte-level BPE of at most `size` tokens learned from those texts; digits stand alone."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    spaced = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Digits(individual_digits=True), spaced]
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=spaced.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return coder(tokenizer, *SPECIAL[1:])


def coder(tokenizer, ask: str, answer: str, end: str) -> Coder:
    """A byte-level tokenizer with three of its special tokens in those places."""
    numbers = [tokenizer.token_to_id(name) for name in (ask, answer, end)]
    if None in numbers:
        raise ValueError(
            f"the tokenizer lacks {(ask, answer, end)[numbers.index(None)]!r}, a token of the row's layout"
        )
    plain = tokenizer.get_vocab(with_added_tokens=False)
    lengths = np.zeros(max(tokenizer.get_vocab().values()) + 1, np.int32)
    lengths[list(plain.values())] = [len(text) for text in plain]  # byte-level: a character stands for one byte
    lengths[list(tokenizer.get_added_tokens_decoder())] = 0
    return Coder(tokenizer, *numbers, lengths)


def encode(coder: Coder, pairs: list[Pair], limits) -> tuple[Examples, dict[str, int]]:
    """Examples of limits.length tokens, and how many instructions, prompts and responses were cut.

    limits: length, and the most tokens of an instruction and of a response; the prompt has the rest.
    """
    columns = [
        [found.ids for found in coder.tokenizer.encode_batch(list(column), add_special_tokens=False)]
        for column in zip(*(pair[:3] for pair in pairs), strict=True)
    ]
    tokens = np.zeros((len(pairs), limits.length + 1), np.int32)
    mask = np.zeros((len(pairs), limits.length), bool)
    cut = dict.fromkeys(("instructions", "prompts", "responses"), 0)
    for row, (instruction, prompt, response) in enumerate(zip(*columns, strict=True)):
        head = [*instruction[: limits.instruction], coder.ask]
        tail = [*response, coder.end] if len(response) < limits.response else response[: limits.response]
        room = limits.length - len(head) - len(tail)
        if room < 0:
            raise ValueError(
                f"{limits.length} tokens cannot hold {len(head)} of instruction and {len(tail)} of response"
            )
        kept = prompt[-room:] if room else []
        line = [*head, *kept, coder.answer, *tail]
        tokens[row, : len(line)] = line
        mask[row, len(line) - len(tail) - 1 : len(line) - 1] = True
        for name, whole, part in (
            ("instructions", instruction, head[:-1]),
            ("prompts", prompt, kept),
            ("responses", response, [token for token in tail if token != coder.end]),
        ):
            cut[name] += len(whole) > len(part)
    return Examples(tokens[:, :-1], tokens[:, 1:], mask), cut


def texts(coder: Coder, inputs: np.ndarray) -> list[tuple[str, str]]:
    """(prompt, response) of rows of tokens; the instruction, which whole families share, is left out."""
    found = []
    for row in inputs:
        ask, answer = (int(np.argmax(row == token)) for token in (coder.ask, coder.answer))
        response = np.trim_zeros(row[answer + 1 :], "b")
        found += [row[ask + 1 : answer].tolist(), response[response != coder.end].tolist()]
    decoded = coder.tokenizer.decode_batch(found)
    return list(zip(decoded[::2], decoded[1::2], strict=True))


def near(coder: Coder, inputs: np.ndarray, held_out: np.ndarray) -> int:
    """How many rows share 13 words in a row, of prompt or response, with a held-out row."""
    return int(splits.shared_grams(texts(coder, inputs), texts(coder, held_out), words=GRAM).sum())


def split(pairs: list[Pair], contents: list[str], config, code: Coder | None = None) -> Parts:
    """Pairs split by content; what shares 13 words in a row with held-out pairs leaves the train pool.

    code: None for a tokenizer that is learned from the train pool alone.
    """
    parts = splits.by_content(
        [content.encode() for content in contents], validation=config.split.validation, test=config.split.test
    )
    validation, test = ([pairs[row] for row in rows] for rows in (parts.validation, parts.test))
    learn = [pairs[row] for row in parts.train]
    leaks = splits.shared_grams([pair[1:3] for pair in learn], [pair[1:3] for pair in (*validation, *test)], words=GRAM)
    learn = [pair for pair, leak in zip(learn, leaks, strict=True) if not leak]
    code = code or trained_coder([text for pair in learn for text in pair[:3]], config.tokens.vocabulary)
    encoded = [encode(code, some, config.tokens) for some in (learn, validation, test)]
    families = sorted({pair.family for pair in learn})
    groups = np.array([families.index(pair.family) for pair in learn], np.int32)
    (examples, cut), (held, _), (tested, _) = encoded
    return Parts(
        coder=code,
        train=examples,
        validation=held,
        test=tested,
        pairs=learn,
        groups=groups,
        notes={
            "duplicates dropped": len(parts.dropped),
            "train examples dropped for 13 words in a row that a held-out one has": int(leaks.sum()),
            "train / validation / test": f"{len(learn)} / {len(validation)} / {len(test)}",
            "source families": ", ".join(f"{name} {(groups == i).sum()}" for i, name in enumerate(families)),
            "tokens": f"{len(code.lengths)} in the vocabulary, at most {config.tokens.length} a sequence",
            "cut to that length, in the train pool": ", ".join(f"{count} {name}" for name, count in cut.items()),
            "nats per byte of a unigram of tokens": round(unigram(code, examples, tested), 3),
        },
    )


def spoiled(coder: Coder, examples: Examples, wrong: np.ndarray, rng: np.random.Generator) -> Examples:
    """The examples with, where `wrong`, the response of another of them; one that differs, if there is any.

    Where a longer response takes room, the prompt loses its first tokens.
    """
    full = np.concatenate([examples.inputs[:, :1], examples.targets], axis=1)
    start, count = examples.mask.argmax(1) + 1, examples.mask.sum(1)
    responses = [row[i : i + n] for row, i, n in zip(full, start, count, strict=True)]
    order = rng.permutation(len(full))
    new, mask = full.copy(), examples.mask.copy()
    for row in np.flatnonzero(wrong):
        turn = np.roll(order, int(rng.integers(len(order))))
        other = next((responses[j] for j in turn if not np.array_equal(responses[j], responses[row])), responses[row])
        ask = int(np.argmax(full[row] == coder.ask)) + 1
        excess = max(0, start[row] + len(other) - full.shape[1])
        line = np.concatenate([full[row, :ask], full[row, ask + excess : start[row]], other])
        new[row], mask[row] = 0, False
        new[row, : len(line)] = line
        mask[row, len(line) - len(other) - 1 : len(line) - 1] = True
    return Examples(new[:, :-1], new[:, 1:], mask)


def nats(model, examples: Examples) -> np.ndarray:
    """-log p of every response, (n,), nats."""
    counts = np.asarray(examples.mask.sum(1))
    parts = []
    for first in range(0, len(counts), ROWS):
        rows = np.minimum(np.arange(first, first + ROWS), len(counts) - 1)  # one compilation whatever n is
        parts.append(_nats(model.params, model.frozen, examples.take(rows), apply=model.apply))
    return -np.concatenate(parts)[: len(counts)] * counts


@partial(jax.jit, static_argnames="apply")
def _nats(params, frozen, examples, *, apply):
    return log_likelihood(apply(params, frozen, examples.inputs), examples)


def measure(coder: Coder, model, examples: Examples) -> tuple[float, float]:
    """(minus nats per byte of the responses, nats per token of the responses); both over all of them together."""
    total = float(nats(model, examples).sum(dtype=np.float64))
    return -total / bytes_of(coder, examples), total / float(examples.mask.sum())


def measure_text(coder: Coder, metric: str, model, examples: Examples) -> tuple[float, float]:
    """(mean of a metric of experiments/text_metrics.py over responses written greedily, nats per response token).

    Only for decoders that models/generate.py can sample.
    """
    starts = examples.mask.argmax(1) + 1
    prompts = [row[:start].tolist() for row, start in zip(examples.inputs, starts, strict=True)]
    most = int(examples.mask.sum(1).max())
    key = jax.random.key(0)  # at temperature 0 nothing is drawn
    written = generate(model, prompts, length=most, temperature=0.0, stop=(coder.end,), key=key)
    found = coder.tokenizer.decode_batch([list(tokens) for tokens in written.tokens])
    references = [response for _, response in texts(coder, examples.inputs)]
    scores = [text_metrics.METRICS[metric](a, b) for a, b in zip(found, references, strict=True)]
    return float(np.mean(scores)), measure(coder, model, examples)[1]


def bytes_of(coder: Coder, examples: Examples) -> int:
    """Bytes of all responses; <end> has none."""
    return int(coder.lengths[examples.targets][examples.mask].sum())


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


def task(config, parts: Parts, mechanisms: dict, strengths: dict, notes: dict) -> Task:
    """The Task of encoded splits and ways to make synthetic examples."""
    model, recipe = pretrained(config, parts.coder) if config.model.folder else learner(config, parts.coder)
    written = one_of("metric", config.metric, (NATS, *text_metrics.METRICS)) != NATS
    if written and not config.model.folder:
        raise ValueError(f"metric {config.metric!r} needs a pretrained decoder: set config.model.folder")
    own = np.asarray(parts.train.inputs)
    return Task(
        train=parts.train,
        validation=parts.validation,
        test=parts.test,
        groups=parts.groups,
        classes=0,
        mechanisms=mechanisms,
        strengths=strengths,
        spoil=partial(spoiled, parts.coder),
        model=model,
        recipe=recipe,
        features=tf_idf(own, len(parts.coder.lengths), config.features, jax.random.key(PROJECTION)),
        measure=partial(measure_text, parts.coder, config.metric) if written else partial(measure, parts.coder),
        metric=config.metric.replace("_", " "),
        near=partial(near, parts.coder),
        near_rule=f"{GRAM} words in a row in prompt or response",
        notes=notes | parts.notes,
        sample=lambda row: " -> ".join(texts(parts.coder, row[None])[0]),
    )


def sampled(coder: Coder, groups: dict[float, list[Pair]], limits, examples: Examples, strength: float, key):
    """As many examples, encoded from the pairs of that strength; with repetition only where there are too few."""
    if strength not in groups:
        raise ValueError(f"there are no pairs of strength {strength}, only of {', '.join(map(str, sorted(groups)))}")
    found, count = groups[strength], len(examples.inputs)
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


def pretrained(config, coder: Coder):
    """(Model, Recipe) of a pretrained decoder in a folder: LoRA alone is learned, the rest stays."""
    base = from_folder(config.model.folder, dtype=jnp.dtype(config.model.dtype)).model
    build = partial(with_lora, base, tuple(config.model.adapted), rank=config.model.rank)
    model = build(key=jax.random.key(MODEL))
    return model, recipe(model, lambda key: build(key=key).params, config.training)


def folder_coder(config) -> Coder:
    """The tokenizer of a pretrained decoder's folder, with three of its special tokens as the layout's."""
    path = Path(config.model.folder) / "tokenizer.json"
    if not path.is_file():
        raise ValueError(f"{path} is missing: config.model.folder is no folder of a pretrained decoder")
    return coder(tokenizers.Tokenizer.from_file(str(path)), *config.tokens.special)


def recipe(model, initialise, training) -> train.Recipe:
    """Adam on the mean nats a response token."""

    def loss(params, frozen, examples: Examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    return train.Recipe(
        loss=loss,
        initialise=initialise,
        frozen=model.frozen,
        optimizer=optax.adam(training.learning_rate),
        steps=training.steps,
        batch=training.batch,
    )
