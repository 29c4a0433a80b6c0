"""Every table and figure of the pages by one command: python -m experiments.paper --scale=small --workdir=out/paper

Says what each study costs, runs those that are not finished in workdir/<study>, one after another, keeps their lines
in experiments/gallery and rebuilds all tables and figures from these. Killed anywhere, it goes on where it was.

    --only=sentiment,mixing     only these studies; those that need an accelerator are done only where they are named
    --scale=tiny                a trial of every command on made-up data, in workdir/tiny; the pages stay as they are
    --recorded                  valuations begin with the gallery's lines: only what these lack is done
    --pages                     nothing is run: tables and figures are rebuilt from the recorded lines
    --check                     nothing is written: fails if a page shows what its lines do not give
    --part=3/8 --workdir=DIR3   on the third of eight machines: its share of studies and draws
    --merge=DIR1,DIR2,...       then, on one of them: puts these together in the workdir, and goes on there
"""

import subprocess
import sys
from pathlib import Path

from absl import flags

from configs.common import one_of
from experiments.paper import figures, pages
from experiments.paper.entry import Entry
from experiments.paper.record import ENTRIES, GALLERY, elsewhere, recorded, seconds
from experiments.paper.restore import restore
from experiments.paper.shares import Unit, dealt, units
from experiments.reporting.markdown import table
from experiments.runtime import files, launch, results
from experiments.runtime.merge import merge

SCALES = ("small", "tiny")


def main(argv: list[str]) -> None:
    given = flags.FLAGS
    refuse_what_contradicts(given)
    if given.check:
        if wrong := [*pages.stale(recorded), *figures.stale(recorded, GALLERY, pages.shown())]:
            raise ValueError("\n".join([*wrong, "rebuild them by: python -m experiments.paper --pages"]))
        print("every table and figure is what its lines give")
        return
    if not given.pages:
        if not given.workdir:
            raise ValueError("--workdir is missing: expected a folder in which every study gets a folder")
        chosen, workdir = selected(given.only, given.scale), home(given.workdir, given.scale)
        if given.part:
            number, of = part_of(given.part)
            mine = dealt(units(chosen, seconds, given.scale), of)[number - 1]
            print(priced(mine), flush=True)
            for unit in mine:
                call(unit, str(workdir), given.scale, given.data_dir)
            return
        if given.merge:
            put_together(chosen, [home(folder.strip(), given.scale) for folder in given.merge], workdir)
        if given.recorded:
            read = {name for entry in chosen for name in entry.after}
            restored = [one.name for one in ENTRIES if (one in chosen or one.name in read) and restore(one, workdir)]
            print(f"begun with recorded lines: {', '.join(restored) or 'none'}", flush=True)
        refuse_what_is_missing(chosen, workdir)
        print(priced([Unit(entry, (), seconds(entry)) for entry in chosen]), flush=True)
        for entry in chosen:
            call(Unit(entry, (), None), str(workdir), given.scale, given.data_dir)
            if given.scale == "small":
                kept = workdir / entry.name / results.FILE
                files.write_text(GALLERY / f"{entry.name}.jsonl", kept.read_text())
    if given.scale == "small":
        for path in [*pages.write(recorded), *figures.write(recorded, GALLERY)]:
            print(f"rebuilt {path}")


def refuse_what_contradicts(given) -> None:
    """Raises ValueError for flags of which one leaves the other without a meaning."""
    asked = [name for name in ("check", "pages", "part", "merge") if given[name].value]
    if len(asked) > 1:
        raise ValueError(f"--{asked[0]} and --{asked[1]} are asked for: expected one of them")
    if given.recorded and given.scale == "tiny":
        raise ValueError("--recorded with --scale=tiny: no trial is recorded")
    if asked and asked[0] in ("check", "pages") and given.scale == "tiny":
        raise ValueError(f"--{asked[0]} with --scale=tiny: a trial has no pages, they are made of the recorded lines")


