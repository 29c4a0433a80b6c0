"""Runs every entry of a config's sweep: python -m experiments.sweep --config=configs/images.py --workdir=out/tables

Each entry has a folder of its own under workdir; finished ones are left alone, so an interrupted sweep goes on.
"""

from pathlib import Path
from typing import NamedTuple

import ml_collections
from absl import flags

from configs.common import one_of
from experiments.run import complete, execute
from experiments.runtime import launch
from experiments.runtime.processes import is_main_process


class Entry(NamedTuple):
    """One run of a sweep: the folder's name and its config."""

    name: str
    config: ml_collections.ConfigDict


def entries(path: str, sweep: str) -> list[Entry]:
    """What the function `sweep` of the config file adds: add(name, argument, {"dotted.key": value}).

    Raises ValueError for a file or a function that is not there, for a key that a config lacks, and for a config that
    cannot run.
    """
    module = launch.config_module(path)
    one_of("sweep", sweep, tuple(name for name in vars(module) if name.startswith("sweep")))
    made = []

    def add(name: str, argument: str, changes: dict | None = None) -> None:
        config = module.get_config(argument)
        complete(config)
        try:
            config.lock().update_from_flattened_dict(changes or {})
        except (KeyError, TypeError) as error:
            raise ValueError(f"entry {name} of {sweep}: {error}") from error
        made.append(Entry(name, launch.checked(config)))

    getattr(module, sweep)(add)
    return made


def main(argv: list[str]) -> None:
    launch.begin()
    todo = entries(flags.FLAGS.config, flags.FLAGS.sweep)
    for number, entry in enumerate(todo, start=1):
        if is_main_process():
            print(f"--- {number} of {len(todo)}: {entry.name}", flush=True)
        execute(entry.config, str(Path(flags.FLAGS.workdir) / entry.name), flags.FLAGS.data_dir)


if __name__ == "__main__":
    flags.DEFINE_string("config", None, "a config file, as configs/images.py", required=True)
    flags.DEFINE_string("sweep", "sweep", "which function of it, as sweep_ablation")
    flags.DEFINE_string("workdir", None, "folder in which every entry gets a folder", required=True)
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.define_processes()
    launch.run(main)
