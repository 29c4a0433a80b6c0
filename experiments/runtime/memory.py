"""How much memory this machine has left, and how much this process has taken."""

import contextlib
import os
import resource
import sys
from pathlib import Path

MEMINFO, STATUS, GROUP = Path("/proc/meminfo"), Path("/proc/self/status"), Path("/sys/fs/cgroup")
RESET = Path("/proc/self/clear_refs")


def available_bytes() -> int:
    """Bytes that new arrays may take before the machine swaps or a container ends the process; 0: not known.

    The least of what Linux says is available and what the container's limit leaves; elsewhere half of the machine's
    memory, since nothing tells how much is in use.
    """
    known = [count for count in (_of_machine(), _of_container()) if count is not None]
    return max(min(known, default=0), 0)


def peak_bytes() -> int:
    """Largest resident memory of this process so far, or since `forget_peak`; pages of mapped files among it."""
    if (peak := _kilobytes(STATUS, "VmHWM")) is not None:  # getrusage counts the process that started this one too
        return 1024 * peak
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_peak() -> None:
    """Makes peak_bytes() begin anew at what is resident now, where Linux lets a process do so; elsewhere nothing."""
    with contextlib.suppress(OSError):
        RESET.write_text("5")


def _kilobytes(path: Path, name: str) -> int | None:
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)


def _of_machine() -> int | None:
    if (free := _kilobytes(MEMINFO, "MemAvailable")) is not None:
        return 1024 * free
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return None


def _of_container() -> int | None:
    """What a limit of control groups, version 2, leaves; pages of files that could be dropped count as free."""
    try:
        limit = (GROUP / "memory.max").read_text().strip()
        used = int((GROUP / "memory.current").read_text())
        kept = dict(line.split() for line in (GROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) - used + int(kept.get("inactive_file", 0))
