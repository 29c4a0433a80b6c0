"""Writing workdir/report.md of a finished run, from its lines alone."""

from collections.abc import Callable
from pathlib import Path

from experiments.runtime import results
from experiments.runtime.processes import is_main_process
from experiments.runtime.study import PAGE, write_page


def write_report(workdir: str | Path, sections: Callable[[list[dict], Path], list[str]], *, last: str = "run") -> Path:
    """The path of workdir/report.md, written anew from workdir/results.jsonl; of several processes the first writes.

    sections: (lines, workdir) -> the report's sections in Markdown; it draws the figures too.
    last: the kind of line that a finished run ends with. Raises ValueError if the run is not finished.
    """
    if is_main_process():
        lines = results.finished(workdir, last)
        write_page(workdir, "\n\n".join(sections(lines, Path(workdir))) + "\n")
    return Path(workdir) / PAGE
