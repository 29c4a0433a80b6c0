"""How every command starts: its flags are read and checked, its config is loaded, what goes wrong is one line.

    if __name__ == "__main__":
        flags.DEFINE_string("workdir", None, "folder of results", required=True)
        launch.run(main)

Nothing is computed, and no folder is made, before all of it is right. --verbosity=1 shows where an error came from.
"""

import importlib.util
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_collections
from absl import app, flags, logging

from configs.common import one_of
from experiments.runtime import mesh
from experiments.runtime.overrides import leaves, override, separated
from experiments.runtime.processes import FAILURES

# flags of folders -> whether the command makes that folder and writes into it; otherwise it must be there
FOLDERS = {
    "workdir": True,
    "data_dir": True,
    "output": True,
    "values": False,
    "truth": False,
    "run": False,
    "peers": False,
}
HUB = "huggingface:"  # begins the name of a data set where a config may give a folder instead
SEEDS = 2**32  # a key is made of 32 bits
LARGEST = 10**18  # whole numbers below this fit into 64 bits


def run(main: Callable[[list[str]], None], reader: Callable | None = None) -> None:
    """Runs a command's `main` with its flags checked; ends the process with one line for what goes wrong.

    reader: of a command that takes overrides of a config's keys: (text of --config, overrides) -> the config, which
        `flags.FLAGS.config` then is, as `read_config` below. None: --config, if there is such a flag, stays a text.
    """

    def command(argv: list[str]) -> None:
        if not logging.level_debug():
            logging.set_verbosity(logging.WARNING)
        _in_one_line(lambda: main(argv))

    app.run(command, flags_parser=lambda argv: _in_one_line(lambda: _parsed(argv, reader)))


def define_required(name: str, meaning: str) -> None:
    """A flag of a string that must be given."""
    flags.DEFINE_string(name, None, meaning, required=True)


def define_processes() -> None:
    """Defines the flags that `begin` reads."""
    flags.DEFINE_bool("distributed", False, "one of several processes that a cluster started: SLURM, a TPU pod, ...")
    flags.DEFINE_string("coordinator", None, "host:port of process 0, where no cluster says so")
    flags.DEFINE_integer("processes", None, "how many processes run this line", lower_bound=1)
    flags.DEFINE_integer("process", None, "which of them this is, from 0 on", lower_bound=0)


def begin() -> None:
    """Makes all cores and, if flags say so, all processes of this run into devices; before anything else of JAX.

    Raises ValueError for processes that do not find each other.
    """
    mesh.use_all_cores()
    given = {name: flags.FLAGS[name].value for name in ("coordinator", "processes", "process")}
    if flags.FLAGS.distributed or any(value is not None for value in given.values()):
        mesh.start(**given)


def folder(name: str, text: str, *, made: bool) -> str:
    """The path of a folder as a flag or a config gives it, with `~` expanded and blanks around it left out.

    name: how messages name it, as "--workdir". made: whether the command makes it and writes into it; otherwise it
    must be there. Raises ValueError for an empty text, a file, a folder that is missing, or one that may not be read
    or written. Makes nothing.
    """
    if not text.strip():
        raise ValueError(f"{name} is empty: expected a folder")
    try:
        path = Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{name}={text}: {error}") from None
    there = next(place for place in (path, *path.parents) if place.exists())
    if not there.is_dir():
        raise ValueError(f"{name}={path}: {there} is a file, expected a folder")
    if not made and there != path:
        raise ValueError(f"{name}={path}: there is no such folder")
    if not os.access(there, (os.W_OK if made else os.R_OK) | os.X_OK):
        raise ValueError(f"{name}={path}: no permission to {'write' if made else 'read'} in {there}")
    return str(path)


