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
import time
from pathlib import Path

from tests.kills.cases import CASES, EVERY, Case
from tests.kills.runs import Run, assert_nothing_redone, assert_same, in_report, lines_of, pages_of

TIMES = 4  # so often a folder is killed at most, then its run may end


def undisturbed(case: Case, folder: Path) -> tuple[Path, float, float]:
    """(workdir of a run that nothing stops, seconds until it had one, seconds of the rest)."""
    run = Run(case, folder, folder / "whole")
    run.wait(run.workdir.exists)
    begun = run.seconds
    return run.workdir, begun, run.finish() - begun


def killed(case: Case, folder: Path, kills: int, rng: random.Random) -> int:
    """Kills the case so often, each folder several times, every fourth time in the report; how many kills there were.

    A folder that has been killed TIMES times runs to its end, and is compared.
    """
    whole, start, rest = undisturbed(case, folder)
    print(f"  undisturbed: {start:.0f} s to begin, {rest:.0f} s of work; about "
          f"{kills * (start + rest / TIMES) + (kills / TIMES + 1) * (start + rest):.0f} s to come", flush=True)  # fmt: skip
    done = attempt = 0
    while done < kills:
        workdir, attempt = folder / f"killed-{attempt}", attempt + 1
        for _ in range(TIMES):
            run, before = Run(case, folder, workdir), lines_of(workdir)
            moment, last = start + rng.expovariate(TIMES / rest), done % TIMES == TIMES - 1
            ready = (lambda w=workdir: in_report(w)) if last else (lambda r=run, m=moment: r.seconds > m)
            if not run.wait(ready):
                break
            time.sleep(rng.uniform(0, rest / 50) if last else 0.0)
            run.kill(rng.randrange(case.processes))
            done += 1
            assert_nothing_redone(case, before, workdir)
            print(f"  kill {done} after {run.seconds:.1f} s: {sum(map(len, lines_of(workdir).values()))} lines"
                  f"{', in the report' if last else ''}", flush=True)  # fmt: skip
            if done == kills:
                break
        before = lines_of(workdir)
        Run(case, folder, workdir).finish()
        assert_nothing_redone(case, before, workdir)
        assert_same(workdir, whole)
    return done


def filled(case: Case, folder: Path, disks: int) -> None:
    """Runs the case on so many disks that are full at another place each, then makes room and runs it again."""
    whole, _, _ = undisturbed(case, folder)
    size = sum(map(len, pages_of(whole).values())) + sum(path.stat().st_size for path in whole.rglob("results.jsonl"))
    for number in range(disks):
        disk, kilobytes = folder / f"disk-{number}", 4 * max(1, round((number + 0.5) / disks * size / 4096))
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk], check=True)
        try:
            run = Run(case._replace(processes=1), folder, disk / "run")
            run.logs = [shutil.move(log, folder / f"disk-{number}.log") for log in run.logs]
            run.wait(lambda: False)
            (code,) = [process.wait() for process in run.processes]
            said = run.said().splitlines()
            errors = [line for line in said if line.startswith("error: ")]
            assert code == 1, f"{disk}: exit status {code}"
            assert len(errors) == 1, f"{disk}: {said[-30:]}"
            assert "Traceback" not in run.said(), run.said()[-3000:]
            print(f"  {kilobytes} kB: {errors[0][:150]}", flush=True)
            before = lines_of(run.workdir)
            subprocess.run(["mount", "-o", f"remount,size={2**20}k", disk], check=True)
            again = Run(case, folder, run.workdir)
            again.finish()
            assert_nothing_redone(case, before, run.workdir)
            assert_same(run.workdir, whole)
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
        if given.kills:
            killed(CASES[name], folder, given.kills, random.Random(f"{given.seed} {name}"))
        if given.disks:
            filled(CASES[name], folder, given.disks)
        shutil.rmtree(folder)
        print("  the same", flush=True)
    print(f"{len(names)} passed, 0 failed")


if __name__ == "__main__":
    main()
