"""People with covariates, a treatment and an outcome: NHEFS, and rows made in memory."""

from typing import Any, NamedTuple

import numpy as np

from configs.common import one_of
from experiments.data import tables
from experiments.data.rows import Frame, from_columns

OUTCOME = "weight gained"
UNIT = "kg"  # of the outcome
TREATMENT = "stopped smoking"


class Patients(NamedTuple):
    """frame: the covariates and, in the column OUTCOME, the outcome. treatment: (n,) 0 or 1. says: what they are."""

    frame: Frame
    treatment: np.ndarray
    says: str


def read(config, data_dir: str | None) -> Patients:
    """Those that config.dataset names, fetched at the first call.

    config: `dataset`, nhefs or made, and `examples`, how many to make in memory. data_dir: as in archives.data_folder.
    Raises ValueError for an unknown name or a damaged archive, OSError if it cannot be fetched.
    """
    return {"nhefs": _nhefs, "made": _made}[one_of("dataset", config.dataset, ("nhefs", "made"))](config, data_dir)


def _nhefs(config, data_dir: str | None) -> Patients:
    found = tables.nhefs((*tables.PATIENTS, "qsmk", "wt82_71"), data_dir)
    columns: dict[str, Any] = tables.worded({name: found[name] for name in tables.PATIENTS})
    columns[OUTCOME] = found["wt82_71"]
    says = "NHEFS: 1,566 people who smoked in 1971, kg of weight gained by 1982, and whether they stopped smoking"
    return Patients(from_columns(tables.NHEFS, columns), found["qsmk"], says)


def _made(config, data_dir: str | None) -> Patients:
    """Two numbers and a category that decide treatment and outcome; the effect is 2 plus the first number."""
    rng = np.random.default_rng(0)
    x, word = rng.normal(size=(config.examples, 2)), rng.integers(0, 2, config.examples)
    treatment = (x[:, 0] + word - 0.5 + rng.normal(size=len(x)) > 0).astype(np.float64)
    outcome = (2 + x[:, 0]) * treatment + x[:, 1] + word + 0.5 * rng.normal(size=len(x))
    columns: dict[str, Any] = {"age": x[:, 0], "weight": x[:, 1], "sex": [f"sex {code}" for code in word]}
    return Patients(from_columns("made in memory", columns | {OUTCOME: outcome}), treatment, "made in memory")
