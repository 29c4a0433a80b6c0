"""Runs a config: python -m experiments.run --config=configs/images.py:small --workdir=out/images

A finished workdir is left as it is; an interrupted one goes on where it stopped. Every key of the config can be set:
--config.training.steps=3. Many hosts: the same line on each, with --distributed (SLURM, TPU pods) or
--coordinator=HOST:PORT --processes=N --process=I. Process 0 writes the workdir.
"""

import contextlib
import importlib
from collections.abc import Collection
from types import ModuleType

import ml_collections
from absl import flags

from configs.common import one_of
from experiments.runtime import launch, memory, mesh
from experiments.runtime.processes import from_main_process, is_main_process
from valuation.workers import use_workers

# config.experiment -> the module whose run(config, workdir, data_dir) does the work; its complete(config), if there is
# one, fills in what the config leaves open
EXPERIMENTS = {
    "valuation": "experiments.studies.valuation.study",
    "phases": "experiments.studies.phases.study",
    "language": "experiments.studies.language.study",
    "sources": "experiments.studies.sources.study",
    "mixing": "experiments.studies.mixing.study",
    "examples": "experiments.studies.examples.study",
    "relabelling": "experiments.studies.relabelling.study",
    "interaction": "experiments.studies.interaction.study",
}


def experiment(config: ml_collections.ConfigDict) -> ModuleType:
    """The module that runs a config. Raises ValueError for a config.experiment that there is not."""
    return importlib.import_module(EXPERIMENTS[one_of("config.experiment", config.experiment, tuple(EXPERIMENTS))])


def complete(config: ml_collections.ConfigDict) -> None:
    """Fills in, in place, what the config leaves to its experiment."""
    fill = getattr(experiment(config), "complete", None)
    if fill:
        fill(config)


def execute(config: ml_collections.ConfigDict, workdir: str, data_dir: str | None, draws: Collection[int] = ()) -> None:
    """Runs a config in a workdir, on all devices. Raises what launch.run says in one line.

    data_dir: folder of archives and prepared data; None for the default. draws: only these of a valuation's, without
    summary and report; none: the whole run.
    """
    module = experiment(config)
    if draws and not hasattr(module, "run_draws"):
        raise ValueError(f"--only_draws is for a valuation, config.experiment is {config.experiment}")
    quiet = contextlib.nullcontext() if is_main_process() else contextlib.redirect_stdout(None)
    budget = config.get("memory", 0)
    free = config.get("available", 0) or int(from_main_process(lambda: str(memory.available_bytes())))
    workers = use_workers(mesh.of_values(mesh.devices()), progress=mesh.progress, memory=budget, available=free)
    with quiet, workers:
        if draws:
            module.run_draws(config, workdir, data_dir, draws)
        else:
            module.run(config, workdir, data_dir)


def main(argv: list[str]) -> None:
    launch.begin()
    draws = tuple(map(int, flags.FLAGS.only_draws))
    execute(flags.FLAGS.config, flags.FLAGS.workdir, flags.FLAGS.data_dir, draws)


if __name__ == "__main__":
    flags.DEFINE_string("config", None, "what to run, as configs/images.py:small,draws=5", required=True)
    flags.DEFINE_string("workdir", None, "folder of results, figures and checkpoints", required=True)
    flags.DEFINE_string(
        "data_dir", None, "folder of archives and prepared data; default ~/.cache/real_synthetic_mixtures"
    )
    flags.DEFINE_list(
        "only_draws", [], "numbers of draws of a valuation: only these, to be merged by experiments.paper --merge"
    )
    launch.define_processes()
    launch.run(main, reader=lambda text, overrides: launch.read_config(text, overrides, complete))
