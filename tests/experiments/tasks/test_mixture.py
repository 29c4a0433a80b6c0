from functools import partial

import jax
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from experiments.synthetic.corruptions import CORRUPTIONS
from experiments.tasks import mixture
from experiments.tasks.mixture import Spec
from experiments.tasks.task import other_labels
from valuation.problem import Examples

pytestmark = pytest.mark.usefixtures("each_key_once")

CLASSES = 10
KEY = jax.random.key(0)


def train_set(count=600):
    rng = np.random.default_rng(0)
    return Examples(rng.random((count, 6, 6, 1)).astype(np.float32), (np.arange(count) % CLASSES).astype(np.int32))


def darker(examples, strength, key):
    return examples._replace(inputs=examples.inputs * np.float32(1 - 0.1 * strength))


MECHANISMS = {"darker": darker}
AXES = {
    "size": (20, 100),
    "real_share": (0.0, 0.5, 1.0),
    "mechanism": ("truncation", "darker"),
    "kept": (0, 3),
    "label_noise": (0.0, 0.2),
    "duplicates": (0.0, 0.5),
}


def build(*specs, zipf=1.0, key=KEY):
    real = train_set()
    return mixture.build(key, list(specs), real, real.targets, MECHANISMS, partial(other_labels, classes=CLASSES), zipf)


def test_a_draw_depends_on_the_key_alone_and_stays_on_the_axes():
    specs = mixture.draw(KEY, 200, AXES, {"darker": (1, 2)})
    assert specs == mixture.draw(KEY, 200, AXES, {"darker": (1, 2)})
    assert specs != mixture.draw(jax.random.key(1), 200, AXES, {"darker": (1, 2)})
    assert all(20 <= s.size <= 100 and s.real_share in (0, 0.5, 1) for s in specs)
    assert {s.strength for s in specs if s.mechanism == "darker"} == {1, 2}
    assert {s.kept for s in specs if s.mechanism == "truncation"} == {3}  # an untruncated one would be real data
    assert abs(np.mean([s.size < np.sqrt(2000) for s in specs]) - 0.5) < 0.12  # log-uniform: half below the middle


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("mechanism", ["truncation", "darker"])
def test_real_and_synthetic_parts_are_what_they_say(share, mechanism):
    pool, (c,) = build(Spec("a", 100, share, mechanism, 2, kept=4))
    real = train_set()
    assert c.real.sum() == round(100 * share)
    np.testing.assert_array_equal(pool.inputs[c.index[c.real]], real.inputs[c.index[c.real]])
    np.testing.assert_array_equal(pool.inputs[:600], real.inputs)
    assert set(c.origin.mechanism[~c.real]) <= {mechanism}
    if mechanism == "darker" and share < 1:
        assert (c.index[~c.real] >= 600).all()
        assert pool.inputs[c.index[~c.real]].max() <= 0.8
    assert len(np.unique(pool.targets[c.index[~c.real]])) <= 4


def test_truncated_parts_follow_zipf_and_share_one_tail():
    pool, parts = build(*(Spec(str(i), 500, 0.0, "truncation", kept=4) for i in range(6)), zipf=1.0)
    counts = np.stack([np.bincount(pool.targets[c.index], minlength=CLASSES) for c in parts])
    assert (counts > 0).sum(1).tolist() == [4] * 6
    assert len(np.unique(np.nonzero(counts)[1])) == 4  # the same four classes for all
    share = np.sort(counts.sum(0))[::-1][:4] / 3000
    expected = (1 / np.arange(1, 5)) / (1 / np.arange(1, 5)).sum()
    np.testing.assert_allclose(share, expected, atol=4 * np.sqrt(0.25 / 3000))


def test_duplicates_repeat_rows_with_their_labels():
    _, (c,) = build(Spec("a", 100, 1.0, duplicates=0.6, label_noise=0.5))
    assert len(np.unique(c.index)) == 40
    assert all(len(set(c.targets[c.index == row])) == 1 for row in np.unique(c.index))


@pytest.mark.parametrize("noise", [0.0, 0.25, 1.0])
def test_label_noise_replaces_exactly_that_share(noise):
    pool, (c,) = build(Spec("a", 200, 1.0, label_noise=noise))
    assert (c.targets != pool.targets[c.index]).sum() == 200 * noise
    assert set(c.targets) <= set(range(CLASSES))


def test_what_is_spoiled_in_its_input_becomes_a_row_of_its_own():
    """Sequences: a wrong answer changes input, targets and mask; the real training rows stay as they are."""
    rng = np.random.default_rng(0)
    real = Examples(rng.integers(1, 9, (50, 4)), rng.integers(1, 9, (50, 4)), rng.random((50, 4)) < 0.5)

    def swapped(examples, wrong, rng):
        others = (examples.inputs + 10, examples.targets + 10, ~examples.mask)
        return Examples(*(np.where(wrong[:, None], other, leaf) for leaf, other in zip(examples, others, strict=True)))

    groups = np.arange(50) % 5
    spec = Spec("a", 20, 1.0, label_noise=0.25)
    pool, (c,) = mixture.build(KEY, [spec], real, groups, {}, swapped)
    for leaf, before in zip(pool, real, strict=True):
        np.testing.assert_array_equal(leaf[:50], before)
    wrong = c.index >= 50
    assert wrong.sum() == 5 == len(pool.inputs) - 50
    source = c.origin.seed  # the row of the real pool that it was made of
    np.testing.assert_array_equal(pool.inputs[c.index[wrong]], real.inputs[source[wrong]] + 10)
    np.testing.assert_array_equal(pool.mask[c.index[wrong]], ~real.mask[source[wrong]])
    np.testing.assert_array_equal(c.targets, pool.targets[c.index])
    np.testing.assert_array_equal(c.index[~wrong], source[~wrong])


def test_without_repetition_nothing_stands_twice():
    _, (c,) = build(Spec("a", 300, 1.0))
    assert len(np.unique(c.index)) == 300


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (Spec("x", 0), "contributor x: size = 0, expected 1 to 600"),
        (Spec("x", 601), "size = 601"),
        (Spec("x", 10, 1.2), "real_share = 1.2"),
        (Spec("x", 10, -0.1), "real_share = -0.1"),
        (Spec("x", 10, label_noise=2.0), "label_noise"),
        (Spec("x", 10, mechanism="darkest"), "one of truncation, darker"),
        (Spec("x", 10, kept=11), "kept = 11"),
    ],
)
def test_what_cannot_be_made_is_named(spec, words):
    with pytest.raises(ValueError, match=words):
        build(spec)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_corruptions_grow_with_severity(kind):
    rng = np.random.default_rng(0)
    images = gaussian_filter(rng.random((8, 28, 28, 1)), (0, 1, 1, 0)).astype(np.float32)
    images = (images - images.min()) / np.ptp(images)
    damage = []
    for severity in range(1, 6):
        spoiled = CORRUPTIONS[kind](images, severity, np.random.default_rng(1))
        assert (spoiled.shape, spoiled.dtype) == (images.shape, np.float32)
        assert np.all((spoiled >= 0) & (spoiled <= 1))
        damage.append(np.square(spoiled - images).mean())
    assert damage[0] > 0
    assert damage == sorted(damage)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_corruptions_take_colour_images(kind):
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    assert CORRUPTIONS[kind](images, 3, np.random.default_rng(0)).shape == images.shape
