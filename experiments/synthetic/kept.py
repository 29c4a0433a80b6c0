"""What a trained generator of images is made of, kept on disk under a name made of all that it depends on."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.data.archives import data_folder
from experiments.runtime import files
from experiments.runtime.processes import one_at_a_time, true_everywhere
from valuation.problem import Examples


def path_of(kind: str, settings: dict, learn: Examples, data_dir: str | None) -> Path:
    """data_dir/generators/KIND-DIGEST.npz, of the settings and the training data.

    settings: what JSON can hold. data_dir: as in archives.data_folder.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(learn.inputs.tobytes() + learn.targets.tobytes())
    return data_folder(data_dir) / "generators" / f"{kind}-{digest.hexdigest()[:16]}.npz"


def kept(path: Path, make: Callable[[], list[np.ndarray]], remedy: str) -> list[np.ndarray]:
    """The arrays in the file, which `make` gives where it is not there. All processes must call it.

    remedy: what helps where the file cannot be read. Raises ValueError for such a file, and what `make` raises.
    """
    if not true_everywhere(path.exists()):
        arrays = make()
        with one_at_a_time():
            files.write_arrays(path, {str(i): array for i, array in enumerate(arrays)})
    return list(files.read_arrays(path, remedy).values())
