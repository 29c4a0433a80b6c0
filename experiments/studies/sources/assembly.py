"""The Answer that lines of a run say together."""

from typing import Any

from experiments.runtime import results
from experiments.studies.sources import answer_file
from experiments.studies.sources.answer import VERSION, Amount, Answer, Cost, Data, Value, plain
from experiments.studies.sources.checks import Training
from experiments.studies.sources.decision import sentences
from experiments.studies.sources.looks import looked

MORE: dict[str, Any] = {"curve": [], "trained": [], "laws": [], "forecasts": [], "plan": None}
NO_PHASE = "phases were not looked for"


def answer_of(lines: list[dict], memory_bytes: int) -> Answer:
    """Everything that the lines say. memory_bytes: the most that the work has held."""
    content = {
        "version": VERSION,
        "decision": [],
        "data": results.select(lines, kind="data")[0]["content"],
        "values": plain(values_in(lines)),
        "amounts": plain(amounts_in(lines)),
        "more": _more(lines),
        "checks": [line["content"] for line in results.select(lines, kind="check")],
        "cost": plain(
            Cost(
                seconds=sum(line.get("seconds", 0.0) for line in lines if line["kind"] != results.LAST),
                memory_bytes=memory_bytes,
                left_out=_left_out(results.select(lines, kind="left out")),
            )
        ),
    }
    answer = answer_file.from_plain(content)
    decision = sentences(answer.data, answer.values, answer.amounts, answer.more)
    return answer._replace(decision=decision, checks=[*looked(answer), *answer.checks])


def values_in(lines: list[dict]) -> list[Value]:
    """What the sources are worth, the best first, as far as the lines say it."""
    together = results.select(lines, kind="together")
    names = ("dropped", "dropped_interval")
    found = []
    for line in results.select(lines, kind="value"):
        dropped = {name: together[0][name].get(line["source"]) if together else None for name in names}
        found.append(answer_file.typed(Value, line["content"] | dropped, "value"))
    return sorted(found, key=lambda value: -value.value)


def amounts_in(lines: list[dict]) -> list[Amount]:
    """How much of each source and, at the end, of all together, as far as the lines say it."""
    found = [*results.select(lines, kind="amount"), *results.select(lines, kind="together")]
    return [answer_file.typed(Amount, line["content"], "amount") for line in found]


def data_in(lines: list[dict]) -> Data:
    """What the answers are about."""
    return answer_file.typed(Data, results.select(lines, kind="data")[0]["content"], "data")


def trainings_in(lines: list[dict]) -> dict[Training, float]:
    """The metric of every training that was made."""
    return {Training(line["source"], line["seed"]): line["metric"] for line in results.select(lines, kind="training")}


def _left_out(lines: list[dict]) -> list[str]:
    """What was left out for want of time, with the key of the config that brings it back."""
    return [f"for want of time (config.minutes): {', '.join(line['what'] for line in lines)}"] if lines else []


def _more(lines: list[dict]) -> dict | None:
    found, phases = results.select(lines, kind="more"), results.select(lines, kind="phase")
    if not found and not phases:
        return None
    phase = {name: phases[0][name] for name in ("phase", "breakpoints")} if phases else {}
    return {**MORE, "phase": NO_PHASE, "breakpoints": None} | (found[0]["content"] if found else {}) | phase
