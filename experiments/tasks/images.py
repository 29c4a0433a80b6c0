"""Image classification: real images, corrupted ones, condensed ones, and samples of a generative model."""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import images, splits
from experiments.synthetic.autoencoder import autoencoder
from experiments.synthetic.condensed import CONDENSED, condensed
from experiments.synthetic.corruptions import CORRUPTIONS, corrupted
from experiments.synthetic.mechanism import GENERATED, Mechanism
from experiments.tasks.task import Task, classified, other_labels
from experiments.training.recipe import Recipe, adam
from models.convnet import convnet
from models.functional import Model
from models.losses import cross_entropy
from models.mlp import mlp
from models.resnet import resnet
from valuation.objective import Classification
from valuation.problem import Examples

NEAR = 0.97  # cosine similarity of pixels; half a percent of the real training digits have such a partner held out
MODELS = ("mlp", "convnet", "resnet")


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/images.py.

    data_dir: as in archives.data_folder. mesh: the devices on which the generative model is trained, once it is asked
    for. Raises ValueError for an unknown data set or model, and for data that no model should be trained on.
    """
    one_of("config.model.name", config.model.name, MODELS)
    data = images.read(config, data_dir)
    parts = images.split(data, config.split)
    real = Examples(data.images.astype(np.float32) / 255, data.labels.astype(np.int32))
    learn, validation, test = (real.take(rows) for rows in parts[:3])
    mechanisms: dict[str, Mechanism] = {name: partial(corrupted, kind) for name, kind in CORRUPTIONS.items()}
    strengths: dict[str, tuple[float, ...]] = dict.fromkeys(CORRUPTIONS, (1, 2, 3, 4, 5))
    mechanisms[GENERATED] = autoencoder(config.generator, learn, data.classes, data_dir, mesh)
    strengths[GENERATED] = (0.25, 0.5, 0.75, 1.0)
    if "condensation" in config:
        mechanisms[CONDENSED] = condensed(config.condensation, learn, data.classes, data_dir, mesh)
        strengths[CONDENSED] = tuple(config.condensation.images)
    model, recipe = learner(config, data.images.shape[1:], data.classes)
    return task_of_images(
        (learn, validation, test),
        data.classes,
        mechanisms=mechanisms,
        strengths=strengths,
        model=model,
        recipe=recipe,
        learner="dense" if config.model.name == "mlp" else "convolutional",
        notes={
            "dataset": images.DATASETS[config.dataset],
            "duplicates dropped": len(parts.dropped),
            "train / validation / test": f"{len(learn.inputs)} / {len(validation.inputs)} / {len(test.inputs)}",
        },
    )


def task_of_images(
    parts: tuple[Examples, Examples, Examples], classes: int, *, mechanisms, strengths, model, recipe, learner, notes
) -> Task:
    """A classification task of images in [0, 1], valued on their pixels; arguments as the fields of Task.

    parts: train pool, validation and test set. classes: how many.
    """
    learn, validation, test = parts
    return Task(
        train=learn,
        validation=validation,
        test=test,
        groups=learn.targets,
        objective=Classification(classes),
        mechanisms=mechanisms,
        strengths=strengths,
        corrupt_labels=partial(other_labels, classes=classes),
        model=model,
        recipe=recipe,
        learner=learner,
        features=lambda inputs: np.asarray(inputs).reshape(len(inputs), -1),
        measure=classified,
        metric="accuracy",
        thumbnail=lambda image: np.round(255 * image).astype(np.uint8).squeeze(),
        count_near_duplicates=partial(splits.near_overlap, similarity=NEAR),
        near_rule=f"cosine similarity of pixels of at least {NEAR}",
        notes=notes,
    )


def learner(config, shape: tuple[int, ...], classes: int) -> tuple[Model, Recipe]:
    """The model that config.model names, and how config.training trains it.

    shape: (h, w, c) of an image. classes: how many outputs it has.
    """
    pixels, channels = int(np.prod(shape)), shape[-1]
    build = {
        "mlp": partial(mlp, (pixels, *config.model.widths, classes)),
        "convnet": partial(convnet, (channels, *config.model.channels), classes),
        "resnet": partial(resnet, channels, classes, stages=config.model.stages),
    }[config.model.name]
    model = build(jax.random.key(0))

    def loss(params, frozen, examples: Examples, key):
        return cross_entropy(model.apply(params, frozen, examples.inputs), examples.targets)

    return model, adam(loss, lambda key: build(key).params, model.frozen, config.training)
