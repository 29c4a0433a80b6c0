"""What the groups of a config hold: the same key means the same, with the same type, in every file.

A config has those groups and those keys of them that its task needs: images have no tokens, words have no layers of a
decoder. A group means the same wherever it stands: config.training, and config.facts.training of a study of its own.
"""

from typing import Any, NamedTuple


class Key(NamedTuple):
    """The type of a value and its meaning. A tuple has any number of entries where its type has `...`."""

    type: Any
    meaning: str


_SIZES, _NAMES, _SHARES = tuple[int, ...], tuple[str, ...], tuple[float, ...]

TRAINING = {
    "steps": Key(int, "steps of Adam"),
    "batch": Key(int, "examples a step"),
    "learning_rate": Key(float, "of Adam"),
}

GROUPS: dict[str, dict[str, Key]] = {
    "model": {
        "name": Key(str, "which of the task's models"),
        "widths": Key(_SIZES, "units of the layers between input and output (mlp, encoder)"),
        "channels": Key(_SIZES, "of the layers of a ConvNet"),
        "stages": Key(_SIZES, "channels of the stages of a ResNet"),
        "embedding": Key(int, "numbers of the vector that stands for an item that is to be recalled"),
        "width": Key(int, "numbers of a token's state in a decoder; units of the layer of a model that recalls items"),
        "layers": Key(int, "blocks of a decoder"),
        "heads": Key(int, "of attention in a block"),
        "hidden": Key(int, "units of the dense part of a block"),
        "folder": Key(str, "of a pretrained decoder: config.json, tokenizer.json, *.safetensors"),
        "dtype": Key(str, "of the weights of a pretrained decoder: float32, bfloat16, float16"),
        "rank": Key(int, "of LoRA"),
        "adapted": Key(_NAMES, "dense layers of a block that LoRA changes"),
        "last": Key(int, "LoRA in so many of the last blocks; 0: in all"),
        "states": Key(int, "bytes that kept states before those blocks may take on disk; 0: nothing is kept"),
    },
    "features": {  # what Gaussian kernels, k nearest neighbours and MMD see of an example
        "name": Key(str, "which of the task's features"),
        "dimensions": Key(int, "of a random projection of tf-idf"),
        "layer": Key(str, "of the language model whose states are taken, as blocks.14"),
        "tokens": Key(int, "the most tokens of a text that the language model reads; 0: as many as tokens.length"),
    },
    "tokens": {  # or words, where a task counts those
        "vocabulary": Key(int, "how many there are, learned from the train pool"),
        "length": Key(int, "the most of an example; what is longer is cut"),
        "instruction": Key(int, "the most of them that an instruction takes"),
        "response": Key(int, "the most of them that a response takes"),
        "special": Key(
            tuple[str, str, str],
            "those of a pretrained decoder's before a prompt, and before and after a response",
        ),
    },
    "training": TRAINING
    | {
        "sharded": Key(bool, "whether all devices share one training and the weights of a pretrained decoder"),
        "pieces": Key(int, "of a batch, one in memory at a time; for a pretrained decoder"),
    },
    "generator": TRAINING  # the conditional autoencoder that draws images
    | {
        "width": Key(int, "units of its hidden layers"),
        "latent": Key(int, "numbers that describe an image"),
        "seed": Key(int, "of its training"),
        "pictures": Key(int, "drawn of every class"),
        "temperature": Key(float, "standard deviation of what they are drawn from"),
    },
    "condensation": {  # of images; the group `training` in it: of a network, on real images and on condensed ones
        "networks": Key(int, "how many learn the condensed images, one after another"),
        "steps": Key(int, "by which images are moved with each of them"),
        "inner": Key(int, "steps of its training on the condensed images after each of these"),
        "batch": Key(int, "real images of a class that a step looks at"),
        "learning_rate": Key(float, "of Adam on pixels, which lie in [0, 1], at the start; at the end 0"),
        "concentration": Key(float, "weight of the class-aware CMI; 0: without"),
        "images": Key(_SIZES, "of a class, the numbers that a random contributor may have"),
        "channels": Key(_SIZES, "of the layers of the network, a ConvNet"),
        "seed": Key(int, "of the images that are started from, and of all networks"),
    },
    "contributors": {
        "count": Key(int, "how many are drawn"),
        "repeat": Key(bool, "whether texts of a source that is too small for a contributor may stand twice"),
        "explicit": Key(tuple[dict, ...], 'instead of a draw: {"name", "size", other fields of mixture.Spec} each'),
        "axes.size": Key(tuple[int, int], "smallest and largest, examples; log-uniform between them"),
        "axes.real_share": Key(_SHARES, "in [0, 1], each of those listed equally likely, here and below"),
        "axes.mechanism": Key(_NAMES, "how synthetic examples are made"),
        "axes.kept": Key(_SIZES, "groups that are left in the synthetic part; 0: all"),
        "axes.label_noise": Key(_SHARES, "share of wrong labels or answers, in [0, 1]"),
        "axes.duplicates": Key(_SHARES, "share of examples that repeat another, in [0, 1]"),
    },
    "split": {
        "validation": Key(int, "examples that values may look at"),
        "test": Key(int, "examples that only the truth looks at; 0: the data set has a test set"),
        "salt": Key(str, "of the hashes that split by content: another word, another split"),
    },
    "folders": {  # of data sets of a hub, or huggingface:OWNER/NAME
        "real": Key(str, "of real examples"),
        "synthetic": Key(str, "of those that a model wrote"),
    },
}


def described(key: str) -> Key | None:
    """What is known of a dotted key such as "facts.training.steps": by its innermost group; None outside of them."""
    parts = key.split(".")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] in GROUPS:
            return GROUPS[parts[place]].get(".".join(parts[place + 1 :]))
    return None
