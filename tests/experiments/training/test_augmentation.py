"""Moved images: SciPy's interpolation, whole pixels, and what a draw may be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from experiments.training.augmentation import Moves, affine, moved, on_moved
from valuation.problem import Examples

IMAGE = np.random.default_rng(0).random((9, 7, 2)).astype(np.float32)


@pytest.mark.parametrize(("angle", "factor", "shift"), [(0.0, (1.0, 1.0), (0.0, 0.0)), (0.3, (1.1, 0.8), (1.3, -0.4))])
def test_an_image_is_read_as_scipy_reads_it(angle, factor, shift):
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.diag(factor) @ np.array([[c, -s], [s, c]])
    centre = (np.array(IMAGE.shape[:2]) - 1) / 2
    offset = centre + shift - matrix @ centre
    expected = np.stack(
        [
            scipy.ndimage.affine_transform(IMAGE[..., k], matrix, offset, order=1, mode="grid-constant")
            for k in range(2)
        ],
        axis=-1,
    )
    found = affine(jnp.asarray(IMAGE), jnp.float32(angle), jnp.array(factor), jnp.array(shift))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_shift_of_whole_pixels_leaves_zeros_behind():
    found = affine(jnp.asarray(IMAGE), jnp.float32(0), jnp.ones(2), jnp.array([2.0, -1.0]))
    np.testing.assert_allclose(found[:-2, 1:], IMAGE[2:, :-1], atol=1e-6)
    assert not found[-2:].any()
    assert not found[:, 0].any()


def test_every_image_moves_by_itself_and_again_with_the_same_key():
    images = jnp.asarray(np.stack([IMAGE[:, :, :1]] * 3))
    first, again = (moved(images, jax.random.key(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first, moved(images, jax.random.key(2)))
    np.testing.assert_allclose(moved(images, jax.random.key(1), Moves(0, 0, 0)), images, atol=1e-6)


def test_images_that_move_alike_have_one_map():
    images = jnp.asarray(np.stack([IMAGE[:, :, :1], 2 * IMAGE[:, :, :1]]))
    found = moved(images, jax.random.key(1), alike=True)
    np.testing.assert_allclose(found[1], 2 * found[0], atol=1e-6)
    assert not np.allclose(found, images)


def test_a_loss_on_moved_images_moves_them_alone_and_anew_with_each_key():
    examples = Examples(jnp.asarray(np.stack([IMAGE] * 2)), jnp.arange(2))
    seen = on_moved(lambda params, frozen, some, key: (params, frozen, some.inputs, some.targets))
    params, frozen, first, targets = seen("params", "frozen", examples, jax.random.key(1))
    assert (params, frozen) == ("params", "frozen")
    np.testing.assert_array_equal(targets, examples.targets)
    assert not np.allclose(first, examples.inputs)
    assert not np.allclose(first, seen(None, None, examples, jax.random.key(2))[2])
