"""Which examples fits take, and which ridge: as the method itself would have it."""

import jax
import numpy as np
import pytest

from configs import sources
from experiments.data.own_files import schema_of
from experiments.data.own_rows import checked
from experiments.data.rows import from_columns
from experiments.studies.sources import fits
from experiments.studies.sources.fits import Effort, taken_sizes
from experiments.tasks import own_tables
from tests.experiments.studies.sources import files
from valuation.methods import METHODS

EFFORT = Effort(blocks=4, exact=4000, points=64, orders=2, ridge=0.0)


@pytest.fixture(scope="module")
def prepared():
    columns = files.columns("table")
    frames = {name: from_columns(name, some) for name, some in columns.items()}
    schema = schema_of(frames["real"])
    real, more, shuffled = (checked(frame, schema) for frame in frames.values())
    config = sources.get_config().table
    return own_tables.prepare(["real", "shuffled"], [real, shuffled], more, schema, config, jax.random.key(0))


def test_the_ridge_is_the_one_with_which_the_method_values_the_real_examples_most(prepared):
    real = prepared.problem._replace(contributors=prepared.problem.contributors[:1])
    worth = [METHODS["rbf_relative"](real, ridge=ridge)[0] for ridge in fits.RIDGES]
    found = fits.tuned(prepared, EFFORT, jax.random.key(1))
    assert found.ridge == fits.RIDGES[int(np.argmax(worth))]
    assert fits.tuned(prepared, EFFORT._replace(ridge=0.2), jax.random.key(1)).ridge == 0.2
    both = fits.beside_real(prepared, 1, found, jax.random.key(1))
    (alone,) = METHODS["rbf_relative"](real, ridge=found.ridge)
    assert both.evaluate(fits.whole(both, 1)).utility("own") == pytest.approx(alone, abs=1e-4)


def test_of_too_many_examples_of_too_many_features_a_part_is_taken(prepared):
    assert taken_sizes(prepared, (0, 1), EFFORT) == (120, 120)
    assert taken_sizes(prepared, (0, 1), EFFORT._replace(exact=200)) == (120, 120)  # of few features all are
    assert taken_sizes(prepared, (0, 1), EFFORT._replace(exact=200, points=2)) == (100, 100)
    assert taken_sizes(prepared, (0,), EFFORT._replace(exact=90, points=2)) == (90,)


def test_shares_are_as_many_of_every_set():
    assert fits.shares(800, EFFORT) == [25, 50, 100, 200, 400, 600, 800]
    assert len(fits.shares(64, EFFORT)) == len(fits.shares(80_000, EFFORT))
    assert fits.equal(10, EFFORT) == [3, 5, 8, 10]
