"""Runs a config: python -m experiments.run --config=configs/images.py:small --workdir=out/images

A finished workdir is left as it is; an interrupted one goes on where it stopped.
"""

import importlib
import sys

from absl import app, flags, logging
from ml_collections import config_flags

from experiments.mesh import use_all_cores

# config.experiment -> the module whose run(config, workdir, data_dir) does the work
EXPERIMENTS = {
    "valuation": "experiments.pipeline",
    "phases": "experiments.scaling",
    "language": "experiments.language",
}


def execute(config, workdir: str, data_dir: str | None) -> None:
    """Runs a config in a workdir; what went wrong is said in one line (--verbosity=1 shows where)."""
    try:
        importlib.import_module(EXPERIMENTS[config.experiment]).run(config, workdir, data_dir)
    except (ValueError, OSError, FloatingPointError) as error:
        if logging.level_debug():
            raise
        sys.exit(f"error: {error}")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}; options begin with --")
    if not logging.level_debug():
        logging.set_verbosity(logging.WARNING)
    use_all_cores()
    execute(flags.FLAGS.config, flags.FLAGS.workdir, flags.FLAGS.data_dir)


if __name__ == "__main__":
    config_flags.DEFINE_config_file("config", None, "what to run, as configs/images.py:small,draws=5")
    flags.DEFINE_string("workdir", None, "folder of results, figures and checkpoints")
    flags.DEFINE_string(
        "data_dir", None, "folder of archives and prepared data; default ~/.cache/real_synthetic_mixtures"
    )
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
