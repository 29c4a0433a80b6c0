"""Workdirs made anew from the recorded lines of the gallery, so that what is recorded is not done again."""

import importlib
from pathlib import Path

from experiments import run
from experiments.paper.entry import Entry
from experiments.paper.record import recorded
from experiments.runtime import files, results
from experiments.runtime.results import LAST, select


def restore(entry: Entry, workdir: Path) -> bool:
    """Makes workdir/<name> of the recorded lines of a valuation; whether it did.

    It does where there is no such folder, lines are recorded, and the config that the entry's command gives today, with
    the methods that are recorded, is the one that these lines are stamped with: then the command joins what it asks for
    beyond to them, and checks that it makes the same contributors.
    """
    lines, folder = recorded(entry.name), workdir / entry.name
    if folder.exists() or entry.study != "valuation" or not select(lines, kind=LAST):
        return False
    config = config_of(entry, {line["method"] for line in select(lines, kind="values")})
    if config is None or results.stamp(config)["config"] != select(lines, kind=LAST)[-1]["config"]:
        return False
    path = results.start(folder, config)
    files.write_text(path, "".join(results.text_of(line) + "\n" for line in lines))
    return True


def config_of(entry: Entry, methods: set[str]) -> dict | None:
    """The config of a valuation's command with these of its methods alone; None for one that sets another key."""
    _, *arguments, _ = entry.command("", "small")
    given = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    if not {*given} <= {"config", "config.methods"}:
        return None
    path, _, options = given["config"].partition(":")
    config = importlib.import_module(path.removesuffix(".py").replace("/", ".")).get_config(options)
    if "config.methods" in given:
        config.methods = tuple(given["config.methods"].split(","))
    run.complete(config)
    config.methods = tuple(name for name in config.methods if name in methods)
    return config.to_dict()
