"""Writes report.md and figures of a finished run again: python -m experiments.report --workdir=out/images"""

import json
from collections.abc import Callable
from pathlib import Path

from absl import flags

from configs.common import one_of
from experiments.runtime import launch
from experiments.studies.examples.report import write as write_examples
from experiments.studies.interaction.report import write as write_interaction
from experiments.studies.language.report import write as write_language
from experiments.studies.mixing.report import write as write_mixing
from experiments.studies.phases.report import write as write_phases
from experiments.studies.relabelling.report import write as write_relabelling
from experiments.studies.sources.study import write as write_sources
from experiments.studies.valuation.report import write as write_valuation

WRITERS = {
    "valuation": write_valuation,
    "phases": write_phases,
    "language": write_language,
    "mixing": write_mixing,
    "examples": write_examples,
    "relabelling": write_relabelling,
    "interaction": write_interaction,
    "sources": write_sources,
}


def writer(workdir: str | Path) -> Callable[[str | Path], Path]:
    """The `write` of the experiment whose config the workdir holds: (workdir) -> path of its report.

    Raises ValueError for a folder without the config of a run, and for that of an experiment that has no report.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise ValueError(f"--workdir={workdir} has no config.json: expected the folder of a run")
    try:
        experiment = str(json.loads(path.read_text())["experiment"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is no config of an experiment ({type(error).__name__}: {error})") from None
    return WRITERS[one_of(f"experiment in {path}", experiment, tuple(WRITERS))]


def main(argv: list[str]) -> None:
    workdir = flags.FLAGS.workdir
    try:
        print(writer(workdir)(workdir))
    except KeyError as error:
        raise ValueError(f"{workdir} was written by another version of this code: {error} is missing there") from error


if __name__ == "__main__":
    flags.DEFINE_string("workdir", None, "folder of a finished run", required=True)
    launch.run(main)
