"""What is killed: the commands of every study, as small as they can be asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.experiments.studies.sources import files

RUN = "experiments.run"


class Case(NamedTuple):
    """A study as a person starts it.

    words: what stands after `python -m`, for a folder of files that it may need; --workdir is added.
    study: whose kinds of lines it writes. processes: how many run the same line.
    """

    words: Callable[[Path], list[str]]
    study: str
    processes: int = 1


def config(text: str, *more: str) -> Callable[[Path], list[str]]:
    """A config of experiments.run."""
    return lambda folder: [RUN, f"--config=configs/{text}", *more]


def command(module: str, *more: str) -> Callable[[Path], list[str]]:
    """A command of its own."""
    return lambda folder: [f"experiments.{module}", *more]


def sources(kind: str) -> Callable[[Path], list[str]]:
    """Somebody's own files of that kind, written into the folder; with trainings, which are checkpointed."""

    def words(folder: Path) -> list[str]:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        paths = files.write(folder / kind, kind, files.columns(kind))
        real, others = paths.pop("real"), ",".join(map(str, paths.values()))
        check = [] if kind == "pairs" else ["--config.check=True", "--config.check_seeds=1"]
        return [RUN, "--config=configs/sources.py", f"--config.real={real}", f"--config.sources={others}", *check]

    return words


CASES = {
    "images": Case(config("images.py:tiny,draws=2"), "valuation"),
    "added": Case(config("images.py:tiny,truth=added,beside=20"), "valuation"),
    "sentiment": Case(config("sentiment.py:tiny"), "valuation"),
    "instructions": Case(config("instructions.py:tiny"), "valuation"),
    "reasoning": Case(config("reasoning.py:tiny"), "valuation"),
    "phases": Case(config("phases.py:tiny,repeats=1"), "phases"),
    "mixing": Case(config("mixing.py:tiny,repeats=1"), "mixing"),
    "language": Case(config("language.py:tiny"), "language"),
    "drafts": Case(command("synthetic.generate", "--config=configs/language.py:tiny"), "drafts"),
    "bound": Case(command("studies.bound.study", "--draws=4"), "bound"),
    "coverage": Case(command("studies.phases.coverage", "--draws=2"), "coverage"),
    "discrepancy": Case(
        command("benchmarks.discrepancy", "--rows=500", "--others=200", "--features=20"), "discrepancy"
    ),
    "text": Case(sources("text"), "sources"),
    "table": Case(sources("table"), "sources"),
    "pairs": Case(sources("pairs"), "sources"),
    "two": Case(config("images.py:tiny"), "valuation", processes=2),
    "small": Case(config("images.py:small"), "valuation"),  # make run: only where it is named
}
EVERY = tuple(name for name in CASES if name != "small")
