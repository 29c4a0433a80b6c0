"""Which of my sources is worth it, how much of it, what would more buy: for arrays and frames, without a workdir.

    from experiments.sources import value_sources

    answer = value_sources((x_real, y_real), {"bought": (x_bought, y_bought)})
    for value in answer.values:
        print(value.source, value.gain, value.interval, value.verdict)

What comes back is what `python -m experiments.run --config=configs/sources.py` writes into answer.json.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from configs import sources as defaults
from configs.common import one_of
from experiments.data.rows import Frame, from_columns
from experiments.runtime import memory, mesh, overrides, results
from experiments.runtime.speed import flops_a_second
from experiments.studies.sources import reading, steps, study
from experiments.studies.sources.answer import Answer
from experiments.studies.sources.assembly import answer_of
from experiments.studies.sources.plan import checked_prices
from experiments.studies.sources.work import Work

TARGET, NAME = "target", "real"
ONCE = ("real", "sources", "validation", "kind", "columns", "prices")  # keys of the config that are arguments here


def value_sources(
    real: Any,
    sources: Mapping[str, Any],
    validation: Any = None,
    *,
    kind: str = "",
    columns: Mapping[str, str] | None = None,
    prices: Mapping[str, float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Answer:
    """What each source is worth beside the real examples, how much of it to mix in, and what more would buy.

    real, validation, each of `sources` (by name): a pair (x, y) of arrays, x (n, d) of numbers or n texts and y (n,) of
        labels or numbers; a mapping of columns of n texts or numbers; or a frame of pandas, polars or pyarrow.
        validation: held-out real examples; None: some of the real ones, chosen by the hash of what they show.
    kind: "text", "pairs" or "table"; columns: role -> column, as {"text": "review", "label": "stars"}; "", None: found
        out, and said in `found`, `features` and `ignored` of answer.data. The target of a table is a class if it holds
        texts or at most 20 different whole numbers, otherwise a number, scored by R2; options={"target": "class"} or
        {"target": "number"} says it instead.
    prices: of an example, by source, and "real"; with options["budget"] they make a plan.
    options: other keys of configs/sources.py, as {"minutes": 2.0, "check": True, "text.tokens.length": 128}.
    Nothing is read from or written to disk. Trains only with the options `check` or `train`.
    Raises ValueError, one line, for data that do not fit and options that do not exist.
    """
    begun = time.perf_counter()
    config = defaults.get_config()
    config.kind, config.columns = kind, config.columns.to_dict() | dict(columns or {})
    for name, value in (options or {}).items():
        _set(config, name, value)
    names = (NAME, *map(str, sources))
    if len(set(names)) < len(names) or not {"", *reading.RESERVED}.isdisjoint(names[1:]):
        raise ValueError(f"sources are called {list(names[1:])}: expected different names, none of them real or all")
    config.sources = ",".join(names[1:])
    study.check(config, priced=bool(prices))
    prices = checked_prices({str(name): price for name, price in (prices or {}).items()}, names[1:])
    frames = [frame_of(name, data) for name, data in zip(names, (real, *sources.values()), strict=True)]
    held_out = None if validation is None else frame_of("validation", validation)
    given = reading.read(names, frames[0], frames[1:], held_out, config)
    made, data = reading.prepared(given, config, study.key_of(config, study.DATA))
    todo = Work(
        prepared=made,
        data=data,
        settings=study.settings_of(config, prices),
        key=study.key_of(config, study.METHODS),
        devices=mesh.devices(),
        folder=None,
        clock=time.perf_counter,
        speed=flops_a_second(),
        begun=time.perf_counter() - begun,
    )
    steps.check_memory(todo, config.available or memory.available_bytes())
    lines: list[dict] = []
    for step in steps.steps(todo, lines):
        lines += [json.loads(results.text_of(line)) for line in step.make()]
    return answer_of(lines, memory.peak_bytes())


def frame_of(name: str, data: Any) -> Frame:
    """The columns of arrays, a mapping or a frame. name: for messages. Raises ValueError for anything else."""
    names = [*getattr(data, "column_names", getattr(data, "columns", ()))] if not isinstance(data, Mapping) else []
    if len({*names}) < len(names):
        twice = next(column for column in names if names.count(column) > 1)
        raise ValueError(f"{name}: found column {twice!r} twice, expected every name once")
    for method, given in (("to_pydict", {}), ("to_dict", {"orient": "list"})):  # pyarrow; pandas
        if hasattr(data, method) and not isinstance(data, Mapping):
            try:
                return from_columns(name, getattr(data, method)(**given))
            except TypeError:  # polars
                return from_columns(name, getattr(data, method)(as_series=False))
    if isinstance(data, Mapping):
        return from_columns(name, {column: _on_host(values) for column, values in data.items()})
    if isinstance(data, Sequence) and len(data) == 2 and not isinstance(data, str):
        inputs, targets = map(_on_host, data)
        if np.ndim(inputs) == 2:
            width = range(np.shape(inputs)[1])
            return from_columns(name, {f"x{i}": np.asanyarray(inputs)[:, i] for i in width} | {TARGET: targets})
        if np.ndim(inputs) == 1:
            return from_columns(name, {"text": list(inputs), "label": targets})
    raise ValueError(
        f"{name}: expected a pair (x, y) of arrays, x of shape (n, d) or n texts, or columns by name; found "
        f"{type(data).__name__}"
    )


def _on_host(values: Any) -> Any:
    """Arrays of JAX as those of NumPy, all others as they are."""
    return np.asarray(values) if isinstance(values, jax.Array) else values


def _set(config, name: str, value: Any) -> None:
    known = dict(overrides.leaves(config))
    numbers = value if isinstance(value, (tuple, list)) else (value,)
    if any(isinstance(one, float) and not np.isfinite(one) for one in numbers):
        raise ValueError(f"option {name} = {value!r}: expected finite numbers")
    one_of("option", name, [key for key in known if key not in ONCE and not key.startswith("columns.")])
    if not overrides.fits(value, overrides.kind_of(known[name])):
        raise ValueError(f"option {name} = {value!r}: expected {overrides.wanted(overrides.kind_of(known[name]))}")
    config.update_from_flattened_dict({name: value})
