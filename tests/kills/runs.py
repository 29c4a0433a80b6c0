"""One run: started, killed at a moment, looked at; two runs compared by what they leave."""

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments import report
from experiments.benchmarks import discrepancy
from experiments.runtime import lock, results
from experiments.runtime.kinds import STUDIES
from experiments.studies.bound import study as bound
from experiments.studies.phases import coverage
from experiments.studies.valuation import score_ablation, stability_report
from tests.kills.cases import Case

ROOT = Path(__file__).parents[2]
WRITERS = report.WRITERS | {
    "bound": bound.write,
    "coverage": coverage.write,
    "discrepancy": discrepancy.write,
    "score_ablation": score_ablation.write,
    "stability": stability_report.write,
}
LOOK = 0.02  # seconds between two looks at a run
OWN = {"seconds", "megabytes", "commit"}  # words in the names of fields that a run does not share with another
BY_TIME = ("equal seconds",)  # kinds of lines that seconds decide
LEFT = ("checkpoints", "lock")  # what a killed run may leave beside its results
ENVIRONMENT = {  # as in tests/conftest.py: most of a tiny run is compilation
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".jax_cache"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
}

os.environ |= ENVIRONMENT | os.environ  # pages are drawn here again: curves of laws differ by rounding otherwise


class Run:
    """The processes of a case, at work in a folder. files: a folder of files that it may need, and of what it says."""

    def __init__(self, case: Case, files: Path, workdir: Path):
        words = [*case.words(files), f"--workdir={workdir}"]
        if case.processes > 1:
            words += [f"--coordinator=localhost:{_free_port()}", f"--processes={case.processes}"]
        self.workdir, self.begun, self.clock = workdir, time.monotonic(), time.time()
        self.logs = [files / f"{workdir.parent.name}-{workdir.name}.{i}.log" for i in range(case.processes)]
        self.processes = []
        for i, log in enumerate(self.logs):
            one = [*words, f"--process={i}"] if case.processes > 1 else words
            with log.open("w") as file:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *one],
                        cwd=ROOT,
                        env=ENVIRONMENT | os.environ,
                        stdout=file,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.begun

    def beyond(self, seconds: float) -> bool:
        """Whether it was started more than that long ago."""
        return self.seconds > seconds

    def at_work(self) -> bool:
        """Whether it, and not an earlier run, has taken a folder in or below its own."""
        with contextlib.suppress(FileNotFoundError):  # a lock goes with its run
            return any(path.stat().st_mtime >= self.clock for path in self.workdir.rglob(lock.FILE))
        return False

    def in_report(self) -> bool:
        """Whether the last line is there: what is still done is the report."""
        last = json.dumps({"kind": results.LAST})[:-1].encode()
        return any(last in path.read_bytes() for path in self.workdir.rglob(results.FILE))

    def ended(self) -> bool:
        """Whether all its processes have."""
        return all(process.poll() is not None for process in self.processes)

    def wait(self, until: Callable[[], bool]) -> bool:
        """Whether that became true before the run ended."""
        while not self.ended():
            if until():
                return True
            time.sleep(LOOK)
        return False

    def kill(self, first: int) -> None:
        """SIGKILL for one of the processes and all that it started; the others live half a second longer."""
        order = [self.processes[first], *self.processes[:first], *self.processes[first + 1 :]]
        for number, process in enumerate(order):
            time.sleep(0.5 * (number == 1))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def said(self) -> str:
        """All that the processes have written, the first one's last."""
        return "\n".join(log.read_text(errors="replace") for log in reversed(self.logs))

    def finish(self) -> float:
        """Waits for its end; the seconds that it took. Raises AssertionError with its last words if it failed."""
        self.wait(lambda: False)
        codes = [process.wait() for process in self.processes]
        assert not any(codes), f"{self.workdir}: exit status {codes}: {self.said()[-2000:]}"
        return self.seconds


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def lines_of(workdir: Path) -> dict[str, list[dict]]:
    """The whole lines of every results.jsonl in and below a folder, by its path there."""
    found = {}
    for path in sorted(workdir.rglob("results.jsonl")):
        whole = path.read_bytes().rpartition(b"\n")[0]
        found[str(path.relative_to(workdir))] = [json.loads(line) for line in whole.splitlines()]
    return found


def size_of(workdir: Path) -> int:
    """Bytes of all its lines; 0 while there is no such folder."""
    return sum(path.stat().st_size for path in workdir.rglob("results.jsonl"))


def untimed(value: Any) -> Any:
    """Lines, or what is in them, without what no two runs share."""
    if isinstance(value, dict):
        return {name: untimed(one) for name, one in value.items() if OWN.isdisjoint(name.split("_"))}
    return [untimed(one) for one in value] if isinstance(value, list) else value


def undecided(lines: list[dict]) -> list[dict]:
    """The lines that no time has decided."""
    return [line for line in lines if line["kind"] not in BY_TIME]


def pages_of(workdir: Path) -> dict[str, bytes]:
    """Every other file that a run leaves."""
    paths = (path for path in sorted(workdir.rglob("*")) if path.is_file() and path.name != "results.jsonl")
    found = {str(path.relative_to(workdir)): path.read_bytes() for path in paths}
    return {name: content for name, content in found.items() if name.partition("/")[0] not in LEFT}


def assert_nothing_redone(case: Case, before: dict[str, list[dict]], workdir: Path) -> None:
    """Every line that was there when a run was killed is there still, with its seconds, unless it sums up others."""
    after = lines_of(workdir)
    kinds = STUDIES[case.study]
    for name, lines in before.items():
        gone = [line for line in lines if line not in after[name] and not kinds[line["kind"]].derived]
        gone = [line for line in gone if line["kind"] != results.LAST]
        assert not gone, f"{workdir}: {len(gone)} lines were made anew, such as {gone[0]}"


def assert_same(case: Case, workdir: Path, whole: Path) -> None:
    """Both hold the same lines, times apart, and the pages that these lines make, byte for byte."""
    mine, others = ({name: undecided(lines) for name, lines in lines_of(run).items()} for run in (workdir, whole))
    assert untimed(mine) == untimed(others), f"{workdir} has other lines than {whole}"
    assert pages_of(workdir).keys() == pages_of(whole).keys(), f"{workdir} has other files than {whole}"
    if case.study in WRITERS:
        copy = workdir.parent / "drawn" / whole.name / workdir.name
        for place in (Path(name).parent for name in lines_of(workdir)):
            (copy / place).mkdir(parents=True)
            for name in ("config.json", "results.jsonl"):
                shutil.copy(workdir / place / name, copy / place / name)
            with contextlib.redirect_stdout(io.StringIO()):
                WRITERS[case.study](copy / place)
        other, drawn = pages_of(workdir), pages_of(copy)
        wrong = [name for name in other if other[name] != drawn.get(name)]
        assert not wrong, f"{workdir}: {wrong} are not what its lines say, which {copy} is"
    else:  # their pages hold no time
        wrong = [name for name, content in pages_of(workdir).items() if pages_of(whole)[name] != content]
        assert not wrong, f"{workdir}: {wrong} differ from those of {whole}"
