"""Lines of the study of somebody's own sources; `content` is as experiments/studies/sources/README.md describes it."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

SOURCE = {"source": "name of the source"}
SOURCES = {
    "data": Kind((), {"content": "what the answers are about, `Data`"} | SECONDS),
    "value": Kind(
        ("source",),
        SOURCE
        | {"content": "its worth beside the real examples, `Value` without `dropped` and its interval"}
        | SECONDS,
    ),
    "learning": Kind((), {"curve": "the metric on subsets of the real examples, with standard errors"} | SECONDS),
    "amount": Kind(("source",), SOURCE | {"content": "how much of it to mix in, `Amount`"} | SECONDS),
    "together": Kind(
        (),
        {
            "content": "how much of all sources to mix in, `Amount`",
            "dropped": "by source, metric of all together minus that of all without it",
            "dropped_interval": "of it, 95 %, over validation rows only",
            "sizes": "of the whole mixture, at growing shares of every set",
            "errors": "the best metric there is minus the metric, at these",
            "real_share": "of the mixture",
        }
        | SECONDS,
    ),
    "training": Kind(
        ("source", "seed"),
        {
            "source": "whose examples stand beside the real ones; empty: none",
            "seed": "of the training, from 0 on",
            "metric": "of the trained model on the validation set",
        }
        | SECONDS,
    ),
    "more": Kind((), {"content": "what more real examples buy, `More` without the phase"} | SECONDS),
    "phase": Kind(
        (),
        {
            "phase": "of the whole mixture, in words",
            "breakpoints": "of its curve, where it shows phases",
        }
        | SECONDS,
    ),
    "check": Kind((), {"content": "order and signs beside those of trainings, `Check`"} | SECONDS),
    "left out": Kind(
        ("what",),
        {
            "what": "was left out for want of time, in words",
            "operations": "that it would have taken",
            "seconds_beside": "that come to these, of compilation",
            "minutes": "that were allowed",
        },
    ),
    "run": RUN,
}
