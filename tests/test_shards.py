"""Features that went through a folder give the same scores; folders of other runs and broken ones are refused."""

import jax
import numpy as np
import pytest

from experiments.shards import HEADER, Chunks, fingerprint, load, write
from models.mlp import mlp
from tests.problems import CLASSES, data
from valuation import logra
from valuation.factors import shapes
from valuation.outputs import log_likelihood
from valuation.projection import sides, widths

RUN = {"method": "logra", "rank": 4}


def arrays():
    draw = np.random.default_rng(0)
    return [draw.normal(size=(rows, 6)).astype(np.float32) for rows in (5, 5, 2)]


def test_scores_from_disk_need_no_model(tmp_path):
    model = mlp((5, 6, CLASSES), jax.random.key(0))
    state = sides(shapes(model.params), jax.random.key(1), rank=4)
    run = RUN | {"model": fingerprint(model.params)}
    write(tmp_path, run, logra.projected(model, log_likelihood, data(50, 0), state, memory=100_000))
    query = np.concatenate(list(logra.projected(model, log_likelihood, data(3, 1), state)))
    direct = logra.scores(list(logra.projected(model, log_likelihood, data(50, 0), state)), query, widths(state))
    chunks = Chunks(load(tmp_path, run))
    assert len(chunks.shards.rows) > 1
    np.testing.assert_allclose(logra.scores(chunks, query, widths(state)), direct, rtol=1e-4, atol=1e-4)


def test_a_finished_folder_is_kept_and_an_interrupted_one_written_anew(tmp_path):
    def interrupted():
        yield arrays()[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, RUN, interrupted())
    with pytest.raises(ValueError, match="no finished features"):
        load(tmp_path, RUN)
    write(tmp_path, RUN, arrays())
    kept = write(tmp_path, RUN, (None for _ in range(3)))  # would fail if a chunk were asked for
    np.testing.assert_array_equal(np.concatenate(list(Chunks(kept))), np.concatenate(arrays()))


def test_another_run_is_refused(tmp_path):
    write(tmp_path, RUN, arrays())
    with pytest.raises(ValueError, match=r"another run \(they differ in rank\)"):
        load(tmp_path, RUN | {"rank": 8})
    with pytest.raises(ValueError, match="differ in key, rank"):
        write(tmp_path, {"method": "logra", "key": 1}, arrays())


def test_broken_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="a chunk of 5 columns after 6"):
        write(tmp_path / "ragged", RUN, [arrays()[0], arrays()[0][:, :5]])
    write(tmp_path, RUN, arrays())
    np.save(tmp_path / "features-00001.npy", arrays()[2])
    with pytest.raises(ValueError, match=r"features-00001.npy should hold \(5, 6\) numbers, found \(2, 6\)"):
        load(tmp_path, RUN)
    (tmp_path / "features-00001.npy").unlink()
    with pytest.raises(ValueError, match="found None"):
        load(tmp_path, RUN)
    assert (tmp_path / HEADER).exists()


def test_the_fingerprint_sees_values_places_and_shapes():
    one = {"a": np.arange(6.0), "b": np.ones(2)}
    others = [one | {"a": np.arange(6.0) + 1e-9}, {"a": one["a"], "c": one["b"]}, one | {"a": one["a"].reshape(2, 3)}]
    assert len({fingerprint(tree) for tree in [one, *others]}) == 4
