"""Condensed images as a mechanism: every contributor takes its images from sets condensed of the real train pool.

How they are condensed is in condensation.py, and what they are moved against in alignment.py (theory/README.md, 7).
"""

import functools
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.runtime.rng import generator
from experiments.synthetic.condensation import condenser, rows_of_classes
from experiments.synthetic.kept import kept, path_of
from experiments.synthetic.mechanism import Mechanism
from experiments.training.fit import fit
from experiments.training.recipe import Recipe, adam
from models.convnet import convnet
from models.functional import Model
from models.losses import cross_entropy
from valuation.problem import Examples

CONDENSED = "condensed"  # the name of the mechanism in the images' task


def condensed(settings, learn: Examples, classes: int, data_dir: str | None, mesh: Mesh) -> Mechanism:
    """(examples, images a class, key) -> condensed images with those targets.

    Of every class there are as many different ones as the strength says; who asks for more gets them again. Each set is
    made when it is first asked for and kept in data_dir/generators, under a name made of the settings and the data.

    settings: the group `condensation` of a config. learn: real images (n, h, w, c) in [0, 1] and labels (n,) from 0 to
    classes - 1. data_dir: as in archives.data_folder. mesh: the devices of a training on real images.
    Raises ValueError for a strength in settings.images that is no number of images, and for a class with fewer real
    images than that; so does the mechanism, and for a file that cannot be read.
    """
    for each in settings.images:
        check(each, learn, classes)
    model, training = network(settings, learn.inputs.shape[1:], classes)
    condense = condenser(settings, model, training, classes)
    start, moves = jax.random.split(jax.random.key(settings.seed))

    def make(each: int) -> list[np.ndarray]:
        trained = trained_on_real(training, learn, start, mesh) if settings.concentration else None
        made = condense(learn, each, moves, concentration=settings.concentration, trained=trained)
        return [made.inputs.reshape(-1, each, *made.inputs.shape[1:])]

    @functools.cache
    def images_of(each: int) -> np.ndarray:  # (classes, each, h, w, c)
        path = path_of(CONDENSED, settings.to_dict() | {"each": each}, learn, data_dir)
        return kept(path, partial(make, each), "remove it, the images are condensed again")[0]

    def made(examples: Examples, each: float, key: jax.Array) -> Examples:
        check(each, learn, classes)
        of_class, rng = images_of(int(each)), generator(key)
        inputs = np.empty_like(examples.inputs)
        for label in np.unique(examples.targets):
            rows = np.flatnonzero(examples.targets == label)
            inputs[rows] = of_class[label][np.resize(rng.permutation(int(each)), len(rows))]
        return examples._replace(inputs=inputs)

    return made


def check(each: float, learn: Examples, classes: int) -> None:
    """Raises ValueError for a strength that is no number of images, and names a class with fewer real ones."""
    if each < 1 or each != int(each):
        raise ValueError(f"condensed images: strength {each}, expected how many of a class there are: 1, 2, ...")
    rows_of_classes(learn.targets, classes, int(each))


def network(settings, shape: tuple[int, ...], classes: int) -> tuple[Model, Recipe]:
    """The ConvNet that looks at images while they are condensed, and its training.

    settings: the group `condensation` of a config. shape: (h, w, c) of an image.
    """
    build = partial(convnet, (shape[-1], *settings.channels), classes, side=shape[0])
    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    return model, adam(loss, lambda key: build(key).params, model.frozen, settings.training)


def trained_on_real(training: Recipe, learn: Examples, key: jax.Array, mesh: Mesh):
    """Parameters of the network after a training on real images: its last layer's input has the CMI."""
    (params,) = fit(training, [learn], [key], mesh=mesh, names=["the network"], title="network of the CMI")
    return params
