"""Training of one model on each of several sets, which can be stopped and taken up again."""

from collections.abc import Callable, Sequence
from pathlib import Path

import jax
from jax.sharding import Mesh
from jaxtyping import PyTree

from experiments.training import checkpoints
from experiments.training.parallel import fit_parallel
from experiments.training.recipe import Part, Recipe, Trainings, parts
from experiments.training.sharded import check_batch, fit_sharded
from valuation.problem import Examples


def fit(
    recipe: Recipe,
    sets: Sequence[Examples | Part],
    keys: list[jax.Array],
    *,
    mesh: Mesh,
    names: list[str] | None = None,
    title: str = "training",
    checkpoint: str | Path | None = None,
    keep: bool = False,
) -> list[PyTree]:
    """Parameters of one model trained on each set, every one from a random start of its own key.

    Small models are shared out over the devices of the mesh (parallel.py), so that a training's numbers do not depend
    on the mesh. Where the recipe is `sharded`, the trainings follow one another and each takes all devices
    (sharded.py). All processes must call it, and all get all parameters.
    names: of the trainings, for messages. title: of the progress bar.
    checkpoint: a folder. The state of the trainings is saved there every few seconds; a later call with the same
        arguments goes on from there. It is removed at the end, unless `keep` leaves that to the caller, who removes it
        once what came of the trainings is recorded: then a kill before that costs no training.
    Raises FloatingPointError at the first loss that is not finite, naming training and step; ValueError if the folder
    holds another training or a checkpoint that cannot be read, for a batch that `sharded` devices cannot share, and for
    a set that recipe.check refuses.
    """
    if recipe.sharded:
        check_batch(recipe.batch, mesh.size, recipe.pieces)
    names, rows = names or [str(i) for i in range(len(sets))], parts(sets)
    if recipe.check is not None:
        for name, part in zip(names, rows, strict=True):
            _checked(recipe.check, name, part)
    training = checkpoints.fingerprint(recipe, names, rows, keys) if checkpoint else {}
    store = checkpoints.opened(checkpoint, training, together=recipe.sharded, keep=keep)
    trainer = fit_sharded if recipe.sharded else fit_parallel
    trained = trainer(recipe, Trainings(rows, keys, names, title), mesh=mesh, store=store)
    if not keep:
        checkpoints.remove(store)
    return trained


def _checked(check: Callable[[Examples], None], name: str, part: Part) -> None:
    try:
        check(part.whole.take(part.rows))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
