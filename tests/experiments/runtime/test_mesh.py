"""Values, trainings and steps on eight simulated devices and in two real processes, against one device."""

import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.runtime import mesh
from experiments.training.recipe import begin, step
from tests.experiments.runtime import mesh_numbers
from valuation.kernel import outputs
from valuation.stream import self_products
from valuation.workers import Workers, current, gather, map_chunks, use_workers

ROOT = Path(__file__).parents[3]
ONE = jax.sharding.Mesh(np.array(jax.devices()[:1]), (mesh.AXIS,))
EIGHT = mesh.devices()
PATIENCE = 400  # seconds for two processes, which start, compile and compute on whatever is left of this machine


def close(found, expected):
    found, expected = jax.tree.leaves(found), jax.tree.leaves(expected)
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(np.abs(b).max(), 1))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """All numbers on one device."""
    return mesh_numbers.all_numbers(ONE, tmp_path_factory.mktemp("alone"))


def test_values_on_eight_devices_are_those_on_one():
    names = (*mesh_numbers.CHOSEN, "ntk_utility")
    close(mesh_numbers.values(EIGHT, names), mesh_numbers.values(None, names))


def test_products_on_eight_devices_are_those_on_one():
    close(mesh_numbers.products(EIGHT), mesh_numbers.products(None))


@pytest.mark.parametrize("shard", [mesh.replicated, lambda tree, over: mesh.sharded(tree, over, large=128)])
def test_a_step_on_eight_devices_is_that_on_one(shard):
    close(mesh_numbers.one_step(EIGHT, shard), mesh_numbers.one_step(ONE, mesh.replicated))


def test_a_step_on_one_device_is_step_itself():
    recipe, tokens = mesh_numbers.decoder_recipe(), mesh_numbers.TOKENS[:16]
    state = begin(recipe, jax.random.key_data(jax.random.key(0)))
    state, loss = jax.jit(partial(step, recipe))(state, mesh_numbers.Examples(tokens, tokens), recipe.frozen)
    close(mesh_numbers.one_step(ONE, mesh.replicated), (state[:2], loss))


def test_large_parameters_are_cut_and_give_the_same_outputs():
    decoder = mesh_numbers.decoder()
    shardings = mesh.sharded(decoder.params, EIGHT, large=128)
    placed = mesh.place(decoder.params, shardings)
    for leaf in jax.tree.leaves(placed):
        here = leaf.addressable_shards[0].data
        assert here.size == (leaf.size if leaf.size < 128 else leaf.size // 8)
        if leaf.size >= 128:
            assert here.shape[np.argmax(leaf.shape)] == max(leaf.shape) // 8
    model = decoder._replace(params=placed)
    close(outputs(model, mesh_numbers.TOKENS), outputs(decoder, mesh_numbers.TOKENS))
    close(mesh_numbers.products(EIGHT, placed), mesh_numbers.products(None))


def test_an_axis_that_the_devices_do_not_divide_is_not_cut():
    table = {"odd": jax.ShapeDtypeStruct((9, 7), np.float32), "second": jax.ShapeDtypeStruct((90, 16), np.float32)}
    found = mesh.sharded(table, EIGHT, large=1)
    assert found["odd"].is_fully_replicated
    assert found["second"].shard_shape((90, 16)) == (90, 2)


def test_spread_is_a_loop():
    """Results keep their order on however many devices, which all have a share."""
    seen = []

    def step(shift, x):
        seen.append(x.devices())
        return x * 2 + shift

    with use_workers(EIGHT):
        assert current().threads == 8
        found = list(map_chunks(step, (np.float32(1),), lambda i: (np.arange(3.0, dtype=np.float32) + i,), 11))
    np.testing.assert_array_equal(found, 2 * (np.arange(11)[:, None] + np.arange(3)) + 1)
    assert len(set().union(*seen)) == 8
    assert current().devices == ()


def test_progress_counts_every_example():
    bars = []

    def progress(total):
        bars.append([total, 0])

        def done(count):
            bars[-1][1] += count

        return done

    with use_workers(progress=progress):
        tokens = mesh_numbers.Examples(mesh_numbers.TOKENS, mesh_numbers.TOKENS)
        self_products(mesh_numbers.decoder(), mesh_numbers.log_likelihood, tokens, memory=2_000_000)
    assert bars == [[21, 21]]


def test_gather_alone_is_the_tree_itself():
    assert gather({"a": 1}) == [{"a": 1}]
    assert isinstance(current(), Workers)


def test_two_processes_agree_with_one(alone, tmp_path):
    """They find each other on a free port; process 0 alone writes; an error in one stops both, and says which."""
    done = in_processes(["tests.experiments.runtime.mesh_process", address(), "2", "{}", str(tmp_path)])
    assert done == [0, 0]
    with np.load(tmp_path / "found.npz") as file:
        found = [file[f"arr_{i}"] for i in range(len(file.files))]
    close(found[: len(alone)], alone)
    close(found[len(alone) :], mesh_numbers.trainings(ONE, sets=(30,)))
    assert not (tmp_path / "checkpoints").exists()
    assert (tmp_path / "order").read_text() == "01"
    assert "process 1 stopped: FileNotFoundError" in (tmp_path / "said-0").read_text()
    assert "No such file" in (tmp_path / "said-1").read_text()


def in_processes(arguments: list[str], count: int = 2) -> list[int]:
    """Return codes of python -m arguments, "{}" replaced by the number; what they said is shown if one fails."""
    started = [
        subprocess.Popen([sys.executable, "-m", *(part.replace("{}", str(i)) for part in arguments)], cwd=ROOT,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for i in range(count)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=PATIENCE)[0] for process in started]
    except subprocess.TimeoutExpired:
        for process in started:
            process.kill()
        said = [process.communicate()[0] for process in started]
        pytest.fail("no end after {} s:\n{}".format(PATIENCE, "\n---\n".join(text[-3000:] for text in said)))
    codes = [process.returncode for process in started]
    assert codes == [0] * count, "\n---\n".join(text[-3000:] for text in said)
    return codes


def address() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"coordinator": "a:1"}, "--processes, --process not given"),
        ({"processes": 2, "process": 0}, "--coordinator not given"),
        ({"coordinator": "a:1", "processes": 2, "process": 2}, "--process=2 of --processes=2, expected 0 to 1"),
        ({"coordinator": "host", "processes": 2, "process": 0}, "expected host:port"),
    ],
)
def test_half_a_cluster_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        mesh.start(**given)
