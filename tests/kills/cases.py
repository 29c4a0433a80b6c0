"""What is killed: the commands of every study, as small as they can be asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.experiments.studies.sources import files

RUN = "experiments.run"


Words = Callable[[Path], list[str]]


class Case(NamedTuple):
    """A study as a person starts it.

    words: what stands after `python -m`, for a folder of files that it may need; --workdir is added.
    study: whose kinds of lines it writes. processes: how many run the same line.
    before: what it reads there: the name of a folder, and the words of the run that is finished in it first.
    """

    words: Words
    study: str
    processes: int = 1
    before: tuple[tuple[str, Words], ...] = ()


def config(text: str, *more: str) -> Words:
    """A config of experiments.run."""
    return lambda folder: [RUN, f"--config=configs/{text}", *more]


def command(module: str, *more: str) -> Words:
    """A command of its own; {folder} stands for the folder of files."""
    return lambda folder: [f"experiments.{module}", *(word.format(folder=folder) for word in more)]


def sources(kind: str) -> Words:
    """Somebody's own files of that kind, written into the folder; with trainings, which are checkpointed."""

    def words(folder: Path) -> list[str]:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        paths = files.write(folder / kind, kind, files.columns(kind))
        real, others = paths.pop("real"), ",".join(map(str, paths.values()))
        check = [] if kind == "pairs" else ["--config.check=True", "--config.check_seeds=1"]
        return [RUN, "--config=configs/sources.py", f"--config.real={real}", f"--config.sources={others}", *check]

    return words


VALUED = config("images.py:tiny,seed=0,contributors=4,truth_seeds=1", "--config.methods=('surrogate','size','trak')")
PART = ("paper", "--scale=tiny", "--only=tables-mroz")
CASES = {
    "images": Case(config("images.py:tiny,draws=2"), "valuation"),
    "added": Case(config("images.py:tiny,truth=added,beside=20"), "valuation"),
    "sentiment": Case(config("sentiment.py:tiny"), "valuation"),
    "instructions": Case(config("instructions.py:tiny"), "valuation"),
    "reasoning": Case(config("reasoning.py:tiny"), "valuation"),
    "tables": Case(config("tables.py:tiny"), "valuation"),
    "effects": Case(config("effects.py:tiny"), "valuation"),
    "stability": Case(
        command("studies.valuation.stability", "--values={folder}/values", "--nomemory"),
        "stability",
        before=(("values", VALUED),),
    ),
    "score_ablation": Case(
        command("studies.valuation.score_ablation", "--values={folder}/values"),
        "score_ablation",
        before=(("values", VALUED),),
    ),
    "merge": Case(
        command(*PART, "--merge={folder}/part"), "valuation", before=(("part", command(*PART, "--part=1/1")),)
    ),
    "examples": Case(config("examples.py:tiny"), "examples"),
    "phases": Case(config("phases.py:tiny,repeats=1"), "phases"),
    "relabelling": Case(config("relabelling.py:tiny"), "relabelling"),
    "interaction": Case(config("interaction.py:tiny"), "interaction"),
    "mixing": Case(config("mixing.py:tiny,repeats=2"), "mixing"),
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
