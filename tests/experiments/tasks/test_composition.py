"""The task of strings: parts apart, mechanisms that keep what is read, and digits that a part lacks."""

import jax
import numpy as np
import pytest

from configs import composition as config_file
from experiments import tasks
from experiments.runtime import mesh
from experiments.synthetic.composition import LENGTH, SIDE, cells_shown
from experiments.synthetic.mechanism import GENERATED
from experiments.tasks import composition
from experiments.tasks.composition import PERMUTED, TEMPLATE, permuted, strings_read
from valuation.kernel import outputs

CONFIG = config_file.get_config("tiny")


def drawing(examples, temperature, key):
    """Stands for the generator, which the images' tests train: the digit in every pixel, nowhere blank."""
    pixels = (np.asarray(examples.targets) + temperature) / 10
    return examples._replace(inputs=np.broadcast_to(pixels[:, None, None, None], (len(pixels), SIDE, SIDE, 1)))


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composition, "autoencoder", lambda *_: drawing)
        return tasks.load(CONFIG, str(tmp_path_factory.mktemp("data")), mesh.devices())


def test_the_parts_share_no_digit(task):
    parts = [
        {cell.tobytes() for cell in cells_shown(part.inputs)[:, LENGTH - 1]}
        for part in (task.train, task.validation, task.test)
    ]
    assert [len(part.targets) for part in (task.train, task.validation, task.test)] == [240, 60, 100]
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_every_mechanism_keeps_number_shape_range_and_targets(task):
    some = task.train.take(np.arange(9))
    assert list(task.mechanisms) == list(task.strengths) == [TEMPLATE, PERMUTED, GENERATED]
    for name, mechanism in task.mechanisms.items():
        made = mechanism(some, task.strengths[name][-1], jax.random.key(0))
        assert (made.inputs.shape, made.inputs.dtype) == (some.inputs.shape, np.float32), name
        assert np.all((made.inputs >= 0) & (made.inputs <= 1)), name
        np.testing.assert_array_equal(made.targets, some.targets)
        blank = cells_shown(made.inputs).sum((2, 3)) == 0
        np.testing.assert_array_equal(blank.sum(1), LENGTH - 1)
        assert not np.array_equal(made.inputs, some.inputs)
    np.testing.assert_allclose(cells_shown(made.inputs)[:, LENGTH - 1, 0, 0], (some.targets + 1) / 10, rtol=1e-6)


def test_permuted_views_show_the_same_characters_around_the_same_one(task):
    shown, made = (cells_shown(one.inputs) for one in (task.train, permuted(task.train, 1.0, jax.random.key(1))))
    np.testing.assert_array_equal(made[:, LENGTH - 1], shown[:, LENGTH - 1])
    for before, after in zip(shown, made, strict=True):
        assert sorted(cell.tobytes() for cell in before) == sorted(cell.tobytes() for cell in after)
    same = permuted(task.train, 0.0, jax.random.key(1))
    np.testing.assert_array_equal(same.inputs, task.train.inputs)
    with pytest.raises(ValueError, match=r"in \[0, 1\], got 2"):
        permuted(task.train, 2, jax.random.key(0))


def test_a_string_is_read_where_all_its_characters_are(task):
    right = outputs(task.model, task.test.inputs).argmax(1)
    some = task.test._replace(targets=right.copy())
    assert strings_read(task.model, some) == 1
    some.targets[:5] += 1  # four characters of the first string, one of the second
    assert strings_read(task.model, some) == pytest.approx(1 - 2 / (len(right) / LENGTH))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strings.test": 0}, "strings.test = 0, expected at least 1"),
        ({"split.validation": 3}, "the validation part has 3 digits, none of them a"),
        ({"dataset": "cifar10"}, "unknown config.dataset 'cifar10'"),
    ],
)
def test_strings_that_cannot_be_composed_are_refused(change, words, tmp_path):
    config = config_file.get_config("tiny")
    config.update_from_flattened_dict(change)
    with pytest.raises(ValueError, match=words):
        tasks.load(config, str(tmp_path), mesh.devices())
