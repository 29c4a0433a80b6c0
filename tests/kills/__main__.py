"""Kills runs at random moments, also in their report, and lets the disk be full; what a rerun leaves must be the same.

    python -m tests.kills                           every study, 20 kills and 10 full disks each: hours (make kills)
    python -m tests.kills --cases=images,two --kills=3 --disks=0
    python -m tests.kills --cases=small --kills=5   the main job: half an hour

A folder is killed several times before it may end. Full disks are a tmpfs, which takes root.
"""

import argparse
import random
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.kills.cases import CASES, EVERY, Case
from tests.kills.runs import Run, assert_nothing_redone, assert_same, lines_of, pages_of, size_of

TIMES = 4  # so often a folder is killed, the last time in the report; then its run may end


class Whole(NamedTuple):
    """A run that nothing stops: its folder; seconds until it had one, of the rest, and of its report, in the rest."""

    workdir: Path
    start: float
    rest: float
    report: float


def undisturbed(case: Case, folder: Path) -> Whole:
    """Such a run, after those that it reads."""
    for name, words in case.before:
        Run(Case(words, case.study), folder, folder / name).finish()
    run = Run(case, folder, folder / "whole")
    run.wait(run.at_work)
    begun = run.seconds
    run.wait(run.in_report)
    recorded = run.seconds
    ended = run.finish()
    return Whole(run.workdir, begun, ended - begun, ended - recorded)


def killed(case: Case, folder: Path, whole: Whole, kills: int, rng: random.Random) -> None:
    """Kills the case so often, at random moments of its work, and compares every folder at its end.

    In a folder all but the last come within half the seconds that a whole run works; the last one is in the report.
    Some runs end before they are killed: then their folder has fewer.
    """
    done, folders = 0, 0
    while done < kills:
        workdir, turns = folder / "killed" / str(folders), min(TIMES, kills - done)
        workdir.parent.mkdir(exist_ok=True)
        folders += 1
        for turn in range(1, turns + 1):
            before, last = lines_of(workdir), turn == TIMES
            run = Run(case, folder, workdir)
            there = run.wait(run.at_work) and (not last or run.wait(run.in_report))
            moment = run.seconds + rng.uniform(0, whole.report if last else whole.rest / 2)
            if not (there and run.wait(partial(run.beyond, moment))):
                run.finish()
                break
            run.kill(rng.randrange(case.processes))
            assert_nothing_redone(case, before, workdir)
            done, lines = done + 1, sum(map(len, lines_of(workdir).values()))
            print(f"  kill {done} after {run.seconds:.1f} s, {lines} lines{' and in the report' * last}", flush=True)
        before = lines_of(workdir)
        Run(case, folder, workdir).finish()
        assert_nothing_redone(case, before, workdir)
        assert_same(case, workdir, whole.workdir)


def filled(case: Case, folder: Path, whole: Whole, disks: int) -> None:
    """Runs the case on so many disks that are full at another place each, then makes room and runs it again."""
    size = size_of(whole.workdir) + sum(map(len, pages_of(whole.workdir).values()))
    for number in range(disks):
        disk, kilobytes = folder / f"disk-{number}", 4 * max(1, round((number + 0.5) / disks * size / 4096))
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], check=True)
        try:
            run = Run(case, folder, disk / "run")
            run.wait(lambda: False)
            codes = {process.wait() for process in run.processes}
            errors = [line for line in run.said().splitlines() if line.startswith("error: ")]
            assert codes == {1}, f"{disk}: exit status {codes}: {run.said()[-3000:]}"
            assert len(errors) == case.processes, f"{disk}: {run.said()[-3000:]}"
            assert "Traceback" not in run.said(), f"{disk}: {run.said()[-3000:]}"
            print(f"  {kilobytes} kB: {errors[0][:150]}", flush=True)
            before = lines_of(run.workdir)
            subprocess.run(["mount", "-o", f"remount,size={2**20}k", disk], check=True)
            again = Run(case, folder, run.workdir)
            again.finish()
            assert_nothing_redone(case, before, run.workdir)
            assert_same(case, run.workdir, whole.workdir)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--cases", default=",".join(EVERY), help=f"of {', '.join(CASES)}")
    parser.add_argument("--kills", type=int, default=20, help="of each case")
    parser.add_argument("--disks", type=int, default=0, help="that are full, of each case; takes root")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    names = given.cases.split(",")
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix=f"kills-{name}-"))
        print(f"{name}: {folder}", flush=True)
        whole = undisturbed(CASES[name], folder)
        once = whole.start + whole.rest
        price = given.kills * (whole.start + (whole.start + once) / TIMES) + given.disks * (whole.start + once)
        print(f"  undisturbed {once:.0f} s; about {price:.0f} s to come", flush=True)
        killed(CASES[name], folder, whole, given.kills, random.Random(f"{given.seed} {name}"))
        filled(CASES[name], folder, whole, given.disks)
        shutil.rmtree(folder)
        print("  the same", flush=True)
    print(f"{len(names)} passed, 0 failed")


if __name__ == "__main__":
    main()
