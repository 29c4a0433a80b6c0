"""Images drawn by a conditional variational autoencoder that is trained on the real train pool."""

import functools

import jax
import numpy as np
from jax.sharding import Mesh

from experiments.synthetic.kept import kept, path_of
from experiments.synthetic.mechanism import Mechanism
from experiments.training.fit import fit
from experiments.training.recipe import adam
from models.cvae import cvae
from valuation.problem import Examples


def autoencoder(settings, learn: Examples, classes: int, data_dir: str | None, mesh: Mesh) -> Mechanism:
    """(examples, temperature, key) -> images of a generative model with those targets.

    It is trained when it is first asked for; its parameters are kept in data_dir/generators under a name made of the
    settings and the training data.

    settings: the group `generator` of a config. learn: real images (n, h, w, c) in [0, 1] and labels (n,) from 0 to
    classes - 1. data_dir: as in archives.data_folder. mesh: the devices of its training.
    The mechanism raises ValueError for a temperature that is not positive and for a file that cannot be read.
    """
    model = cvae(learn.inputs.shape[1:], classes, width=settings.width, latent=settings.latent)
    path = path_of("cvae", settings.to_dict(), learn, data_dir)
    recipe = adam(
        lambda params, frozen, examples, key: model.loss(params, examples.inputs, examples.targets, key),
        model.initialise,
        (),
        settings,
    )
    structure = jax.tree.structure(jax.eval_shape(model.initialise, jax.random.key(0)))
    sample = jax.jit(model.sample)

    def train() -> list:
        (params,) = fit(
            recipe,
            [learn],
            [jax.random.key(settings.seed)],
            mesh=mesh,
            names=["the generator"],
            title="generator",
            checkpoint=path.with_suffix(".checkpoints"),
        )
        return jax.tree.leaves(params)

    @functools.cache
    def parameters():
        return jax.tree.unflatten(structure, kept(path, train, "remove it, the generator is trained again"))

    def generated(examples: Examples, temperature: float, key: jax.Array) -> Examples:
        if not temperature > 0:
            raise ValueError(f"the temperature of generated images must be positive, got {temperature}")
        images = sample(parameters(), examples.targets, float(temperature), key)
        return examples._replace(inputs=np.round(np.asarray(images) * 255).astype(np.float32) / 255)

    return generated
