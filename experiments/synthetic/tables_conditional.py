"""Rows drawn column by column: each cell is that of a real row that is near in the target and the columns before it.

Sequential hot deck, as in synthpop (Nowok, Raab and Dibben 2016), whose trees are nearest neighbours here.
"""

from functools import partial

import numpy as np
from jaxtyping import Float

from experiments.runtime.rng import generator
from experiments.synthetic.mechanism import Mechanism
from experiments.synthetic.table_columns import Columns, cells_of, vectors_of
from valuation.problem import Examples

TIES = 1e-9  # squared distance below which real rows are equally near and come in a random order


def conditional_rows(columns: Columns, real: Examples, classes: bool) -> Mechanism:
    """The mechanism that draws rows given the target. Its strength: how many nearest real rows a cell is drawn from.

    real: the rows. classes: whether targets are classes, which a neighbour must share; numbers count as a column.
    """
    return partial(_made, columns, cells_of(columns, real.inputs), np.asarray(real.targets), classes)


def drawn(
    cells: Float[np.ndarray, "n c"], words: int, apart: Float[np.ndarray, "m n"], nearest: int, rng: np.random.Generator
) -> Float[np.ndarray, "m c"]:
    """m rows. cells: n real ones, the last `words` columns codes. apart: squared distances in what is given already.

    A number adds its squared difference, in squared standard deviations, a category 1 where it differs.
    """
    out, far = np.empty((len(apart), cells.shape[1])), apart + TIES * rng.random(apart.shape)
    spread = np.where(cells.std(0) > 0, cells.std(0), 1)
    for place, column in enumerate(cells.T):
        near = np.argpartition(far, min(nearest, len(cells)) - 1, axis=1)[:, :nearest]
        chosen = near[np.arange(len(near)), rng.integers(0, near.shape[1], len(near))]
        out[:, place] = column[chosen]
        differs = out[:, place, None] - column
        far += (differs != 0) if place >= cells.shape[1] - words else np.square(differs / spread[place])
    return out


def _made(columns: Columns, cells, targets, classes: bool, examples: Examples, strength: float, key) -> Examples:
    if strength < 1 or strength != int(strength):
        raise ValueError(f"conditional: strength {strength}, expected how many nearest rows a cell is drawn from")
    rng, wanted = generator(key), np.asarray(examples.targets)
    differs = wanted[:, None] - targets
    apart = np.where(differs == 0, 0.0, 1e12) if classes else np.square(differs / (targets.std() or 1))
    made = drawn(cells, len(columns.words), apart.astype(np.float64), int(strength), rng)
    return examples._replace(inputs=vectors_of(columns, made))
