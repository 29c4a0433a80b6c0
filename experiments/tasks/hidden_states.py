"""Features of texts: the mean state of their tokens inside a frozen language model, kept on disk."""

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from experiments.runtime import files
from experiments.runtime.processes import is_main_process
from models.decoder import hidden
from models.pretrained import Pretrained

BATCH = 16  # texts at a time
WIDTH = 32  # the number of tokens of a batch is a multiple of this: few compilations
SPEED = 250  # tokens a second of 135 M parameters on two cores
KEPT = 64  # batches between two looks at the disk


def hidden_states(load: Callable[[], Pretrained], *, layer: str, length: int, folder: str | Path, name: str):
    """texts -> mean state behind `layer` ("blocks.14", ..., "norm") of their first `length` tokens, (n, d) float32.

    What was computed before is read from folder/states-*.npz; the price of the rest is said before the work, which may
    be interrupted. A text without tokens gives zeros.
    load: reads the model, at most once and only if it is needed. name: of its weights, such as their hash.
    Raises ValueError for a file that cannot be read.
    """
    label = hashlib.sha256(json.dumps([name, layer, length]).encode()).hexdigest()[:16]
    path = Path(folder) / f"states-{label}.npz"
    known = _read(path)

    @functools.cache
    def loaded():
        pretrained = load()
        return pretrained, jax.jit(functools.partial(hidden, pretrained.model, layer=layer))

    def states(texts: Sequence[str]) -> np.ndarray:
        missing = [text for text in dict.fromkeys(texts) if _digest(text) not in known]
        if missing:
            _compute(*loaded(), missing, length, known, path)
        return np.stack([known[_digest(text)] for text in texts])

    return states


def _compute(pretrained: Pretrained, states_of: Callable, texts: list[str], length: int, known: dict, path: Path):
    """Adds the states of the texts to `known` and to the file, short texts first."""
    tokens = [found.ids[:length] for found in pretrained.tokenizer.encode_batch(texts, add_special_tokens=False)]
    total, weights = sum(map(len, tokens)), (pretrained.model.params, pretrained.model.frozen)
    print(
        f"hidden states of {len(texts):,} texts: {total:,} tokens, about {total / SPEED / 60:.1f} minutes at {SPEED} "
        f"tokens a second, the speed of two cores; kept in {path}",
        flush=True,
    )
    order = sorted(range(len(texts)), key=lambda row: len(tokens[row]))
    with tqdm(total=total, desc="hidden states", unit="token", unit_scale=True, disable=not is_main_process()) as bar:
        for number, start in enumerate(range(0, len(order), BATCH), 1):
            rows = order[start : start + BATCH]
            found = np.asarray(states_of(*weights, *_padded([tokens[row] for row in rows])))
            known.update((_digest(texts[row]), state) for row, state in zip(rows, found, strict=False))
            bar.update(sum(len(tokens[row]) for row in rows))
            if number % KEPT == 0:
                _save(path, known)
    _save(path, known)


def _padded(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """(tokens, which are there), (BATCH, a multiple of WIDTH)."""
    width = WIDTH * max(1, -(-max(map(len, rows)) // WIDTH))
    tokens = np.zeros((BATCH, width), np.int32)
    for row, found in zip(tokens, rows, strict=False):
        row[: len(found)] = found
    lengths = np.array([len(found) for found in rows] + [0] * (BATCH - len(rows)))
    return tokens, np.arange(width) < lengths[:, None]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _save(path: Path, known: dict[str, np.ndarray]) -> None:
    if is_main_process():
        files.write_arrays(path, {"digests": np.array(list(known)), "states": np.stack(list(known.values()))})


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    arrays = files.read_arrays(path, "remove it, the states are computed again")
    return dict(zip(arrays["digests"].tolist(), arrays["states"], strict=True))
