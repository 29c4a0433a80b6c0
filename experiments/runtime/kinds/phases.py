"""Lines of the scaling studies, and of how often their fits are right (coverage)."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

CURVE = {
    "study": "which of the scaling studies",
    "share": "real share of the training sets",
    "mechanism": "how synthetic data are made; real: none",
    "strength": "in the mechanism's unit",
}
FIT = {"law": "name of the fitted law", "parameters": "by name", "intervals": "95 %, by parameter", "bic": "of the fit"}
PHASES = {
    "point": Kind(
        (*CURVE, "seed", "n"),
        CURVE
        | {
            "seed": "of the repeat, from 0 on",
            "n": "size of the training set",
            "error": "test error",
            "head": "its part from what synthetic data keep",
            "tail": "its part from the rest",
            "law": "error that the law predicts from the generator alone",
        }
        | SECONDS,
    ),
    "fit": Kind(
        (*CURVE, "law"),
        CURVE
        | FIT
        | {
            "breakpoints": "sizes at which the phase changes",
            "aicc": "of the fit",
            "plateau": "height of the flat part",
            "slopes": "of log error on log size, by phase",
            "noise": "standard deviation of log errors",
        },
    ),
    "verdict": Kind(
        tuple(CURVE),
        CURVE
        | {
            "best": "law of the lowest criterion, the larger of AICc and BIC",
            "three_phases": "whether three phases are claimed",
            "verdict": "the same in words",
            "described": "what is known of the synthetic data: cutoff, head mass, predicted breakpoints",
            "share_test": "test of T2/T1 = s/pi",
            "joint_test": "test of both joints",
        },
    ),
    "study": Kind(
        ("study",),
        {"study": CURVE["study"], "notes": "facts about its data", "seconds": "wall time of the process that ended it"},
    ),
    "run": RUN,
}
COVERAGE = {
    "coverage": Kind(
        ("truth", "draw"),
        {
            "truth": "law of the simulated curve",
            "draw": "its number",
            "noise_given": "whether the fit was told the noise",
            "true": "parameters, noise and number of sizes of the curve",
            "fitted": "parameters of the three-phase law",
            "intervals": "of these, 95 %",
            "best": "law of the lowest criterion, the larger of AICc and BIC",
            "claimed": "whether three phases are claimed",
            "verdict": "the same in words",
            "covered": "whether the interval holds the true cutoff",
            "ratio_holds": "whether the test of T2/T1 = s/pi holds",
            "fitted_share": "s of that test",
            "share_interval": "of it, 95 %",
        }
        | SECONDS,
    ),
    "summary": Kind(
        (),
        {
            "draws": "how many, by truth",
            "cutoff_covered": "share of draws",
            "ratio_holds": "share of draws",
            "claimed": "share of draws, by truth",
            "claimed_by_noise": "the same of short curves, by truth and noise",
            "not_power": "share of short curves that another law than the power law fits best, by truth and noise",
            "seconds_of_compare": "median",
        },
        derived=True,
    ),
    "run": RUN,
}
