"""Runs every entry of a config's sweep: python -m experiments.sweep --config=configs/images.py --workdir=out/tables

Each entry has a folder of its own under workdir; finished ones are left alone, so an interrupted sweep goes on.
"""

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import ml_collections
from absl import app, flags

from configs.common import one_of
from experiments.run import begin, define_processes, execute
from experiments.runtime.processes import is_main_process


class Entry(NamedTuple):
    """One run of a sweep: the folder's name and its config."""

    name: str
    config: ml_collections.ConfigDict


def entries(path: str, sweep: str) -> list[Entry]:
    """What the function `sweep` of the config file adds: add(name, argument, {"dotted.key": value})."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    one_of("sweep", sweep, tuple(name for name in vars(module) if name.startswith("sweep")))
    found = []

    def add(name: str, argument: str, changes: dict | None = None) -> None:
        config = module.get_config(argument)
        config.update_from_flattened_dict(changes or {})
        found.append(Entry(name, config.lock()))

    getattr(module, sweep)(add)
    return found


def main(argv: list[str]) -> None:
    begin()
    try:
        todo = entries(flags.FLAGS.config, flags.FLAGS.sweep)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    for number, entry in enumerate(todo, start=1):
        if is_main_process():
            print(f"--- {number} of {len(todo)}: {entry.name}", flush=True)
        execute(entry.config, str(Path(flags.FLAGS.workdir) / entry.name), flags.FLAGS.data_dir)


if __name__ == "__main__":
    flags.DEFINE_string("config", None, "a config file, as configs/images.py", required=True)
    flags.DEFINE_string("sweep", "sweep", "which function of it, as sweep_ablation")
    flags.DEFINE_string("workdir", None, "folder in which every entry gets a folder", required=True)
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    define_processes()
    app.run(main)
