"""Tensors of safetensors files: one file, or shards that an index gives every tensor's place in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from models.checkpoint import existing, read_json

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
TYPES = ("F64", "F32", "F16", "BF16")  # of weights; anything else is packed, and means nothing without its scales


class Stored(NamedTuple):
    """Tensors in files. shapes: name -> shape. read: name -> the tensor, as it is stored."""

    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]


def stored(folder: Path) -> Stored:
    """The tensors of a folder: those of model.safetensors, or of the shards of model.safetensors.index.json.

    The index is obeyed tensor by tensor. Raises FileNotFoundError for a file that is not there; ValueError for one that
    is cut off, for both an index and a whole file, a tensor that is not in the shard that the index names, and one in a
    shard of which the index does not say so; and for tensors that are no floating-point numbers.
    """
    index = folder / INDEX
    if index.exists():
        holders = _sharded(folder, index)
    else:
        whole = _opened(folder / WHOLE)
        holders = dict.fromkeys(whole.keys(), whole)
    shapes = {}
    for name, file in holders.items():
        part = file.get_slice(name)
        if part.get_dtype() not in TYPES:
            raise ValueError(f"{folder}: tensor {name} is of type {part.get_dtype()}: expected {', '.join(TYPES)}")
        shapes[name] = tuple(part.get_shape())
    return Stored(shapes, lambda name: holders[name].get_tensor(name))


def _sharded(folder: Path, index: Path) -> dict[str, Any]:
    """Tensor -> the open shard that holds it, as the index says."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ValueError(f"{index} has no weight_map, tensor -> shard: fetch it again")
    for name, shard in places.items():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise ValueError(f"{index}: tensor {name} lies in {shard!r}: expected the name of a file beside the index")
    if WHOLE not in places.values() and (folder / WHOLE).exists():
        raise ValueError(f"{folder} holds both {WHOLE} and {INDEX}: remove the one that is not the model")
    files = {shard: _opened(folder / shard) for shard in sorted(set(places.values()))}
    held = {shard: set(file.keys()) for shard, file in files.items()}
    for name, shard in places.items():
        if name not in held[shard]:
            others = [other for other in held if name in held[other]]
            where = f"it lies in {others[0]}" if others else "no shard holds it"
            raise ValueError(f"{folder / shard} lacks tensor {name}, which {INDEX} says it holds: {where}")
    for shard, names in held.items():
        if extra := sorted(name for name in names if places.get(name) != shard):
            raise ValueError(f"{folder / shard} holds tensor {extra[0]}, of which {INDEX} does not say so")
    return {name: files[shard] for name, shard in places.items()}


def _opened(path: Path) -> Any:
    try:
        return safe_open(existing(path), framework="np")
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or cut off ({error}): fetch it again") from None
