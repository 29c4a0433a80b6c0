"""The one skeleton of a run: start or refuse a workdir, skip what is recorded, record, summarise, report.

A run is finished when its last line ("run") and its report are there. Killed anywhere before, it goes on where it was
when it is called again, and ends with the same files. A finished run that is asked for more stays as it is until the
first new line has been made: what fails before, or is killed, takes nothing away.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from experiments.runtime import files, results
from experiments.runtime.kinds import EARLIER, STUDIES, Kind
from experiments.runtime.kinds.kind import STAMP
from experiments.runtime.lock import locked
from experiments.runtime.processes import is_main_process
from experiments.runtime.results import LAST, Extends

PAGE = "report.md"


class Step(NamedTuple):
    """Lines that are made and recorded together.

    lines: for each of them (or for some, the last among them) the kind and the fields of its identity
        (experiments/runtime/kinds). The step is done if all these lines are recorded.
    make: () -> the lines, those of them that are not recorded yet.
    remake: fields of lines that `make` makes anew if the step is not done: what a killed run left of them is dropped.
    scratch: folder of what `make` can go on from, which is removed once the lines are recorded.
    """

    lines: list[dict]
    make: Callable[[], list[dict]]
    remake: tuple[dict, ...] = ()
    scratch: Path | None = None


Steps = Callable[[list[dict]], Iterator[Step]]


class Study(NamedTuple):
    """What a run does.

    name: whose kinds of lines it writes, a key of kinds.STUDIES.
    config: what its numbers depend on; a workdir that holds a run of another config is refused, unless this one
        extends it.
    steps: lines that are recorded -> Steps, one after another. The list is the run's own and grows with every step: a
        study can look there whether a step is worth preparing, and later steps read earlier lines.
    write: workdir -> path of the report, which it writes from workdir/results.jsonl, its page last. Of several
        processes the main one writes.
    summaries: lines -> the derived lines, which say together what the others say. None are in `lines`.
    notes: () -> facts about the data for the report, asked for after the last step.
    extends: (old config, new config, lines) -> whether a run of the old one that has these lines may go on with the new
        one, since it asks for more of the same; None: never.
    asked: kind and identity of lines without which no run is finished, as those of a kind that came later: a finished
        workdir that lacks one goes on.
    """

    name: str
    config: dict
    steps: Steps
    write: Callable[[Path], Path]
    summaries: Callable[[list[dict]], list[dict]] = lambda lines: []
    notes: Callable[[], dict] = dict
    extends: Extends | None = None
    asked: tuple[dict, ...] = ()


def run(study: Study, workdir: str | Path) -> Path:
    """Does what is not yet in workdir/results.jsonl, and writes the report if it is not there; its path.

    A finished run is left as it is. Raises ValueError if another process works in the workdir, if that holds another
    config's run, or if a line of it cannot be read; and what the steps raise.
    """
    begun, workdir = time.perf_counter(), Path(workdir)
    with locked(workdir):
        record = _opened(study.name, study.config, workdir, study.extends)
        page, lines = workdir / PAGE, record.lines
        if results.holds(workdir, study.config) and _named([{"kind": LAST}, *study.asked]) <= _named(lines):
            if not page.exists():
                study.write(workdir)
            print(f"{workdir} is finished: nothing is computed again. Its report: {page}")
            return page
        earlier = sum(line["seconds"] for line in lines if line["kind"] in (LAST, EARLIER))
        _do_steps(study.steps, record)
        anew = {LAST, *(name for name, kind in record.kinds.items() if kind.derived)}
        measured = [line for line in lines if line["kind"] not in anew]
        derived, notes = study.summaries(measured), study.notes()
        seconds = earlier + time.perf_counter() - begun
        last = {"kind": LAST, "seconds": seconds, "peak_megabytes": results.peak_megabytes(), "notes": notes}
        _reopen(record)
        _add(record, [*derived, last], _keep(record, measured))
        study.write(workdir)
        print(f"done in {seconds:.0f} s: {page}")
        return page


def run_steps(name: str, config: dict, steps: Steps, workdir: str | Path) -> list[dict]:
    """All lines after the steps are recorded, and nothing else: no summaries, no last line, no report.

    For a study of which only some steps are asked for, and for lines that something else is made of. The arguments
    are those of Study; raises as `run` does.
    """
    with locked(workdir):
        record = _opened(name, config, workdir)
        _do_steps(steps, record)
        return record.lines


def write_page(workdir: str | Path, text: str) -> Path:
    """Writes the page of a report and returns its path; the last thing that Study.write does."""
    files.write_text(Path(workdir) / PAGE, text)
    return Path(workdir) / PAGE


class _Record(NamedTuple):
    """A results file, the run's config, the lines, what is added to every new one, and the kinds that it may hold."""

    path: Path
    config: dict
    lines: list[dict]
    stamp: dict
    kinds: dict[str, Kind]


def _opened(name: str, config: dict, workdir: str | Path, extends: Extends | None = None) -> _Record:
    path = results.start(workdir, config, extends)
    return _Record(path, config, results.read(path), results.stamp(config), STUDIES[name])


def _do_steps(steps: Steps, record: _Record) -> None:
    there = _named(record.lines)
    for step in steps(record.lines):
        if not _named(step.lines) <= there:
            kept = record.lines
            for where in step.remake:
                kept = results.without(kept, **where)
            fewer = _keep(record, kept)
            new = step.make()
            _reopen(record)
            _add(record, new, fewer)
            there = _named(record.lines)
        if step.scratch is not None:  # of every process, each may have a disk of its own
            shutil.rmtree(step.scratch, ignore_errors=True)


def _named(lines: list[dict]) -> set[str]:
    return {results.text_of(results.names(line)) for line in lines}


def _reopen(record: _Record) -> None:
    """Says, before a run of more than is recorded changes anything, that it is not finished, and what it asks for."""
    if is_main_process():
        (record.path.parent / PAGE).unlink(missing_ok=True)
    if results.select(record.lines, kind=LAST):
        record.lines[:] = [line | {"kind": EARLIER} if line["kind"] == LAST else line for line in record.lines]
        results.replace(record.path, record.lines)
    if not results.holds(record.path.parent, record.config):
        results.adopt(record.path.parent, record.config)


def _keep(record: _Record, lines: list[dict]) -> bool:
    """Leaves only these in the run's list, not yet in its file; whether they are fewer."""
    fewer = len(lines) < len(record.lines)
    record.lines[:] = lines
    return fewer


def _add(record: _Record, new: list[dict], fewer: bool) -> None:
    """Records lines. fewer: whether the file holds some that the run's list has no more: they go at once with that."""
    new = [json.loads(results.text_of(line | record.stamp)) for line in new]
    for line in new:
        check_described(line, record.kinds)
    record.lines.extend(new)
    if fewer:
        results.replace(record.path, record.lines)
    else:
        results.append(record.path, new)


def check_described(line: dict, kinds: dict[str, Kind]) -> None:
    """Raises ValueError if the kind of the line, or one of its fields, is not among those described.

    line: of a study that writes these kinds, with its stamp.
    """
    if line["kind"] not in kinds:
        raise ValueError(f"kind {line['kind']!r} is described nowhere, expected one of {', '.join(kinds)}: "
                         "experiments/runtime/kinds")  # fmt: skip
    if unknown := line.keys() - kinds[line["kind"]].fields.keys() - STAMP.keys():
        raise ValueError(
            f"fields {', '.join(sorted(unknown))} of a line of kind {line['kind']!r} are described nowhere: add them "
            "in experiments/runtime/kinds"
        )
