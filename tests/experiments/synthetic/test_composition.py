"""Strings written out by hand, what permuting keeps, and a font that can be read."""

import numpy as np
import pytest

from experiments.synthetic import composition
from experiments.synthetic.composition import LENGTH, SIDE, Strings

EVERY = np.arange(10)


def marked(text) -> Strings:
    """Strings in which every pixel of a character is a tenth of its digit, and of 0 one."""
    text = np.asarray(text, np.int32)
    return composition.written(text, lambda digits: np.broadcast_to(
        np.where(digits, digits / 10, 1.0)[:, None, None], (len(digits), SIDE, SIDE)
    ))  # fmt: skip


def test_the_views_of_a_string_by_hand():
    examples = composition.examples_of(marked([[3, 1, 0, 7]]))
    np.testing.assert_array_equal(examples.targets, [3, 1, 0, 7])
    rows = [[0, 0, 0, 3, 1, 10, 7], [0, 0, 3, 1, 10, 7, 0], [0, 3, 1, 10, 7, 0, 0], [3, 1, 10, 7, 0, 0, 0]]
    np.testing.assert_allclose(examples.inputs[:, 0, ::SIDE, 0], np.array(rows) / 10, rtol=1e-6)
    np.testing.assert_array_equal(examples.inputs, np.repeat(np.repeat(
        examples.inputs[:, :1, ::SIDE], SIDE, axis=1), SIDE, axis=2))  # fmt: skip
    back = composition.strings_of(examples)
    np.testing.assert_array_equal(back.text, [[3, 1, 0, 7]])
    np.testing.assert_array_equal(back.cells[0, :, 0, 0], np.float32([0.3, 0.1, 1.0, 0.7]))


def test_permuted_strings_have_the_same_characters():
    strings = marked(composition.texts(200, np.random.default_rng(0)))
    made = composition.permuted(strings, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(made.text, 1), np.sort(strings.text, 1))
    np.testing.assert_array_equal(made.cells, marked(made.text).cells)  # images move with what they say
    same = (made.text == strings.text).mean()
    assert same == pytest.approx(1 / LENGTH, abs=0.1)  # strings in which a digit stands twice are few


def test_the_issuers_law():
    """Every digit is as likely at every place, and steps come with their chances, wherever the digit that is known."""
    rng, places = np.random.default_rng(2), np.tile(np.arange(LENGTH), 5000)
    text = composition.texts_around(np.repeat(EVERY, 2000), places, rng)
    np.testing.assert_array_equal(text[np.arange(20_000), places], np.repeat(EVERY, 2000))
    shares = np.stack([np.bincount(column, minlength=10) for column in text.T]) / 20_000
    np.testing.assert_allclose(shares, 0.1, atol=4 * np.sqrt(0.09 / 20_000))
    steps = np.bincount((np.diff(text, axis=1) % 10).ravel(), minlength=10) / 60_000
    expected = [composition.STEPS.get(step, 0) for step in range(10)]
    np.testing.assert_allclose(steps, expected, atol=4 * np.sqrt(0.25 / 60_000))


def test_digits_of_the_font_are_read_by_the_nearest_clear_one():
    clear = composition.rendered(0.0, np.random.default_rng(0))(EVERY).reshape(10, -1)
    apart = np.square(clear[:, None] - clear).sum(-1)
    assert apart[~np.eye(10, dtype=bool)].min() > 3  # pixels of ink
    labels = np.tile(EVERY, 30)
    shaken = composition.rendered(0.5, np.random.default_rng(1))(labels).reshape(len(labels), -1)
    assert shaken.min() >= 0
    assert shaken.max() <= 1
    nearest = np.square(shaken[:, None] - clear).sum(-1).argmin(1)
    assert (nearest == labels).mean() > 0.95
    assert len(np.unique(shaken, axis=0)) == len(labels)


def test_cells_are_means_of_pixels_without_the_margin():
    image = np.zeros((1, 28, 28, 1))
    image[0, 4:6, 6:8] = 1.0  # the first cell row, the second column
    image[0, 23, 23] = 1.0  # a quarter of the last one
    image[0, :4] = image[0, :, 24:] = 1.0
    (cell,) = composition.cells_of(image)
    expected = np.zeros((SIDE, SIDE))
    expected[0, 1], expected[-1, -1] = 1, 0.25
    np.testing.assert_array_equal(cell, expected)


def test_real_digits_are_used_up_before_one_comes_again_and_a_missing_one_is_named():
    labels = np.tile(EVERY, 3)
    cells = np.broadcast_to(np.arange(30.0)[:, None, None], (30, SIDE, SIDE))
    draw = composition.some_of("a set", cells, labels, np.random.default_rng(0))
    found = draw(np.full(7, 4))[:, 0, 0]
    assert set(found) == {4.0, 14.0, 24.0}
    assert sorted(np.unique(found, return_counts=True)[1]) == [2, 2, 3]
    with pytest.raises(ValueError, match=r"the test part has 24 digits, none of them a 2, a 7: strings need all"):
        composition.some_of("the test part", cells, labels[~np.isin(labels, (2, 7))], np.random.default_rng(0))
