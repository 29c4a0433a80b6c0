"""Both kinds of training, killed at any look at the losses and taken up again; and what cannot be trained."""

import numpy as np
import pytest

from experiments.runtime import mesh
from experiments.training import checkpoints, loop
from tests.experiments.training.trainings import (
    EIGHT,
    ONE,
    SETS,
    Killed,
    assert_equal,
    data,
    fitted,
    looks,
    recipe,
)

KINDS = {"small": (recipe(), ONE), "sharded": (recipe(sharded=True), EIGHT)}


@pytest.fixture(scope="module", params=KINDS)
def training(request):
    """(recipe, devices, parameters of a training that nothing stops, looks at the losses in it)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "CHUNK", 5)
        patch.setitem(mesh.sharded.__kwdefaults__, "large", 64)
        plan, devices = KINDS[request.param]
        with looks() as seen:
            whole = fitted(plan, devices)
        yield plan, devices, whole, len(seen)


def test_a_killed_training_ends_with_the_same_numbers(tmp_path, monkeypatch, training):
    plan, devices, whole, every = training
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    for at in (2, every // 2 + 1, every):  # of two sharded trainings: in the first, before the second, at its end
        folder = tmp_path / str(at)
        with looks(at), pytest.raises(Killed):
            fitted(plan, devices, checkpoint=folder)
        with looks() as seen:
            assert_equal(fitted(plan, devices, checkpoint=folder), whole)
        assert at - 1 + len(seen) == every  # nothing that was saved is computed twice
        assert not folder.exists()
    kept = tmp_path / "kept"
    assert_equal(fitted(plan, devices, checkpoint=kept, keep=True), whole)
    with looks() as seen:  # the process was killed before what came of it was recorded: nothing is trained again
        assert_equal(fitted(plan, devices, checkpoint=kept, keep=True), whole)
    assert (len(seen), kept.exists()) == (0, True)


def test_another_training_is_refused_and_what_differs_is_named(tmp_path, training):
    plan, devices, _, _ = training
    with looks(2), pytest.raises(Killed):
        fitted(plan, devices, checkpoint=tmp_path)
    slower = recipe(rate=1e-3, sharded=plan.sharded)
    with pytest.raises(ValueError, match=r"another training \(they differ in learning_rate\): remove that folder"):
        fitted(slower, devices, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"differ in data and keys\)"):
        fitted(plan, devices, SETS[::-1], checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"differ in names\)"):
        fitted(plan, devices, checkpoint=tmp_path, names=["a", "b"])


@pytest.mark.usefixtures("each_key_once")
def test_the_first_loss_that_is_not_finite_stops_the_run(training):
    plan, devices, _, _ = training
    bad = data(8, 0)
    bad.inputs[3, 2] = np.inf
    with pytest.raises(FloatingPointError, match="loss of broken is not finite at step 1"):
        fitted(plan, devices, [data(20, 1), bad], names=["fine", "broken"])


def test_a_batch_that_devices_cannot_share_is_refused():
    with pytest.raises(ValueError, match=r"batch = 24 on 8 devices, cut into 2 pieces: .* expected a multiple of 16"):
        fitted(recipe(sharded=True, batch=24, pieces=2), EIGHT)
    with pytest.raises(ValueError, match=r"training\.batch = 12 on 8 devices: .* expected a multiple of 8"):
        fitted(recipe(sharded=True, batch=12), EIGHT)