def refuse_what_is_missing(chosen: list[Entry], workdir: Path) -> None:
    """Raises ValueError for a study that reads the run of another, which is neither chosen nor in the workdir."""
    names = [entry.name for entry in chosen]
    for entry in chosen:
        for name in entry.after:
            if name not in names and not (workdir / name / results.FILE).is_file():
                raise ValueError(f"{entry.name} reads the run of {name}, which is not in {workdir}: add it, "
                                 f"--only={','.join([name, *names])}")  # fmt: skip


def selected(names: list[str], scale: str) -> list[Entry]:
    """The studies of these names, in their order of running; none: all that need no accelerator, of a trial all.

    Raises ValueError for an unknown name.
    """
    known = [entry.name for entry in ENTRIES]
    for name in names:
        one_of("--only", name, known)
    if names:
        return [entry for entry in ENTRIES if entry.name in names]
    return [entry for entry in ENTRIES if scale == "tiny" or not entry.accelerator]


def part_of(text: str) -> tuple[int, int]:
    """(3, 8) of "3/8". Raises ValueError for anything else."""
    number, slash, of = text.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise ValueError(f"--part={text}: expected NUMBER/OF, such as 3/8, from 1/8 to 8/8")
    return int(number), int(of)


def priced(shares: list[Unit]) -> str:
    """The table that is printed beforehand: what will be done, and what it took when it was recorded."""
    rows = [[unit.title, unit.entry.about, took(unit)] for unit in shares]
    total = sum(unit.seconds or 0 for unit in shares)
    unknown = sum(unit.seconds is None for unit in shares)
    more = f", and {unknown} of which that is not known" if unknown else ""
    return table(["study", "question", "took"], rows) + f"\n\nIn all about {total / 3600:.1f} h on two cores{more}."


def took(unit: Unit) -> str:
    """The time of a unit in words."""
    if unit.seconds is not None:
        return f"{unit.seconds / 60:.0f} min"
    device = elsewhere(unit.entry)
    return f"recorded on {device}" if device else "not recorded"


def call(unit: Unit, workdir: str, scale: str, data_dir: str | None) -> None:
    """Runs one command as a process of its own. Raises ValueError if it fails; what it says stands above."""
    arguments = unit.entry.command(workdir, scale)
    if unit.draws:
        arguments.append(f"--only_draws={','.join(map(str, unit.draws))}")
    if data_dir and unit.entry.data:
        arguments.append(f"--data_dir={data_dir}")
    print(f"--- python -m {' '.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", *arguments])
    if done.returncode:
        raise ValueError(f"{unit.title} ended with {done.returncode}: mend it, the same command goes on from there")


def home(folder: str, scale: str) -> Path:
    """Where the folders of all studies lie: a trial has one of its own, so that it is in nobody's way."""
    return Path(folder) / scale if scale == "tiny" else Path(folder)


def put_together(chosen: list[Entry], folders: list[Path], workdir: Path) -> None:
    """Merges the parts of every study that lies in some of the folders; folders of a whole run count too.

    Raises ValueError, before anything is merged, for a folder that holds no part of these studies.
    """
    for folder in folders:
        if not any((folder / entry.name).is_dir() for entry in chosen):
            known = ", ".join(entry.name for entry in chosen[:3])
            raise ValueError(f"--merge: {folder} holds no study of {known}, ...: expected the workdir of a part")
    for entry in chosen:
        parts = [path for folder in folders if (path := folder / entry.name).is_dir()]
        if parts:
            merge(entry.study, parts, workdir / entry.name)


if __name__ == "__main__":
    flags.DEFINE_enum("scale", "small", SCALES, "of all studies")
    flags.DEFINE_string("workdir", None, "folder in which every study gets a folder")
    flags.DEFINE_list("only", [], "names of studies; default: all")
    flags.DEFINE_string("part", "", "such as 3/8: the share of the third of eight machines")
    flags.DEFINE_list("merge", [], "workdirs of parts")
    flags.DEFINE_bool("recorded", False, "begin with the recorded lines of the gallery")
    flags.DEFINE_bool("pages", False, "run nothing, rebuild tables and figures from recorded lines")
    flags.DEFINE_bool("check", False, "write nothing, fail if a page differs from its lines")
    flags.DEFINE_string("data_dir", None, "folder of archives and prepared data")
    launch.run(main)
