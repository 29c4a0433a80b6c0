import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.runtime import mesh
from experiments.training import train
from models.losses import cross_entropy
from models.mlp import mlp
from tests.problems import CLASSES, data

WIDTHS = (5, 6, CLASSES)
MODEL = mlp(WIDTHS, jax.random.key(0))
ONE = jax.sharding.Mesh(np.array(jax.devices()[:1]), (mesh.AXIS,))
EIGHT = mesh.devices()


def recipe(steps=20, batch=8, rate=1e-2):
    def loss(params, frozen, examples, key):
        return cross_entropy(MODEL.apply(params, frozen, examples.inputs), examples.targets)

    return train.Recipe(loss, lambda key: mlp(WIDTHS, key).params, MODEL.frozen, optax.adam(rate), steps, batch)


def keys(count):
    return list(jax.random.split(jax.random.key(1), count))


def assert_equal(left, right):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("count", "steps", "batch"), [(10, 7, 4), (3, 5, 8), (1, 2, 6), (64, 1, 64)])
def test_batches_are_whole_epochs(count, steps, batch):
    rows = train.batches(count, steps, batch, jax.random.key(0))
    assert rows.shape == (steps, batch)
    seen = rows.reshape(-1)
    for start in range(0, len(seen) - count + 1, count):
        assert sorted(seen[start : start + count]) == list(range(count))


def test_fit_is_the_obvious_loop():
    examples = data(30, 0)
    (found,) = train.fit(recipe(), [examples], keys(1), mesh=ONE)
    start, order = jax.random.split(keys(1)[0])
    init, _ = jax.random.split(start)
    params, optimizer = mlp(WIDTHS, init).params, optax.adam(1e-2)
    memory = optimizer.init(params)
    for rows in train.batches(30, 20, 8, order):
        batch = examples.take(rows)

        def mean(params, batch=batch):
            return cross_entropy(MODEL.apply(params, (), batch.inputs), jnp.asarray(batch.targets)).mean()

        update, memory = optimizer.update(jax.grad(mean)(params), memory)
        params = optax.apply_updates(params, update)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_numbers_do_not_depend_on_the_mesh_or_the_company():
    sets = [data(n, n) for n in (1, 5, 40, 17, 30)]
    one = train.fit(recipe(), sets, keys(5), mesh=ONE)
    assert_equal(one, train.fit(recipe(), sets, keys(5), mesh=EIGHT))
    assert_equal(one[2:4], train.fit(recipe(), sets[2:4], keys(5)[2:4], mesh=ONE))


def test_a_part_of_a_set_is_trained_on_like_its_examples_alone():
    whole, rows = data(40, 0), np.array([3, 7, 7, 1, 30, 12])
    part = train.Part(whole, rows)
    found = train.fit(recipe(), [part, whole, part], keys(3), mesh=EIGHT)
    assert_equal(found, train.fit(recipe(), [whole.take(rows), whole, whole.take(rows)], keys(3), mesh=EIGHT))


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_killed_training_ends_with_the_same_numbers(tmp_path, monkeypatch, at):
    monkeypatch.setattr(train, "CHUNK", 5)
    monkeypatch.setattr(train, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    sets = [data(40, 0), data(9, 1)]
    whole = train.fit(recipe(), sets, keys(2), mesh=ONE)
    looks, check = [], train.check_losses

    def killing(*arguments):
        looks.append(arguments)
        if len(looks) == at:
            raise Killed
        check(*arguments)

    monkeypatch.setattr(train, "check_losses", killing)
    with pytest.raises(Killed):
        train.fit(recipe(), sets, keys(2), mesh=ONE, checkpoint=tmp_path / "c")
    again = train.fit(recipe(), sets, keys(2), mesh=ONE, checkpoint=tmp_path / "c")
    assert_equal(whole, again)
    assert len(looks) == 4 + 1  # nothing that was saved is computed twice
    assert not (tmp_path / "c").exists()


def test_checkpoints_of_another_training_and_corrupt_ones_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHUNK", 5)
    monkeypatch.setattr(train, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(train._Store, "remove", lambda self: None)
    train.fit(recipe(), [data(9, 1)], keys(1), mesh=ONE, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another training"):
        train.fit(recipe(), [data(10, 1)], keys(1), mesh=ONE, checkpoint=tmp_path)
    for file in tmp_path.glob("15/**/*"):
        if file.is_file():
            file.write_bytes(b"")
    with pytest.raises(ValueError, match="cannot be read"):
        train.fit(recipe(), [data(9, 1)], keys(1), mesh=ONE, checkpoint=tmp_path)


def test_the_first_loss_that_is_not_finite_stops_the_run():
    bad = data(8, 0)
    bad.inputs[3, 2] = np.inf
    with pytest.raises(FloatingPointError, match="loss of spoiled is not finite at step 1"):
        train.fit(recipe(), [data(20, 1), bad], keys(2), mesh=ONE, names=["fine", "spoiled"])


def test_sharded_map_is_a_loop_for_any_length():
    def square(x, shift):
        return {"y": x * x + shift}

    for count in (1, 3, 8, 11):
        x = jnp.arange(float(count))
        np.testing.assert_allclose(mesh.sharded_map(square, EIGHT)(x, 2.0)["y"], np.arange(count) ** 2 + 2.0)
