"""How much of sources that are known: more of the same, and wrong targets."""

import jax
import numpy as np
import pytest

from configs import sources
from experiments.data.own_files import schema_of
from experiments.data.own_rows import checked
from experiments.data.rows import from_columns
from experiments.studies.sources import fits, learning
from experiments.studies.sources.amounts import amount_of, together_of
from experiments.studies.sources.fits import Effort
from experiments.tasks import own_tables

SIZE = 400
EXACT = Effort(blocks=4, exact=4000, points=128, orders=2, ridge=0.1)
EFFORTS = {"exact": EXACT, "inducing": EXACT._replace(exact=0), "in part": EXACT._replace(exact=600, points=2)}


@pytest.fixture(scope="module")
def prepared():
    """400 real examples of a smooth function of three numbers; as many more of the same, and as many wrong ones."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4 * SIZE, 3)).round(4)
    y = 10 * (np.sin(2 * x[:, 0]) + x[:, 0] * x[:, 1]) + 2 * rng.normal(size=4 * SIZE)
    y[3 * SIZE :] = rng.permutation(y[3 * SIZE :])
    parts = np.split(np.arange(4 * SIZE), 4)
    frames = [
        from_columns(name, {**{f"x{i}": x[rows, i].tolist() for i in range(3)}, "target": y[rows].tolist()})
        for name, rows in zip(("real", "validation", "more", "wrong"), parts, strict=True)
    ]
    schema = schema_of(frames[0])
    real, validation, *others = (checked(frame, schema) for frame in frames)
    config = sources.get_config().table
    names = ["real", "more", "wrong"]
    return own_tables.prepare(names, [real, *others], validation, schema, config, jax.random.key(0))


def amount(prepared, effort, number):
    key = jax.random.key(0)
    reach = learning.reach_of(prepared, learning.curve_of(prepared, effort, key))
    beside = fits.beside_real(prepared, number, effort, key)
    return reach, amount_of(prepared, beside, reach, effort.blocks)


@pytest.mark.parametrize("effort", EFFORTS.values(), ids=EFFORTS)
def test_an_example_of_the_same_kind_stands_for_about_one_real_one(prepared, effort):
    """Also where the two change places, so that it hardly matters which of them was luckier in its examples; fits of
    other kinds, or of other numbers of real examples, would make a factor of 6 and more.
    """
    real, more, wrong = prepared.problem.contributors
    rates = []
    for contributors in ((real, more, wrong), (more, real, wrong)):
        placed = prepared._replace(problem=prepared.problem._replace(contributors=contributors))
        reach, found = amount(placed, effort, 1)
        low, high = found.equivalent_interval
        assert low < reach.real + found.best < high
        assert low < found.equivalent_real < high
        assert found.censored == f"by the forecast beyond your {reach.real:,} real examples"
        assert found.interval[0] < found.gain < found.interval[1]
        rates.append(found.exchange_rate)
    assert 1 / 3 < np.sqrt(np.prod(rates)) < 3


def test_of_what_harms_nothing_is_taken(prepared):
    reach, found = amount(prepared, EFFORTS["inducing"], 2)
    assert (found.best, found.exchange_rate, found.marginal_rate) == (0, None, None)
    assert found.equivalent_real == pytest.approx(reach.real)
    assert found.censored is None
    assert found.weights == {"wrong": found.weight}
    assert found.weight < 0.2


def test_in_the_mixture_each_source_has_its_weight(prepared):
    effort, key = EFFORTS["inducing"], jax.random.key(0)
    reach = learning.reach_of(prepared, learning.curve_of(prepared, effort, key))
    found = together_of(prepared, fits.together(prepared, effort, key), reach, effort.blocks)
    assert found.amount.weight is None
    assert found.amount.weights["more"] > found.amount.weights["wrong"]
    assert found.amount.weighted_gain > 0
    for name, (low, high) in found.dropped_interval.items():
        assert low < found.dropped[name] < high
    assert found.mixture.sizes[-1] == 3 * SIZE
    assert found.mixture.real_share == pytest.approx(1 / 3)
