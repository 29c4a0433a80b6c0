"""Writes report.md and figures of a finished run again: python -m experiments.report --workdir=out/images"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from absl import app, flags

from experiments.studies.language.report import write as write_language
from experiments.studies.phases.report import write as write_phases
from experiments.studies.valuation.report import write as write_valuation

WRITERS = {"valuation": write_valuation, "phases": write_phases, "language": write_language}


def writer(workdir: str | Path) -> Callable:
    """The `write` of the experiment whose config the workdir holds."""
    config = json.loads((Path(workdir) / "config.json").read_text())
    return WRITERS[config["experiment"]]


def main(argv: list[str]) -> None:
    try:
        print(writer(flags.FLAGS.workdir)(flags.FLAGS.workdir))
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    flags.DEFINE_string("workdir", None, "folder of a finished run", required=True)
    app.run(main)
