import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.runtime.lock import locked

HOLD = """
import sys
from experiments.runtime.lock import locked
with locked(sys.argv[1]):
    print("holds it", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_while_the_first_lives_and_only_then(tmp_path):
    """Also when the first is killed: the operating system lets go of its lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "holds it\n"
        words = rf"run is in use by process {first.pid} on {os.uname().nodename}: wait for its end, or choose another"
        with pytest.raises(ValueError, match=words), locked(tmp_path / "run"):
            pytest.fail("two at once")
        first.send_signal(signal.SIGKILL)
        first.wait()
    with locked(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / "run" / "lock").read_text()
    assert list((tmp_path / "run").iterdir()) == []


def test_after_an_error_the_folder_is_free(tmp_path):
    with pytest.raises(KeyboardInterrupt), locked(tmp_path):
        raise KeyboardInterrupt
    with locked(tmp_path), pytest.raises(ValueError, match="in use by process"), locked(tmp_path):
        pytest.fail("two at once")
    with locked(tmp_path):
        pass
