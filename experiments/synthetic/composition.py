"""Strings of digits composed of images of single digits, and what more of them is made of.

A string is four cells of 10 x 10 pixels side by side. Its issuer writes any digit first; each later one is the one
before plus a step, modulo 10, by the chances of STEPS. So every digit is as likely as another at every place, what
stands beside a digit tells of it, and a string whose characters are permuted has lost that.

A reader is shown one character at a time: its `view` is the string with this character in the middle, blank where there
is none. Rendered strings have a bitmap font of ours, a little turned, slanted, stretched and shifted.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import map_coordinates

from valuation.problem import Examples

LENGTH, SIDE = 4, 10  # characters of a string, pixels of a cell's side
STEPS = {1: 0.6, 3: 0.3, 7: 0.1}  # from a digit to the next one -> chance
FONT = """
.###. ..#.. .###. ####. ...#. ##### ..##. ##### .###. .###.
#...# .##.. #...# ....# ..##. #.... .#... ....# #...# #...#
#...# #.#.. ....# ....# .#.#. #.... #.... ...#. #...# #...#
#...# ..#.. ...#. .###. #..#. ####. ####. ..#.. .###. .####
#...# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#
#...# ..#.. .#... ....# ...#. ....# #...# .#... #...# ...#.
.###. ##### ##### ####. ...#. ####. .###. .#... .###. .##..
"""
INK = np.array([[[dot == "#" for dot in digit] for digit in row.split()] for row in FONT.split("\n")[1:-1]], float)
GLYPHS = INK.transpose(1, 0, 2)  # (digit, 7, 5)
TALL, WIDE = 9.0, 6.5  # pixels of a digit of the font
JITTER = (0.12, 0.15, 0.12, 0.12, 0.6, 0.6)  # deviations: turned, slanted, taller, wider; down and right in pixels

Cells = Callable[[Int[np.ndarray, " n"]], Float[np.ndarray, "n s s"]]  # digits -> an image of each


class Strings(NamedTuple):
    """Images of n strings and what they say. cells: of their characters, in [0, 1]."""

    cells: Float[np.ndarray, "n l s s"]
    text: Int[np.ndarray, "n l"]

    def take(self, rows: np.ndarray | slice) -> "Strings":
        """Some of the strings, by their rows."""
        return Strings(self.cells[rows], self.text[rows])


def texts(count: int, rng: np.random.Generator) -> Int[np.ndarray, "n l"]:
    """What the issuer writes on so many strings."""
    return texts_around(rng.integers(0, 10, count), np.zeros(count, int), rng)


def texts_around(
    digits: Int[np.ndarray, " n"], places: Int[np.ndarray, " n"], rng: np.random.Generator
) -> Int[np.ndarray, "n l"]:
    """What the issuer writes on strings with that digit at that place, from 0 on: a digit says nothing of the steps."""
    steps = rng.choice(list(STEPS), (len(digits), LENGTH - 1), p=list(STEPS.values()))
    ways = np.concatenate([np.zeros((len(digits), 1), int), np.cumsum(steps, 1)], 1)
    here = np.take_along_axis(ways, places[:, None], 1)
    return ((digits[:, None] + ways - here) % 10).astype(np.int32)


def cells_of(images: Float[np.ndarray, "n 28 28 1"]) -> Float[np.ndarray, "n s s"]:
    """MNIST's digits as cells: means of 2 x 2 pixels, without the two outer rows and columns at every side."""
    small = images.reshape(len(images), 14, 2, 14, 2).mean((2, 4))
    return small[:, 2:-2, 2:-2].astype(np.float32)


