"""Kinds of lines in results.jsonl, by study: the one place in code that describes them.

For readers the same stands in experiments/README.md, "Lines of results.jsonl"; the tests compare the two, and both with
what the studies write.
"""

from experiments.runtime.kinds.benchmarks import ATTRIBUTION, COST, DISCREPANCY, LANGUAGE_MODEL, OWN_SOURCES, SCALE
from experiments.runtime.kinds.bound import BOUND
from experiments.runtime.kinds.examples import EXAMPLES
from experiments.runtime.kinds.kind import Kind
from experiments.runtime.kinds.language import DRAFTS, LANGUAGE
from experiments.runtime.kinds.mixing import MIXING
from experiments.runtime.kinds.phases import COVERAGE, PHASES
from experiments.runtime.kinds.relabelling import RELABELLING
from experiments.runtime.kinds.sources import SOURCES
from experiments.runtime.kinds.valuation import (
    AXES,
    EVERYWHERE,
    SCORE_ABLATION,
    STABILITY,
    TRANSFER,
    TWO_TRUTHS,
    VALUATION,
)

STUDIES: dict[str, dict[str, Kind]] = {
    "valuation": VALUATION,
    "transfer": TRANSFER,
    "two_truths": TWO_TRUTHS,
    "axes": AXES,
    "score_ablation": SCORE_ABLATION,
    "stability": STABILITY,
    "lora_everywhere": EVERYWHERE,
    "phases": PHASES,
    "coverage": COVERAGE,
    "mixing": MIXING,
    "language": LANGUAGE,
    "drafts": DRAFTS,
    "examples": EXAMPLES,
    "relabelling": RELABELLING,
    "bound": BOUND,
    "sources": SOURCES,
    "attribution": ATTRIBUTION,
    "language_model": LANGUAGE_MODEL,
    "cost": COST,
    "discrepancy": DISCREPANCY,
    "scale": SCALE,
    "own_sources": OWN_SOURCES,
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
