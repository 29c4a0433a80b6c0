"""Decoders that learn responses, from scratch or by LoRA beside a pretrained one, and their tokenizers."""

from collections.abc import Callable
from functools import partial

import jax

from configs.common import one_of
from experiments.data.archives import SMOLLM2, member
from experiments.tasks import token_rows
from experiments.tasks.adaptation import MODEL, Learned, adapted
from experiments.tasks.token_rows import Coder, Pair
from experiments.training.recipe import Recipe, adam
from models.functional import Model
from models.pretrained import gguf_tokenizer
from models.transformer import transformer
from valuation.outputs import log_likelihood
from valuation.problem import Examples

MODELS = ("decoder", "smollm2", "folder")  # from scratch; LoRA beside SmolLM2; LoRA beside config.model.folder


def learned_coder(pairs: list[Pair], vocabulary: int) -> Coder:
    """A tokenizer of that many tokens, learned from the pairs. Raises ValueError if they hold too little text."""
    texts = [text for pair in pairs for text in pair[:3]]
    coder = token_rows.trained_coder(texts, vocabulary)
    if coder.tokenizer.get_vocab_size() < vocabulary:
        raise ValueError(
            f"{len(pairs)} training pairs of {sum(map(len, texts))} characters give a tokenizer of "
            f"{coder.tokenizer.get_vocab_size()} tokens, expected {vocabulary} (tokens.vocabulary): more text or fewer"
        )
    return coder


def learner(config, coder: Coder, data_dir: str | None) -> Learned:
    """The decoder that config.model names, and how config.training trains it.

    coder: its tokenizer. data_dir: as in archives.data_folder, for the weights of a pretrained one.
    """
    if config.model.name == "decoder":
        return Learned(*from_scratch(config, coder))
    return adapted(config, coder, data_dir)


def from_scratch(config, coder: Coder) -> tuple[Model, Recipe]:
    """A decoder from scratch, and its training; only tokens of the response are learned."""
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
    """The tokenizer of the pretrained decoder that config.model names; None for one that is yet to be learned.

    Raises ValueError for an unknown model, a folder without a tokenizer, and tokens of config.tokens.special that it
    lacks.
    """
    if one_of("config.model.name", config.model.name, MODELS) == "decoder":
        return None
    if config.model.name == "folder" and not config.model.folder:
        raise ValueError("config.model.folder is empty: expected the folder of a pretrained decoder")
    if config.model.name == "folder":
        return token_rows.folder_coder(config.model.folder, config.tokens.special)
    return token_rows.coder(gguf_tokenizer(member("smollm2", SMOLLM2, data_dir)), *config.tokens.special)


def recipe(model: Model, initialise: Callable, training) -> Recipe:
    """Adam on the mean nats a response token.

    initialise: key -> parameters. training: the group `training` of a config.
    """

    def loss(params, frozen, examples: Examples, key):
        return -log_likelihood(model.apply(params, frozen, examples.inputs), examples)

    return adam(loss, initialise, model.frozen, training)
