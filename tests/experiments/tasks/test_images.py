import jax
import numpy as np
import pytest

from configs import images as config_file
from experiments.runtime import mesh
from experiments.tasks import images, load
from valuation.problem import Examples

CONFIG = config_file.get_config("tiny,condensed=True")


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return load(CONFIG, str(tmp_path_factory.mktemp("data")), mesh.devices())


def test_the_parts_share_no_image(task):
    parts = [{image.tobytes() for image in part.inputs} for part in (task.train, task.validation, task.test)]
    assert [len(part) for part in parts] == [240, 60, 100]
    assert len(set.union(*parts)) == 400


def test_every_mechanism_keeps_number_shape_range_and_targets(task):
    some = task.train.take(np.arange(9))
    for name, mechanism in task.mechanisms.items():
        made = mechanism(some, task.strengths[name][0], jax.random.key(0))
        assert (made.inputs.shape, made.inputs.dtype) == (some.inputs.shape, np.float32), name
        assert np.all((made.inputs >= 0) & (made.inputs <= 1)), name
        np.testing.assert_array_equal(made.targets, some.targets)


def test_strengths_out_of_range_are_refused(task):
    some = task.train.take(np.arange(2))
    with pytest.raises(ValueError, match="severity"):
        task.mechanisms["blur"](some, 6, jax.random.key(0))
    with pytest.raises(ValueError, match="temperature"):
        task.mechanisms["generated"](some, 0.0, jax.random.key(0))
    with pytest.raises(ValueError, match=r"strength 1\.5, expected how many of a class"):
        task.mechanisms["condensed"](some, 1.5, jax.random.key(0))
    with pytest.raises(ValueError, match=r"class \d has \d+ real images, 90 condensed"):
        task.mechanisms["condensed"](some, 90, jax.random.key(0))
    more = config_file.get_config("tiny,condensed=True")
    more.condensation.images = (1, 90)
    with pytest.raises(ValueError, match=r"class \d has \d+ real images, 90 condensed"):
        load(more, None, mesh.devices())


def test_the_generator_is_cached_and_a_damaged_cache_named(tmp_path, task):
    def generated():
        again = load(CONFIG, str(tmp_path), mesh.devices())
        return again.mechanisms["generated"](task.train.take(np.arange(2)), 0.5, jax.random.key(0))

    assert not (tmp_path / "generators").exists()
    first = generated()
    (path,) = (tmp_path / "generators").glob("*.npz")
    before = path.stat().st_mtime_ns
    np.testing.assert_array_equal(generated().inputs, first.inputs)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="remove it, the generator is trained again"):
        generated()


def test_a_resnet_learns_colour_images():
    config = config_file.get_config("paper")
    config.model.stages = (8,)
    model, recipe = images.learner(config, (32, 32, 3), 100)
    pixels = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    some = Examples(pixels, jax.numpy.array([3, 99]))
    logits = np.asarray(model.apply(model.params, model.frozen, pixels), np.float64)
    expected = np.log(np.exp(logits).sum(1)) - logits[[0, 1], [3, 99]]
    np.testing.assert_allclose(recipe.loss(model.params, model.frozen, some, None), expected, rtol=1e-4)
