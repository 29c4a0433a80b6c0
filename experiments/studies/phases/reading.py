"""What report and figures of the scaling studies read from the lines of results.jsonl."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.runtime.results import select
from experiments.studies.phases.curves import REAL, Curve
from theory.laws import LAWS

VAGUE = 100  # an interval that reaches this many times the value sets no limit
UNITS = {
    "top_p": "top-p {:g}",
    "temperature": "temperature {:g}",
    "finite": "pool of {:g}",
    "truncation": "cut at {:g}",
}


def curves(lines: list[dict], study: str | None = None) -> list[Curve]:
    """The curves that have a verdict, in the order of the file; None: of all studies."""
    measured = [curve_of(line) for line in select(lines, kind="verdict")]
    return [curve for curve in measured if study in (None, curve.study)]


def curve_of(line: dict) -> Curve:
    """The curve that a line speaks of."""
    return Curve(*(line[field] for field in Curve._fields))


def verdict_of(lines: list[dict], curve: Curve) -> dict:
    """The "verdict" line of a curve."""
    return select(lines, kind="verdict", **curve._asdict())[0]


def fit_of(lines: list[dict], curve: Curve, law: str) -> dict:
    """The "fit" line of a law on a curve."""
    return select(lines, kind="fit", law=law, **curve._asdict())[0]


def points_of(lines: list[dict], curve: Curve) -> list[dict]:
    """The "point" lines of a curve, one a size and seed."""
    return select(lines, kind="point", **curve._asdict())


def label(curve: Curve) -> str:
    """A curve in words: 'top-p 0.8, 2 % real'."""
    if curve.mechanism == REAL:
        return "all real"
    return f"{UNITS[curve.mechanism].format(curve.strength)}, {100 * curve.share:g} % real"


def example(lines: list[dict], study: str) -> Curve | None:
    """The curve that stands for a study: the first one whose data show three phases, else its first."""
    mixed = [curve for curve in curves(lines, study) if curve.mechanism != REAL]
    good = [curve for curve in mixed if verdict_of(lines, curve)["three_phases"]]
    return next(iter(good or mixed), None)


def law_error(fit: dict, sizes: Float[np.ndarray, "n"], share: float) -> Float[np.ndarray, "n"]:
    """The error by the law of a "fit" line at total sizes of which a share is real."""
    law, parameters = LAWS[fit["law"]], fit["parameters"]
    natural = [parameters[name] for name in law.names]
    coordinates = [np.log(x) if log else x for x, log in zip(natural, law.in_logs, strict=True)]
    with jax.enable_x64(True):
        place, real, synthetic = (jnp.asarray(x) for x in (coordinates, share * sizes, (1 - share) * sizes))
        shape = np.asarray(law.shape(place, real, synthetic, 1.0))
    return parameters["floor"] + parameters["amplitude"] * np.exp(shape)
