"""Features of texts: the mean state of their tokens inside a frozen language model, kept on disk."""

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from tqdm import tqdm

from experiments.data.archives import SMOLLM2, data_folder, member, sha256
from experiments.runtime import files
from experiments.runtime.processes import is_main_process
from models.decoder import hidden
from models.pretrained import Pretrained, from_gguf
from models.tokenizer import ids_of, readable
from valuation.precise import jit

BATCH = 16  # texts at a time
WIDTH = 32  # the number of tokens of a batch is a multiple of this: few compilations
SPEED = 250  # tokens a second of 135 M parameters on two cores
KEPT = 64  # batches between two looks at the disk
ROWS = 256  # rows whose token states are read at a time
Features: TypeAlias = Callable[[np.ndarray], np.ndarray]


def smollm2_states(
    layer: str, length: int, decode: Callable[[np.ndarray], str], validation: np.ndarray, data_dir: str | None
) -> Callable[[np.ndarray], np.ndarray]:
    """Rows of a task's tokens -> (n, d) float32: SmolLM2's mean states of the texts, standardised on a validation set.

    layer: after which block, as blocks.14. length: the most tokens of a text that the language model reads.
    decode: a row -> its text: what the task's own model sees, so that what its tokens leave out (capitals,
    punctuation, rare words) tells sources apart nowhere. validation: rows whose states have mean 0 and deviation 1.
    data_dir: as in archives.data_folder; the weights are read when they are first needed.
    """
    path = member("smollm2", SMOLLM2, data_dir)
    states = hidden_states(
        functools.partial(from_gguf, path),
        layer=layer,
        length=length,
        folder=data_folder(data_dir) / "features",
        name=sha256(path),
    )

    def raw(rows: np.ndarray) -> np.ndarray:
        return states([decode(row) for row in rows])

    return standardised(raw, validation)


def mean_states(states: Callable[[np.ndarray], np.ndarray], validation: np.ndarray) -> Features:
    """Rows of tokens -> (n, d) float32: the mean of their kept states, standardised on a validation set.

    states: rows (n, t), padded with 0, -> (n, t, d), 0 at the padding, as kept_states gives them.
    """

    def raw(rows: np.ndarray) -> np.ndarray:
        means = []
        for start in range(0, len(rows), ROWS):
            part = np.asarray(rows[start : start + ROWS])
            counts = part.shape[1] - (part[:, ::-1] != 0).argmax(1)  # up to the last token that is no padding
            means.append(states(part).astype(np.float32).sum(1) / counts[:, None])
        return np.concatenate(means)

    return standardised(raw, validation)


def standardised(raw: Features, validation: np.ndarray) -> Features:
    """The features with mean 0 and deviation 1 on these rows, which are read when features are first asked for."""

    @functools.cache
    def scale() -> tuple[np.ndarray, np.ndarray]:
        held_out = raw(validation)
        return held_out.mean(0), np.maximum(held_out.std(0), 1e-6)

    def features(rows: np.ndarray) -> np.ndarray:
        centre, spread = scale()
        return (raw(rows) - centre) / spread

    return features


def hidden_states(
    load: Callable[[], Pretrained], *, layer: str, length: int, folder: str | Path, name: str
) -> Callable[[Sequence[str]], np.ndarray]:
    """texts -> mean state after `layer` ("blocks.14", ..., "norm") of their first `length` tokens, (n, d) float32.

    What was computed before is read from folder/states-*.npz; the price of the rest is said before the work, which may
    be interrupted. A text without tokens gives zeros.
    load: reads the model, at most once and only if it is needed. name: of its weights, such as their hash.
    Raises ValueError for a file that cannot be read.
    """
    label = hashlib.sha256(json.dumps([name, layer, length]).encode()).hexdigest()[:16]
    path = Path(folder) / f"states-{label}.npz"
    known = _read(path)

    @functools.cache
    def loaded() -> tuple[Pretrained, Callable]:
        pretrained = load()
        return pretrained, jit(functools.partial(hidden, pretrained.model, layer=layer))

    def states(texts: Sequence[str]) -> np.ndarray:
        missing = [text for text in dict.fromkeys(texts) if _digest(text) not in known]
        if missing:
            pretrained, states_of = loaded()
            _compute(pretrained, states_of, missing, length, known, path)
        return np.stack([known[_digest(text)] for text in texts])

    return states


def _compute(pretrained: Pretrained, states_of: Callable, texts: list[str], length: int, known: dict, path: Path):
    """Adds the states of the texts to `known` and to the file, short texts first."""
    tokens = [row[:length] for row in ids_of(pretrained.tokenizer, texts)]
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
            states = np.asarray(states_of(*weights, *_padded([tokens[row] for row in rows])))
            known.update((_digest(texts[row]), state) for row, state in zip(rows, states, strict=False))
            bar.update(sum(len(tokens[row]) for row in rows))
            if number % KEPT == 0:
                _save(path, known)
    _save(path, known)


def _padded(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """(tokens, which of them are no padding), (BATCH, a multiple of WIDTH) each."""
    width = WIDTH * max(1, -(-max(map(len, rows)) // WIDTH))
    tokens = np.zeros((BATCH, width), np.int32)
    for padded, row in zip(tokens, rows, strict=False):
        padded[: len(row)] = row
    lengths = np.array([len(row) for row in rows] + [0] * (BATCH - len(rows)))
    return tokens, np.arange(width) < lengths[:, None]


def _digest(text: str) -> str:
    return hashlib.sha256(readable(text).encode()).hexdigest()


def _save(path: Path, known: dict[str, np.ndarray]) -> None:
    if is_main_process():
        files.write_arrays(path, {"digests": np.array(list(known)), "states": np.stack(list(known.values()))})


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    arrays = files.read_arrays(path, "remove it, the states are computed again")
    return dict(zip(arrays["digests"].tolist(), arrays["states"], strict=True))
