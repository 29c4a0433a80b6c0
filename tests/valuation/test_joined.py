"""Rows of mapped files against the same rows in memory."""

import jax
import numpy as np

from models.mlp import mlp
from tests.problems import data
from valuation.joined import Joined, is_mapped, joined
from valuation.methods import METHODS
from valuation.problem import from_arrays


def stored(folder, name, array):
    np.save(folder / f"{name}.npy", array)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


def test_rows_are_those_of_the_concatenation(tmp_path):
    draw = np.random.default_rng(0)
    parts = [draw.normal(size=(count, 2, 3)).astype(np.float32) for count in (4, 1, 6)]
    rows, whole = joined(stored(tmp_path, "a", parts[0]), *parts[1:]), np.concatenate(parts)
    assert isinstance(rows, Joined)
    assert (len(rows), rows.shape, rows.dtype) == (11, whole.shape, whole.dtype)
    for index in (slice(None), slice(2, 9, 3), np.array([10, 0, 4, 4, 5, -1]), whole[:, 0, 0] > 0, np.array([], int)):
        np.testing.assert_array_equal(rows[index], whole[index])
    np.testing.assert_array_equal(np.asarray(rows), whole)
    assert isinstance(joined(*parts), np.ndarray)


def test_sets_of_mapped_files_stay_there_and_have_the_same_values(tmp_path):
    sets, held_out = {"first": data(40, 0), "second": data(20, 1)}, data(30, 2)
    mapped = {name: one._replace(inputs=stored(tmp_path, name, one.inputs)) for name, one in sets.items()}
    problems = [
        from_arrays(chosen, held_out, build=lambda key: mlp((5, 8, 3), key), key=jax.random.key(0), initialisations=1)
        for chosen in (sets, mapped)
    ]
    assert all(map(is_mapped, problems[1].pool.inputs.parts))
    for name in ("rbf_utility", "mmd_only", "knn_utility"):
        np.testing.assert_array_equal(*[METHODS[name](problem) for problem in problems])
