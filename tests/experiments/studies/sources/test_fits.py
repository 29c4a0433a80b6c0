"""Which examples fits take, and which ridge: as the method itself would have it."""

import jax
import numpy as np
import pytest

from configs import sources
from experiments.data.own_files import schema_of
from experiments.data.own_rows import checked
from experiments.data.rows import from_columns
from experiments.studies.sources import fits, learning
from experiments.studies.sources.fits import Effort, taken_sizes
from experiments.tasks import own_tables
from experiments.tasks.own_data import part_of
from tests.experiments.studies.sources import files
from valuation.methods import METHODS
from valuation.problem import contributor_examples
from valuation.unions import layout

EFFORT = Effort(blocks=4, exact=4000, points=64, orders=2, ridge=0.0)


@pytest.fixture(scope="module")
def prepared():
    columns = files.columns("table")
    frames = {name: from_columns(name, some) for name, some in columns.items()}
    schema = schema_of(frames["real"])
    real, more, shuffled = (checked(frame, schema) for frame in frames.values())
    config = sources.get_config().table
    return own_tables.prepare(["real", "shuffled"], [real, shuffled], more, schema, config, jax.random.key(0))


def test_the_ridge_is_the_one_with_which_real_examples_foretell_each_other_best(prepared):
    """By the method itself, on the same parts of them; what validation says has no part in it."""
    real, *_ = prepared.problem.contributors
    key = jax.random.key(1)
    blocks = layout([120], [[30, 60, 90]], key=jax.random.fold_in(key, fits.ORDERS))
    worth = np.zeros(len(fits.RIDGES))
    for rows in blocks.rows:
        held = contributor_examples(prepared.problem, part_of(real, rows))
        others = part_of(real, np.setdiff1d(np.arange(120), rows))
        problem = prepared.problem._replace(contributors=(others,), validation=held, shared=None)
        worth += [METHODS["rbf_relative"](problem, ridge=ridge)[0] for ridge in fits.RIDGES]
    found = fits.tuned(prepared, EFFORT, key)
    assert found.ridge == fits.RIDGES[int(np.argmax(worth))]
    blind = prepared._replace(problem=prepared.problem._replace(validation=held))
    assert fits.tuned(blind, EFFORT, key) == found
    assert fits.tuned(prepared, EFFORT._replace(ridge=0.2), jax.random.key(1)).ridge == 0.2
    both = fits.beside_real(prepared, 1, found, jax.random.key(1))
    alone, _ = METHODS["rbf_relative"](prepared.problem, ridge=found.ridge)
    assert both.evaluate(fits.whole(both, 1)).utility("own") == pytest.approx(alone, abs=1e-4)


def test_of_too_many_examples_of_too_many_features_a_part_is_taken(prepared):
    assert taken_sizes(prepared, (0, 1), EFFORT) == (120, 120)
    assert taken_sizes(prepared, (0, 1), EFFORT._replace(exact=200)) == (120, 120)  # of few features all are
    assert taken_sizes(prepared, (0, 1), EFFORT._replace(exact=200, points=2)) == (100, 100)
    assert taken_sizes(prepared, (0,), EFFORT._replace(exact=200, points=2)) == (100,)  # as many as beside a source
    large = prepared.problem.contributors[0], part_of(prepared.problem.contributors[1], np.arange(20))
    few = prepared._replace(problem=prepared.problem._replace(contributors=large))
    assert taken_sizes(few, (0, 1), EFFORT._replace(exact=100, points=2)) == (80, 20)  # what sources leave


@pytest.mark.parametrize("effort", [EFFORT, EFFORT._replace(exact=100), EFFORT._replace(exact=150, points=2)])
def test_nothing_added_is_worth_nothing(prepared, effort):
    """The real examples alone do as well in every fit: on the curve, beside a source, beside all; exact, by inducing
    points, and on a part of them.
    """
    effort, key = effort._replace(ridge=0.1), jax.random.key(2)
    beside, every = fits.beside_real(prepared, 1, effort, key), fits.together(prepared, effort, key)
    curve = learning.curve_of(prepared, effort, key)
    for one in (beside, every):
        assert one.sizes[0] == curve.sizes[-1]
        own = one.evaluate(fits.whole(one, 1))
        assert prepared.offset + own.utility() == pytest.approx(curve.metric[-1], abs=1e-5)


def test_shares_are_as_many_of_every_set():
    assert fits.shares(800, EFFORT) == [25, 50, 100, 200, 400, 600, 800]
    assert len(fits.shares(64, EFFORT)) == len(fits.shares(80_000, EFFORT))
    assert fits.parts_of(10, EFFORT) == [3, 5, 8, 10]
