from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.training.recipe import Part, batches, begin, described, parts, step
from models.losses import cross_entropy
from tests.experiments.training.trainings import assert_close, classifier, data, recipe

pytestmark = pytest.mark.usefixtures("each_key_once")


@pytest.mark.parametrize(("count", "steps", "batch"), [(10, 7, 4), (3, 5, 8), (1, 2, 6), (64, 1, 64)])
def test_batches_are_whole_epochs(count, steps, batch):
    rows = batches(count, steps, batch, jax.random.key(0))
    assert rows.shape == (steps, batch)
    seen = rows.reshape(-1)
    for start in range(0, len(seen) - count + 1, count):
        assert sorted(seen[start : start + count]) == list(range(count))


def test_a_set_is_a_part_of_itself():
    whole = data(4, 0)
    part = Part(whole, np.array([2, 0]))
    first, second = parts([whole, part])
    assert first.whole is whole
    np.testing.assert_array_equal(first.rows, np.arange(4))
    assert second is part


def test_a_step_is_optaxs_on_the_mean_gradient(x64):
    plan, examples = recipe(dtype=jnp.float64), data(8, 0)
    state = begin(plan, jax.random.key_data(jax.random.key(3)))
    (params, _, _, count), loss = jax.jit(partial(step, plan))(state, examples, classifier().frozen)

    def mean(params):
        inputs = jnp.asarray(examples.inputs, jnp.float64)
        return cross_entropy(classifier().apply(params, (), inputs), jnp.asarray(examples.targets)).mean()

    value, gradient = jax.value_and_grad(mean)(state[0])
    adam = optax.adam(1e-2)
    update, _ = adam.update(gradient, adam.init(state[0]))
    assert_close(params, optax.apply_updates(state[0], update), 1e-12)
    np.testing.assert_allclose(loss, value)
    assert count == 1


def test_what_changes_the_numbers_changes_the_description():
    plan = recipe()
    assert described(plan) == described(recipe())
    others = [recipe(rate=2e-2), recipe(name="sgd"), recipe(steps=21), recipe(batch=9), recipe(pieces=2)]
    assert all(described(other) != described(plan) for other in others)
    assert described(recipe(rate=2e-2))["learning_rate"] == 2e-2
