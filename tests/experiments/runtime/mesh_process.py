"""One of the processes of test_mesh.py, a module run with HOST:PORT PROCESSES PROCESS FOLDER"""

import os
import sys
from pathlib import Path

import jax
import numpy as np

from experiments.runtime import mesh
from experiments.runtime.processes import (
    from_main_process,
    is_main_process,
    one_at_a_time,
    raise_together,
    true_everywhere,
)
from experiments.training import checkpoints, loop
from valuation.workers import current, use_workers


def interrupted(training, *, everywhere: bool = False) -> None:
    """The training, checkpointed every few steps, until the second process fails, or both do."""
    check = loop.check_losses
    loop.CHUNK, checkpoints.SECONDS_BETWEEN = 4, 0.0

    def failing(losses, names, done):
        if done == 8 and (everywhere or not is_main_process()):
            raise FloatingPointError("interrupted")
        check(losses, names, done)

    loop.check_losses, said = failing, "nothing"
    try:
        training()
    except (FloatingPointError, ValueError) as error:
        said = str(error)
    assert "interrupted" in said
    loop.check_losses = check


def main(coordinator: str, processes: str, process: str, folder: str) -> None:
    mesh.use_all_cores()
    mesh.start(coordinator=coordinator, processes=int(processes), process=int(process))
    assert jax.process_count() == int(processes)
    from tests.experiments.runtime.mesh_numbers import (  # they make arrays, and so start the devices
        all_numbers,
        cut_trainings,
        trainings,
    )

    with use_workers(mesh.of_values(mesh.devices())):
        assert current().processes == int(processes)
    interrupted(lambda: trainings(mesh.devices(), Path(folder) / "checkpoints"))
    interrupted(lambda: cut_trainings(mesh.devices(), Path(folder) / "cut"), everywhere=True)
    # after step 8 came the failure, or the end, of 12 steps
    for path, kept in ((f"checkpoints/process-{process}-of-{processes}", ["8.npz"]), ("cut/0", ["8.npz"])):
        assert os.listdir(Path(folder) / path) == kept
    found = all_numbers(mesh.devices(), Path(folder))
    (only,) = trainings(mesh.devices(), sets=(30,))  # fewer models than processes
    assert from_main_process(lambda: "äb" * 50) == "äb" * 50
    assert not true_everywhere(is_main_process())
    with one_at_a_time(), (Path(folder) / "order").open("a") as file:
        file.write(process)
    try:
        raise_together(lambda: None if is_main_process() else Path("/nowhere/at all").read_text())
        said = "nothing"
    except (ValueError, OSError) as error:
        said = str(error)
    (Path(folder) / f"said-{process}").write_text(said)
    if is_main_process():
        np.savez(Path(folder) / "found.npz", *found, *jax.tree.leaves(only))


if __name__ == "__main__":
    main(*sys.argv[1:])
