"""Lines of the study of the bound."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

BOUND_TERMS = ("loss", "discrepancy", "kernel", "size", "total")
BOUND = {
    "bound": Kind(
        ("n", "real_share", "shift", "head", "wrong"),
        {
            "n": "examples",
            "real_share": "of them real",
            "shift": "of the synthetic mean",
            "head": "mass kept by truncation",
            "wrong": "share of synthetic labels of the other sign",
            "draws": "of samples",
            "seed": "of all draws",
            "delta": "probability with which a bound may fail",
            **{f"term_{name}": "of the bound, mean over draws like the following" for name in BOUND_TERMS},
            "true": "test error",
            "true_std": "its standard deviation",
            "deviation": "of the mixture's error from the training error",
            "norm": "of the learnt function",
            "best_weight": "of real data, with the smallest bound",
            "best_total": "bound at that weight",
            "best_price": "what having chosen it costs",
            "paper_total": "bound in the paper's form",
            "reference_total": "bound through a reference, whose discrepancy sees inputs alone",
            "reference_discrepancy": "inputs' discrepancy, disagreement and the reference's own loss in it",
            "inputs_total": "what the inputs' discrepancy alone would claim",
            "squared_true": "squared test error",
            "squared_total": "its bound",
            "squared_discrepancy": "the discrepancy in it",
            "gap": "largest deviation in the ball",
            "spread": "1 - delta quantile of the gap above its mean",
            "transfer_gap": "largest difference of test and mixture error in the ball",
            "ball_kernel": "kernel term of the ball",
            "ball_size": "size term of the ball",
            "ball_sharper_size": "the sharper size term",
            "failures": "share of draws in which a bound failed, by bound",
        }
        | SECONDS,
    ),
    "run": RUN,
}
