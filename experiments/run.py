"""Runs a config: python -m experiments.run --config=configs/images.py:small --workdir=out/images

A finished workdir is left as it is; an interrupted one goes on where it stopped.
"""

import importlib
import sys

from absl import app, flags, logging
from ml_collections import config_flags

from experiments.mesh import use_all_cores

CONFIG = config_flags.DEFINE_config_file(
    "config", None, "what to run, as configs/images.py:small,draws=5", lock_config=True
)
WORKDIR = flags.DEFINE_string("workdir", None, "folder of results, figures and checkpoints")
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "folder of archives and prepared data; default ~/.cache/real_synthetic_mixtures"
)

# config.experiment -> the module whose run(config, workdir, data_dir) does the work
EXPERIMENTS = {"valuation": "experiments.pipeline", "phases": "experiments.scaling"}


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}; options begin with --")
    use_all_cores()
    experiment = importlib.import_module(EXPERIMENTS[CONFIG.value.experiment])
    try:
        experiment.run(CONFIG.value, WORKDIR.value, DATA_DIR.value)
    except (ValueError, OSError) as error:
        if logging.level_debug():
            raise
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
