"""What malformed input may lead to: a result, or one line of ours that says what is wrong with it. Nothing else."""

import linecache
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings

from experiments.runtime import launch

ROOT = Path(__file__).parents[2]


def result_or_none(function: Callable, *arguments: Any, **named: Any) -> Any:
    """What the function returns; None if it raises ValueError with one line. Anything else fails the test.

    That line is ours: a library that happens to raise ValueError does not know what the input was meant to be.
    """
    try:
        return function(*arguments, **named)
    except ValueError as error:
        assert_one_line(str(error))
        assert_ours(error)
        return None


def said_or_none(function: Callable, *arguments: Any, **named: Any) -> Any:
    """The same by what a command says, who also says the errors of the system."""
    try:
        return function(*arguments, **named)
    except launch.FAILURES as error:
        assert_one_line(launch.in_words(error))
        if isinstance(error, ValueError):
            assert_ours(error)
        return None


def assert_ours(error: ValueError) -> None:
    """It comes from a `raise` of this repository."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    ours = Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename
    assert ours, f"raised in {frame.filename}, line {frame.lineno}: {error}"
    assert linecache.getline(frame.filename, frame.lineno or 0).strip().startswith("raise"), error


def assert_one_line(text: str) -> None:
    """It says something, on one line, with no character that steers a terminal, in less than a page."""
    assert text.strip()
    assert text.isprintable(), text
    assert len(text) < 2000, text


def fewer(times: int) -> settings:
    """A decorator for what takes long: so many times fewer inputs."""
    return settings(max_examples=max(settings.default.max_examples // times, 1))
