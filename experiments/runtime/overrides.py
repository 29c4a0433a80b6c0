"""Values of a config from texts of the command line, --config.training.steps=3, each read as the type of its key."""

import ast
import difflib
from collections.abc import Iterator, Sequence
from types import GenericAlias
from typing import Any, get_args

import ml_collections

from configs.schema import described

WORDS = {int: "whole number", float: "number", bool: "True or False", str: "text", dict: "dict", object: "value"}
COUNTS = {2: "a pair of", 3: "three"}
SHOWN = 12  # keys of a group that a message lists


def leaves(config: ml_collections.ConfigDict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything that is no group itself."""
    for name in config:
        if isinstance(config[name], ml_collections.ConfigDict):
            yield from leaves(config[name], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", config[name]


def separated(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """((key, text) of every --config.key=text, all other arguments of a command line).

    --config.key text is the same; --config.key alone, and --noconfig.key, are "True" and "False".
    """
    overrides, others, waiting = [], [], list(arguments)
    while waiting:
        argument = waiting.pop(0)
        name, equals, text = argument.lstrip("-").partition("=")
        head, _, key = name.partition(".")
        if not argument.startswith("-") or head not in ("config", "noconfig") or not key:
            others.append(argument)
        elif head == "noconfig":
            overrides.append((key, "False"))
        elif equals:
            overrides.append((key, text))
        else:
            overrides.append((key, waiting.pop(0) if waiting and not waiting[0].startswith("--") else "True"))
    return overrides, others


def override(config: ml_collections.ConfigDict, overrides: Sequence[tuple[str, str]]) -> None:
    """Sets keys of the config in place, each (dotted key, text).

    Raises ValueError that names the key and what was expected: for a key that the config lacks (with the nearest one
    that it has), for a group of keys, and for a text of another type or another number of entries.
    """
    for key, text in overrides:
        known = dict(leaves(config))
        if key not in known:
            raise ValueError(_unknown(config, key, known))
        with config.unlocked():
            group, _, name = key.rpartition(".")
            (_at(config, group) if group else config)[name] = read(key, text, known[key])


def read(key: str, text: str, default: Any) -> Any:
    """The text as a value of that key's type (configs/schema.py; elsewhere that of its default).

    Raises ValueError that names the key and what was expected.
    """
    kind = (about := described(key)) and about.type
    kind = kind or kind_of(default)
    try:
        return _read(text, kind)
    except (ValueError, SyntaxError, KeyError):
        example = f", such as {default!r}" if default not in ("", ()) else ""
        raise ValueError(f"config.{key} = {text}: expected {wanted(kind)}{example}") from None


def kind_of(value: Any) -> Any:
    """The type of a value, as configs/schema.py writes it: that of tuples with that of their entries."""
    if not isinstance(value, (tuple, list)):
        return type(value)
    kinds = {type(entry) for entry in value}
    if kinds == {int, float}:
        kinds = {float}
    entries = kinds.pop() if len(kinds) == 1 else object
    return GenericAlias(tuple, (entries, ...))


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of that type; a whole number is a number too, a list as good as a tuple."""
    entries = get_args(kind)
    if not entries:
        return kind is object or type(value) is kind or (kind is float and type(value) is int)
    if not isinstance(value, (tuple, list)) or not (entries[-1] is ... or len(value) == len(entries)):
        return False
    return all(fits(entry, entries[0]) for entry in value)


def wanted(kind: Any) -> str:
    """A type in words: "a pair of whole numbers"."""
    entries = get_args(kind)
    if not entries:
        word = WORDS.get(kind, kind.__name__)
        return word if kind is bool else f"a {word}"
    word = WORDS.get(entries[0], "tuple")
    return f"any number of {word}s" if entries[-1] is ... else f"{COUNTS[len(entries)]} {word}s"


def _read(text: str, kind: Any) -> Any:
    if kind is str:
        return text
    if kind is bool:
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    if kind is int:
        return int(text, 0)
    if kind is float:
        return float(text)
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        if get_args(kind)[:1] != (str,):
            raise
        value = tuple(part.strip() for part in text.split(",") if part.strip())  # size,mmd_only without quotes
    value = value if isinstance(value, (tuple, list, dict)) else (value,)
    if not fits(value, kind):
        raise ValueError(text)
    return tuple(map(float, value)) if get_args(kind)[:1] == (float,) else tuple(value) if get_args(kind) else value


def _at(config: ml_collections.ConfigDict, key: str) -> ml_collections.ConfigDict:
    for name in key.split("."):
        config = config[name]
    return config


def _unknown(config: ml_collections.ConfigDict, key: str, known: dict[str, Any]) -> str:
    inside = [name for name in known if name.startswith(f"{key}.")]
    if inside:
        shown = ", ".join(f"config.{name}" for name in inside[:SHOWN]) + (", ..." if len(inside) > SHOWN else "")
        return f"config.{key} is a group of keys: expected one of {shown}"
    near = difflib.get_close_matches(key, known, n=1)
    hint = f": did you mean config.{near[0]}?" if near else ""
    group = key
    while (group := group.rpartition(".")[0]) and not any(name.startswith(f"{group}.") for name in known):
        pass
    start = f"{group}." if group else ""
    names = dict.fromkeys(name.removeprefix(start).partition(".")[0] for name in known if name.startswith(start))
    return f"unknown key config.{key}{hint} config{f'.{group}' if group else ''} has {', '.join(names)}"
