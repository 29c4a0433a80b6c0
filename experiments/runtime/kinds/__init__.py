"""Kinds of lines in results.jsonl, by study: the one place in code that describes them.

For readers the same stands in experiments/README.md, "Lines of results.jsonl"; the tests compare the two, and both with
what the studies write.
"""

from experiments.runtime.kinds.benchmarks import (
    ATTRIBUTION,
    CONDENSED,
    COST,
    DISCREPANCY,
    KNOWN_EFFECTS,
    LANGUAGE_MODEL,
    OWN_SOURCES,
    SCALE,
)
from experiments.runtime.kinds.bound import BOUND
from experiments.runtime.kinds.examples import EXAMPLES
from experiments.runtime.kinds.finished_runs import AXES, EVERYWHERE, SCORE_ABLATION, STABILITY, TRANSFER, TWO_TRUTHS
from experiments.runtime.kinds.interaction import INTERACTION
from experiments.runtime.kinds.kind import EARLIER_RUN, Kind
from experiments.runtime.kinds.language import DRAFTS, LANGUAGE
from experiments.runtime.kinds.mixing import MIXING
from experiments.runtime.kinds.phases import COVERAGE, PHASES
from experiments.runtime.kinds.relabelling import RELABELLING
from experiments.runtime.kinds.sources import SOURCES
from experiments.runtime.kinds.valuation import VALUATION

EARLIER = "earlier run"  # the run line of a finished run that was asked for more and is not finished again
SHARED = {EARLIER: EARLIER_RUN}
STUDIES: dict[str, dict[str, Kind]] = {
    "valuation": VALUATION | SHARED,
    "transfer": TRANSFER | SHARED,
    "two_truths": TWO_TRUTHS | SHARED,
    "axes": AXES | SHARED,
    "score_ablation": SCORE_ABLATION | SHARED,
    "stability": STABILITY | SHARED,
    "lora_everywhere": EVERYWHERE | SHARED,
    "phases": PHASES | SHARED,
    "coverage": COVERAGE | SHARED,
    "mixing": MIXING | SHARED,
    "language": LANGUAGE | SHARED,
    "drafts": DRAFTS | SHARED,
    "examples": EXAMPLES | SHARED,
    "relabelling": RELABELLING | SHARED,
    "interaction": INTERACTION | SHARED,
    "bound": BOUND | SHARED,
    "sources": SOURCES | SHARED,
    "attribution": ATTRIBUTION | SHARED,
    "language_model": LANGUAGE_MODEL | SHARED,
    "cost": COST | SHARED,
    "discrepancy": DISCREPANCY | SHARED,
    "scale": SCALE | SHARED,
    "own_sources": OWN_SOURCES | SHARED,
    "condensed": CONDENSED | SHARED,
    "known_effects": KNOWN_EFFECTS | SHARED,
}


def identity(kind: str) -> tuple[str, ...]:
    """The fields that tell a line from the others of its kind, in any study that writes such lines.

    Raises ValueError for a kind that no study writes.
    """
    described = [kinds[kind].identity for kinds in STUDIES.values() if kind in kinds]
    if not described:
        known = ", ".join(dict.fromkeys(name for kinds in STUDIES.values() for name in kinds))
        raise ValueError(f"{kind!r} is no kind of line that a study writes, expected one of {known}")
    return tuple(dict.fromkeys(name for names in described for name in names))
