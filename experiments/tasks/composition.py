"""Strings of digits are read: real ones, and those of a font, in another order, or of a generator's digits.

One example is one character of a string: its image is the string with that character in the middle
(synthetic/composition.py), its target the digit. Whatever values contributors of a classifier values strings so; a
string is read where all of its characters are.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import images
from experiments.runtime.rng import generator
from experiments.synthetic import composition
from experiments.synthetic.autoencoder import autoencoder
from experiments.synthetic.composition import LENGTH, Cells, Strings
from experiments.synthetic.mechanism import GENERATED, Mechanism
from experiments.tasks.images import task_of_images
from experiments.tasks.sentiment import learner
from experiments.tasks.task import Task
from models.functional import Model
from models.mlp import mlp
from valuation.kernel import outputs
from valuation.problem import Examples

DATASETS = ("mnist5k", "templates")  # those with digits, or ten patterns, of 28 x 28 pixels
PARTS = ("train", "validation", "test")
TEMPLATE, PERMUTED = "template", "permuted"


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/composition.py.

    data_dir: as in archives.data_folder. mesh: the devices on which the generative model is trained, once it is asked
    for. Raises ValueError for an unknown data set or model, for no strings and for a digit that a part of the split
    lacks.
    """
    one_of("config.dataset", config.dataset, DATASETS)
    one_of("config.model.name", config.model.name, ("mlp",))
    data = images.read(config, data_dir)
    parts = images.split(data, config.split)
    cells = composition.cells_of(data.images / 255)
    digits = [Examples(cells[rows, ..., None], data.labels[rows].astype(np.int32)) for rows in parts[:3]]
    real = [composed(config.strings[name], name, part) for name, part in zip(PARTS, digits, strict=True)]
    learn, validation, test = map(composition.examples_of, real)
    model, recipe = learner(partial(mlp, (learn.inputs[0].size, *config.model.widths, 10)), config.training)
    draw = autoencoder(config.generator, digits[0], 10, data_dir, mesh)
    return task_of_images(
        (learn, validation, test),
        10,
        mechanisms={TEMPLATE: template, PERMUTED: permuted, GENERATED: partial(generated, draw)},
        strengths={TEMPLATE: (0.5, 1.0, 2.0), PERMUTED: (0.5, 1.0), GENERATED: (0.5, 0.75, 1.0)},
        model=model,
        recipe=recipe,
        learner="dense",
        notes={
            "dataset": f"strings of {LENGTH} digits of {images.DATASETS[config.dataset]}",
            "duplicates dropped": len(parts.dropped),
            "digits, train / validation / test": " / ".join(str(len(part.targets)) for part in digits),
            "strings, train / validation / test": " / ".join(str(len(part.text)) for part in real),
        },
    )


def composed(count: int, name: str, digits: Examples) -> Strings:
    """So many real strings of those digits, the same at every call.

    name: of the part of the split. digits: inputs (n, s, s, 1). Raises ValueError for less than one string, and for a
    digit that is missing.
    """
    if count < 1:
        raise ValueError(f"strings.{name} = {count}, expected at least 1")
    rng = generator(jax.random.fold_in(jax.random.key(0), PARTS.index(name)))
    cells = composition.some_of(f"the {name} part", digits.inputs[..., 0], digits.targets, rng)
    return composition.written(composition.texts(count, rng), cells)


def template(examples: Examples, jitter: float, key: jax.Array) -> Examples:
    """Strings of the font, with the same characters to read. jitter: as in composition.rendered."""
    rng = generator(key)
    return around(examples, composition.rendered(jitter, rng), rng)


def generated(draw: Mechanism, examples: Examples, temperature: float, key: jax.Array) -> Examples:
    """Strings of digits that a generator draws, with the same characters to read. draw: of autoencoder."""
    rest, own = jax.random.split(key)
    return around(examples, drawn_by(draw, temperature, own), generator(rest))


def permuted(examples: Examples, share: float, key: jax.Array) -> Examples:
    """Strings of the same characters in a random order, the same one read. share: of strings of which that is so.

    Raises ValueError for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of strings whose characters are permuted is in [0, 1], got {share}")
    rng, shown = generator(key), composition.cells_shown(examples.inputs)
    others = np.delete(shown, LENGTH - 1, axis=1)
    there = np.argsort(-others.sum((2, 3)), axis=1, kind="stable")[:, : LENGTH - 1]  # the other cells are blank
    others = np.take_along_axis(others, there[:, :, None, None], 1)
    cells = np.concatenate([shown[:, LENGTH - 1, None], others], 1)  # the one that is read first
    made = composition.permuted(Strings(cells, np.tile(np.arange(LENGTH), (len(cells), 1))), rng)
    views = composition.view(made.cells, made.text.argmin(1))
    changed = rng.random(len(cells)) < share
    return examples._replace(inputs=np.where(changed[:, None, None, None], views, examples.inputs))


def around(examples: Examples, cells: Cells, rng: np.random.Generator) -> Examples:
    """The same targets at random places of texts of the issuer, in such characters."""
    digits = np.asarray(examples.targets)
    places = rng.integers(0, LENGTH, len(digits))
    strings = composition.written(composition.texts_around(digits, places, rng), cells)
    return examples._replace(inputs=composition.view(strings.cells, places))


def drawn_by(draw: Mechanism, temperature: float, key: jax.Array) -> Cells:
    """Digits that a generator of images (n, s, s, 1) draws."""
    return lambda digits: draw(Examples(None, digits), temperature, key).inputs[..., 0]


def strings_read(model: Model, examples: Examples) -> float:
    """Share of strings of which every character is read rightly. examples: of composition.examples_of."""
    right = outputs(model, examples.inputs).argmax(1) == np.asarray(examples.targets)
    return float(right.reshape(-1, LENGTH).all(1).mean())
