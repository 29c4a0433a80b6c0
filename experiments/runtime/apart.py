"""A benchmark whose cases are measured in a process each, so that the memory of one is not that of another."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from experiments.runtime import results, study
from experiments.runtime.study import Step, Study


class Benchmark(NamedTuple):
    """Cases and how they are measured.

    name: whose kinds of lines it writes, as Study.name. kind: of its lines.
    module: what `python -m` runs with --case=... to measure one case and print its line.
    about: case -> the fields that tell its line from others. table: lines -> Markdown.
    """

    name: str
    kind: str
    module: str
    about: Callable[[str], dict]
    table: Callable[[list[dict]], str]


def run(
    benchmark: Benchmark, config: dict, workdir: str | Path, cases: Sequence[str], arguments: dict, *, whole: bool
) -> str:
    """The table of the measured cases, each measured where workdir/results.jsonl does not hold it yet.

    config: as Study.config. arguments: flags of the process of one case. whole: whether these are all cases; then the
    run is finished with a report.
    """

    def make(case: str) -> list[dict]:
        return [measured(benchmark.module, {"case": case, **arguments})]

    def steps(lines: list[dict]) -> Iterator[Step]:
        for case in cases:
            yield Step([{"kind": benchmark.kind, **benchmark.about(case)}], partial(make, case))

    if whole:
        done = study.run(Study(benchmark.name, config, steps, partial(write, benchmark)), workdir)
        return done.read_text().rstrip("\n")
    lines = study.run_steps(benchmark.name, config, steps, workdir)
    return benchmark.table(results.select(lines, kind=benchmark.kind))


def write(benchmark: Benchmark, workdir: str | Path) -> Path:
    """Writes the table, workdir/report.md; its path."""
    lines = results.select(results.finished(workdir), kind=benchmark.kind)
    return study.write_page(workdir, benchmark.table(lines) + "\n")


def measured(module: str, arguments: dict[str, object]) -> dict:
    """The line that `python -m module --name=value ...` prints last; progress and errors go to the terminal.

    Ends this process if that one fails.
    """
    given = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    done = subprocess.run([sys.executable, "-m", module, *given], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: python -m {module} {' '.join(given)} failed, as said above")
    return json.loads(done.stdout.splitlines()[-1])
