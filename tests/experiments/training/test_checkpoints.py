import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.runtime import mesh
from experiments.training import checkpoints
from tests.experiments.training.trainings import EIGHT, assert_equal

STATE = {"weights": jnp.arange(48, dtype=jnp.bfloat16).reshape(6, 8), "step": jnp.int32(3), "bits": jnp.uint32([1, 2])}


@pytest.fixture(params=["one process", "several"])
def store(request, tmp_path, monkeypatch):
    """A store as orbax writes it, and as several processes do, of which this one is the first."""
    found = checkpoints.opened(tmp_path / "c", {"steps": 9}, together=True)
    if request.param == "several":
        monkeypatch.setattr(checkpoints, "is_distributed", lambda: True)
    return found


def test_a_state_comes_back_as_it_was(store):
    assert checkpoints.last_step(store, "a") is None
    for step in (5, 10, 15):
        checkpoints.save(store, "a", step, jax.tree.map(lambda leaf, by=step: leaf + by, STATE))
    assert checkpoints.last_step(store, "a") == 15
    assert checkpoints.last_step(store, "b") is None
    restored = checkpoints.read(store, "a", 15, jax.eval_shape(lambda: STATE))
    assert restored["weights"].dtype == jnp.bfloat16
    assert_equal(restored, jax.tree.map(lambda leaf: leaf + 15, STATE))
    checkpoints.remove(store)
    assert not store.folder.exists()


def test_a_cut_state_comes_back_cut(store):
    shardings = mesh.sharded(STATE, EIGHT, large=16)
    cut = jax.device_put(STATE, shardings)
    checkpoints.save(store, "a", 1, cut)
    like = jax.tree.map(lambda leaf, at: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=at), STATE, shardings)
    restored = checkpoints.read(store, "a", 1, like)
    assert_equal(restored, STATE)
    if isinstance(restored["weights"], jax.Array):
        assert restored["weights"].sharding.shard_shape((6, 8)) == (6, 1)


def test_a_broken_checkpoint_is_named(store):
    checkpoints.save(store, "a", 15, STATE)
    for file in (store.folder / "a").rglob("*"):
        if file.is_file():
            file.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"/a/15(\.npz)? cannot be read .*: remove it, the training"):
        checkpoints.read(store, "a", 15, STATE)


def test_an_unfinished_checkpoint_is_none(store):
    (store.folder / "a" / "5.orbax-checkpoint-tmp").mkdir(parents=True)
    (store.folder / "a" / "part-host-1-5.npz").write_bytes(b"")
    assert checkpoints.last_step(store, "a") is None


def test_another_training_or_a_broken_description_is_refused(store):
    with pytest.raises(ValueError, match=r"they differ in steps\)"):
        checkpoints.opened(store.folder, {"steps": 10}, together=True)
    (store.folder / "training.json").write_text("[")
    with pytest.raises(ValueError, match=r"training\.json cannot be read .*: remove .*/c, the training begins anew"):
        checkpoints.opened(store.folder, {"steps": 9}, together=True)


def test_a_checkpoint_is_due_after_a_while(store, monkeypatch):
    checkpoints.save_when_due(store, "a", 5, STATE)
    assert checkpoints.last_step(store, "a") is None
    store.saved[0] -= checkpoints.SECONDS_BETWEEN
    checkpoints.save_when_due(store, "a", 5, STATE)
    checkpoints.save_when_due(store, "a", 6, STATE)
    assert checkpoints.last_step(store, "a") == 5


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = checkpoints.opened(None, {}, together=False)
    checkpoints.save(store, "a", 5, STATE)
    checkpoints.remove(store)
    assert checkpoints.last_step(store, "a") is None
    assert not list(tmp_path.iterdir())
    assert np.isfinite(store.saved).all()