def some_of(
    name: str, cells: Float[np.ndarray, "m s s"], labels: Int[np.ndarray, " m"], rng: np.random.Generator
) -> Cells:
    """Real digits: one is taken a second time when all of its kind are used up.

    name: of the set, for the message. Raises ValueError that names the digits from 0 to 9 of which there are none.
    """
    missing = sorted(set(range(10)) - set(labels.tolist()))
    if missing:
        raise ValueError(
            f"{name} has {len(labels)} digits, none of them a {', a '.join(map(str, missing))}: strings need all of "
            "0 to 9, make the part larger"
        )

    def drawn(digits: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n s s"]:
        rows = np.empty(len(digits), int)
        for digit in range(10):
            wanted = digits == digit
            rows[wanted] = np.resize(rng.permutation(np.flatnonzero(labels == digit)), wanted.sum())
        return cells[rows]

    return drawn


def rendered(jitter: float, rng: np.random.Generator) -> Cells:
    """Digits of the font. jitter: of their shapes, in multiples of JITTER; 0 draws all of a digit alike."""

    def drawn(digits: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n s s"]:
        shapes = jitter * rng.normal(0, JITTER, (len(digits), len(JITTER)))
        turned, slanted, taller, wider, down, right = shapes.T[:, :, None, None]
        y, x = np.indices((1, SIDE, SIDE))[1:] - (SIDE - 1) / 2
        y, x = y - down, x - right
        row = np.exp(-taller) * (np.cos(turned) * y - np.sin(turned) * x) * GLYPHS.shape[1] / TALL
        column = np.exp(-wider) * (np.sin(turned) * y + np.cos(turned) * x + slanted * y) * GLYPHS.shape[2] / WIDE
        middle = [(count - 1) / 2 for count in GLYPHS.shape[1:]]
        place = [np.broadcast_to(digits[:, None, None], row.shape), row + middle[0], column + middle[1]]
        return map_coordinates(GLYPHS, place, order=1, mode="grid-constant").clip(0, 1).astype(np.float32)

    return drawn


def written(text: Int[np.ndarray, "n l"], cells: Cells) -> Strings:
    """Strings that say so, of such characters."""
    return Strings(cells(text.ravel()).reshape(*text.shape, SIDE, SIDE), text)


def permuted(strings: Strings, rng: np.random.Generator) -> Strings:
    """The strings with their characters in random orders."""
    order = rng.permuted(np.tile(np.arange(LENGTH), (len(strings.text), 1)), axis=1)
    cells = np.take_along_axis(strings.cells, order[:, :, None, None], 1)
    return Strings(cells, np.take_along_axis(strings.text, order, 1))


def view(cells: Float[np.ndarray, "n l s s"], places: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n s w 1"]:
    """Every string with the character at that place in the middle, w = (2 LENGTH - 1) SIDE pixels wide."""
    shown = np.zeros((len(cells), 2 * LENGTH - 1, SIDE, SIDE), np.float32)
    rows = np.arange(len(cells))[:, None]
    shown[rows, LENGTH - 1 - places[:, None] + np.arange(LENGTH)] = cells
    return shown.transpose(0, 2, 1, 3).reshape(len(cells), SIDE, -1, 1)


def cells_shown(views: Float[np.ndarray, "n s w 1"]) -> Float[np.ndarray, "n c s s"]:
    """The cells of views, from left to right; in the middle, at LENGTH - 1, the character that is read."""
    return views.reshape(len(views), SIDE, -1, SIDE).transpose(0, 2, 1, 3)


def examples_of(strings: Strings) -> Examples:
    """The views of all characters, string after string, and what digits they are; LENGTH examples a string."""
    places = np.tile(np.arange(LENGTH), len(strings.text))
    return Examples(view(np.repeat(strings.cells, LENGTH, axis=0), places), strings.text.reshape(-1))


def strings_of(examples: Examples) -> Strings:
    """The strings that those examples are the views of."""
    text = np.asarray(examples.targets).reshape(-1, LENGTH)
    cells = cells_shown(np.asarray(examples.inputs))[:, LENGTH - 1]
    return Strings(cells.reshape(*text.shape, SIDE, SIDE), text)
