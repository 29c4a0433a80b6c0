"""A measurement in a process of its own, so that its memory is its own."""

import json
import subprocess
import sys


def measured(module: str, arguments: dict[str, object]) -> dict:
    """The line that `python -m module --name=value ...` prints last; progress and errors go to the terminal.

    Ends this process if that one fails.
    """
    given = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    done = subprocess.run([sys.executable, "-m", module, *given], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: python -m {module} {' '.join(given)} failed, as said above")
    return json.loads(done.stdout.splitlines()[-1])
