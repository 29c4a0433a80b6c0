"""The laws of theory/fit.py fitted to one measured curve: the lines of results.jsonl that say so."""

import numpy as np
from jaxtyping import Float, Key

from experiments.study import Curve
from theory.fit import compare
from theory.ratio import joint_test, share_test

VISIBLE = 0.5  # greatest real share at which T2 / T1 is worth asking for


def lines(curve: Curve, points: list[dict], described: dict, key: Key) -> list[dict]:
    """A "fit" line for each law, and one "verdict" line with the tests of T2/T1 = s/pi.

    points: all sizes and seeds of the curve. described: what Study.describe says of it. The non-circular test of the
    share is made wherever there is synthetic data; that of the joints where the data show three phases.
    """
    order = sorted(points, key=lambda p: (p["n"], p["seed"]))
    sizes, errors = (np.array([p[name] for p in order], float) for name in ("n", "error"))
    deviations = standard_errors(sizes, errors)
    measured = {"real_share": curve.share, "standard_errors": deviations}
    found = compare(sizes, errors, **measured)
    out = [
        {
            "kind": "fit",
            "law": law,
            "parameters": fit.parameters,
            "intervals": {name: plain(pair) for name, pair in fit.intervals.items()},
            "breakpoints": None if fit.breakpoints is None else plain(fit.breakpoints),
            "bic": fit.bic,
            "aicc": fit.aicc,
            "plateau": fit.plateau,
            "slopes": None if fit.slopes is None else plain(fit.slopes),
            "noise": fit.noise,
        }
        for law, fit in found.fits.items()
    ]
    verdict = {
        "kind": "verdict",
        "best": found.best,
        "three_phases": found.three_phases,
        "verdict": found.verdict,
        "described": described,
    }
    if curve.share < VISIBLE:
        test = share_test(sizes, errors, **measured)
        verdict["share_test"] = {name: plain(value) for name, value in test._asdict().items()}
        if found.three_phases:
            test = joint_test(key, sizes, errors, **measured)
            verdict["joint_test"] = {name: plain(value) for name, value in test._asdict().items()}
    return [{**curve._asdict(), **line} for line in (*out, verdict)]


def standard_errors(sizes: Float[np.ndarray, "n"], errors: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"] | None:
    """Of single errors: the spread of log errors over the seeds of a size and of its two neighbours; None for one seed.

    A few seeds tell little about one size, and the spread changes slowly with size. At least 0.1 % of the error.
    """
    every, place = np.unique(sizes, return_inverse=True)
    groups = [np.log(errors[place == i]) for i in range(len(every))]
    if min(map(len, groups)) < 2:
        return None
    variance = np.array([group.var(ddof=1) for group in groups])
    smooth = [variance[max(i - 1, 0) : i + 2].mean() for i in range(len(every))]
    return np.maximum(np.sqrt(smooth), 1e-3)[place] * errors


def plain(value):
    """The value with numbers that JSON does not know (infinite, NaN) as None."""
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return bool(value) if isinstance(value, np.bool_) else value
