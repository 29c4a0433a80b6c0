"""Many small trainings: against the obvious loop, and against themselves on other devices and in other company."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.training.recipe import Part, batches
from models.losses import cross_entropy
from models.mlp import mlp
from tests.experiments.training.trainings import (
    EIGHT,
    MODEL,
    WIDTHS,
    assert_close,
    assert_equal,
    data,
    fitted,
    keys,
    recipe,
)


def test_a_training_is_the_obvious_loop(x64):
    """In float64: twenty steps of Adam in another order of additions then differ by 1e-16 times what Adam makes of it.

    Adam divides a gradient by its size, so that one near 0 keeps no digit: at most 1e3 times its share of 1e-16.
    """
    examples = data(30, 0)
    (trained,) = fitted(recipe(dtype=jnp.float64), sets=[examples])
    start, order = jax.random.split(keys(1)[0])
    init, _ = jax.random.split(start)
    params, adam = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), mlp(WIDTHS, init).params), optax.adam(1e-2)
    opt_state = adam.init(params)

    @jax.jit
    def gradient(params, batch):
        outputs = MODEL.apply(params, (), batch.inputs.astype(jnp.float64))
        return cross_entropy(outputs, batch.targets).mean()

    for rows in batches(30, 20, 8, order):
        update, opt_state = adam.update(jax.grad(gradient)(params, examples.take(rows)), opt_state)
        params = optax.apply_updates(params, update)
    assert_close(trained, params, 1e-11)


def test_numbers_do_not_depend_on_the_mesh_the_company_or_how_data_are_held():
    """To the last bit: each model is trained by the same program, on one device; rows of a set are a set."""
    whole, rows = data(40, 0), np.array([3, 7, 7, 1, 30, 12])
    sets = [whole.take(rows), whole, data(1, 1), whole.take(rows), data(17, 2)]
    parts = [Part(whole, rows), whole, sets[2], Part(whole, rows), sets[4]]
    one = fitted(recipe(steps=6), sets=sets)
    assert_equal(one, fitted(recipe(steps=6), EIGHT, parts))
    assert_equal(one[:2], fitted(recipe(steps=6), sets=sets[:2]))
    assert not np.array_equal(*(params["layers"][0]["kernel"] for params in (one[0], one[3])))  # each has its own start
