"""Runs a config: python -m experiments.run --config=configs/images.py:small --workdir=out/images

A finished workdir is left as it is; an interrupted one goes on where it stopped. Many hosts: the same line on each,
with --distributed (SLURM, TPU pods) or --coordinator=HOST:PORT --processes=N --process=I. Process 0 writes the workdir.
"""

import contextlib
import importlib
import sys

from absl import app, flags, logging
from ml_collections import config_flags

from experiments.runtime import mesh
from experiments.runtime.processes import is_main_process
from valuation.workers import use_workers

# config.experiment -> the module whose run(config, workdir, data_dir) does the work
EXPERIMENTS = {
    "valuation": "experiments.studies.valuation.study",
    "phases": "experiments.studies.phases.study",
    "language": "experiments.studies.language.study",
}


def execute(config, workdir: str, data_dir: str | None) -> None:
    """Runs a config in a workdir; what went wrong is said in one line (--verbosity=1 shows where)."""
    quiet = contextlib.nullcontext() if is_main_process() else contextlib.redirect_stdout(None)
    try:
        workers = use_workers(mesh.of_values(mesh.devices()), progress=mesh.progress, memory=config.get("memory", 0))
        with quiet, workers:
            importlib.import_module(EXPERIMENTS[config.experiment]).run(config, workdir, data_dir)
    except (ValueError, OSError, FloatingPointError) as error:
        if logging.level_debug():
            raise
        sys.exit(f"error: {error}")


def begin() -> None:
    """Makes all cores and, if flags say so, all processes of this run into devices."""
    mesh.use_all_cores()
    given = {name: flags.FLAGS[name].value for name in ("coordinator", "processes", "process")}
    if flags.FLAGS.distributed or any(value is not None for value in given.values()):
        try:
            mesh.start(**given)
        except ValueError as error:
            sys.exit(f"error: {error}")


def define_processes() -> None:
    """The flags that `begin` reads."""
    flags.DEFINE_bool("distributed", False, "one of several processes that a cluster started: SLURM, a TPU pod, ...")
    flags.DEFINE_string("coordinator", None, "host:port of process 0, where no cluster says so")
    flags.DEFINE_integer("processes", None, "how many processes run this line", lower_bound=1)
    flags.DEFINE_integer("process", None, "which of them this is, from 0 on", lower_bound=0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}; options begin with --")
    if not logging.level_debug():
        logging.set_verbosity(logging.WARNING)
    begin()
    execute(flags.FLAGS.config, flags.FLAGS.workdir, flags.FLAGS.data_dir)


if __name__ == "__main__":
    config_flags.DEFINE_config_file("config", None, "what to run, as configs/images.py:small,draws=5")
    flags.DEFINE_string("workdir", None, "folder of results, figures and checkpoints")
    flags.DEFINE_string(
        "data_dir", None, "folder of archives and prepared data; default ~/.cache/real_synthetic_mixtures"
    )
    define_processes()
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
