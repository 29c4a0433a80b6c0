"""One run at a time in a workdir: a lock that names its process and dies with it."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from experiments.runtime.files import naming
from experiments.runtime.processes import is_main_process, raise_together

FILE = "lock"


@contextlib.contextmanager
def locked(workdir: str | Path) -> Iterator[None]:
    """Nobody else works in the folder, which is made, while the block runs. Of several processes the main one locks.

    Raises ValueError, before anything else is read or written, if another process that is alive does; the message
    names it. The operating system lets go of the lock (flock) when its process ends, however it ends.
    """
    file = raise_together(lambda: _lock(Path(workdir)) if is_main_process() else None)
    try:
        yield
    finally:
        if file is not None:
            Path(file.name).unlink(missing_ok=True)
            file.close()


def _lock(workdir: Path) -> TextIO:
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / FILE
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise ValueError(
                f"{workdir} is in use by {holder}: wait for its end, or choose another --workdir"
            ) from None
        except OSError as error:  # a file system that knows no locks
            print(f"{workdir} cannot be locked ({error}): take care that no second run uses it", flush=True)
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            break
        file.close()  # the one before removed the file between our opening and locking it: the next one is another file
    with naming(path):
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    return file