def config_module(path: str) -> ModuleType:
    """The module of a config file. Raises ValueError, with the nearest name in its folder, if there is none."""
    file = Path(path.strip()).expanduser()
    if not path.strip():
        raise ValueError("--config is empty: expected a config file, as configs/images.py:small")
    if not file.is_file():
        one_of("file of --config", str(file), tuple(sorted(map(str, file.parent.glob("[!_]*.py")))))
        raise ValueError(f"--config={path}: expected a file")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"--config={path}: expected a Python file, as configs/images.py:small")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # it is a program
        raise ValueError(f"--config={path} cannot be loaded: {type(error).__name__}: {error}") from error
    if not hasattr(module, "get_config"):
        raise ValueError(f"--config={path} has no function get_config: expected a config, as configs/images.py:small")
    return module


def load(text: str) -> ml_collections.ConfigDict:
    """The config that --config names: configs/images.py:small,draws=5. Raises ValueError that repeats that text."""
    path, _, argument = text.partition(":")
    module = config_module(path)
    try:
        return module.get_config(argument)
    except ValueError as error:
        raise ValueError(f"--config={text}: {error}") from error


def read_config(
    text: str, overrides: list[tuple[str, str]], complete: Callable | None = None
) -> ml_collections.ConfigDict:
    """The config that --config names, completed, with the overrides, checked and locked.

    complete: fills in what a config leaves to its experiment, in place, before the overrides.
    """
    config = load(text)
    if complete:
        complete(config)
    override(config, overrides)
    return checked(config)


def checked(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
    """The config, locked, with its folders expanded. Raises ValueError for a folder that is not there, a seed that has
    more than 32 bits, and numbers that are negative, not finite or whole and too large to compute with."""
    for key, value in list(leaves(config)):
        group, _, name = key.rpartition(".")
        last = SEEDS - (config.get("draws", 1) if key == "seed" else 1)
        if name == "seed" and not 0 <= value <= last:
            raise ValueError(f"config.{key} = {value}, expected a seed from 0 to {last}")
        if not all(map(_computable, value if isinstance(value, (tuple, list)) else (value,))):
            raise ValueError(f"config.{key} = {value}, expected numbers from 0 on, finite, of at most 18 digits")
        if (name == "folder" or group == "folders") and value.strip() and not value.startswith(HUB):
            override(config, [(key, folder(f"config.{key}", value, made=False))])
    return config.lock()


def _computable(value: Any) -> bool:
    """Whether it is no number, or one from 0 on that arrays hold."""
    if isinstance(value, float):
        return 0 <= value < math.inf
    return not isinstance(value, int) or 0 <= value < LARGEST


def in_words(error: Exception) -> str:
    """What an error says, on one line, with "\ufffd" for characters that would steer the terminal that shows it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(error).split()))


def _parsed(argv: list[str], reader: Callable | None) -> list[str]:
    values = flags.FLAGS
    argv = values.read_flags_from_files(argv, force_gnu=False)
    overrides: list[tuple[str, str]] = []
    if reader:
        overrides, argv = separated(argv)
    try:
        rest = values(argv)
    except flags.IllegalFlagValueError as error:
        missing = re.match(r"flag --(\w+)=None: Flag .* must have a value", str(error))
        if missing:
            raise ValueError(f"--{missing[1]} is missing: {values[missing[1]].help}") from None
        raise
    if len(rest) > 1:
        raise ValueError(f"unexpected argument {rest[1]!r}: options begin with --")
    for name, made in FOLDERS.items():
        if name in values and (given := getattr(values, name)) is not None:
            values[name].value = folder(f"--{name}", given, made=made)
    if "seed" in values and not 0 <= values.seed < SEEDS:
        raise ValueError(f"--seed={values.seed}, expected 0 to {SEEDS - 1}")
    if reader:
        values["config"].value = reader(values["config"].value, overrides)
    return rest


def _in_one_line(function: Callable):
    try:
        return function()
    except (*FAILURES, flags.Error) as error:
        if logging.level_debug():
            raise
        sys.exit(f"error: {in_words(error)}")
