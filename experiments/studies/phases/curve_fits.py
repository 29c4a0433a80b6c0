"""The laws of theory/fit.py fitted to one measured curve: the lines of results.jsonl that say so."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float, Key
from scipy import stats

from experiments.studies.phases.curves import Curve
from theory.fit import compare
from theory.profile import LEVEL
from theory.ratio import joint_test, share_test

REACH = 3  # sizes on both sides that lend their spread
VISIBLE = 0.5  # greatest real share at which T2 / T1 is worth asking for


def lines(curve: Curve, points: list[dict], described: dict, key: Key[Array, ""]) -> list[dict]:
    """A "fit" line for each law, and one "verdict" line with the tests of T2/T1 = s/pi.

    points: all sizes and seeds of the curve. described: what Study.describe says of it. The non-circular test of the
    share is made wherever there is synthetic data; that of the joints where the data show three phases.
    """
    order = sorted(points, key=lambda p: (p["n"], p["seed"]))
    sizes, errors = (np.array([p[name] for p in order], float) for name in ("n", "error"))
    deviations = standard_errors(sizes, errors)
    compared = compare(sizes, errors, real_share=curve.share, standard_errors=deviations)
    out = [
        {
            "kind": "fit",
            "law": law,
            "parameters": fit.parameters,
            "intervals": fit.intervals,
            "breakpoints": fit.breakpoints,
            "bic": fit.bic,
            "aicc": fit.aicc,
            "plateau": fit.plateau,
            "slopes": fit.slopes,
            "noise": fit.noise,
        }
        for law, fit in compared.fits.items()
    ]
    verdict: dict[str, Any] = {
        "kind": "verdict",
        "best": compared.best,
        "three_phases": compared.three_phases,
        "verdict": compared.verdict,
        "described": described,
    }
    if curve.share < VISIBLE:
        tested: dict[str, Any] = {"real_share": curve.share, "standard_errors": deviations}
        verdict["share_test"] = share_test(sizes, errors, **tested)._asdict()
        if compared.three_phases:
            verdict["joint_test"] = joint_test(key, sizes, errors, **tested)._asdict()
    return [plain({**curve._asdict(), **line}) for line in (*out, verdict)]


def standard_errors(sizes: Float[np.ndarray, "n"], errors: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"] | None:
    """Of single errors, from the spread of log errors over the seeds of a size and its neighbours; None for one seed.

    A few seeds tell little about one size, and the spread changes slowly with size: variances are averaged over
    REACH sizes on both sides, the nearer the heavier. What is still unsure of them widens the errors, by the ratio of
    the F quantile to that of a known variance. At least 0.1 % of the error.
    """
    every, place = np.unique(sizes, return_inverse=True)
    groups = [np.log(errors[place == i]) for i in range(len(every))]
    if min(map(len, groups)) < 2:
        return None
    variance, freedom = (
        np.array([group.var(ddof=1) for group in groups]),
        np.array([len(group) - 1 for group in groups]),
    )
    distance = np.abs(np.subtract.outer(np.arange(len(every)), np.arange(len(every))))
    weight = np.maximum(REACH + 1 - distance, 0) * freedom
    smooth = weight @ variance / weight.sum(1)
    effective = weight.sum(1) ** 2 / (weight**2 / freedom).sum(1)
    wider = stats.f.ppf(LEVEL, 1, effective) / stats.chi2.ppf(LEVEL, 1)
    return np.maximum(np.sqrt(smooth * wider), 1e-3)[place] * errors


def plain(value):
    """The value with numbers that JSON does not know (infinite, NaN) as None."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return bool(value) if isinstance(value, np.bool_) else value
