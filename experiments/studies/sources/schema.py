"""What each field of answer.json says: described here once, checked against answer.py, printed on README.md."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from experiments.studies.sources import answer

FIELDS: Mapping[str, Mapping[str, str]] = {
    "Answer": {
        "version": f"of this content, {answer.VERSION}; another one where a field changes its meaning or goes",
        "decision": "three sentences, one a question: which source, how much of it, what more would buy",
        "data": "what the answers are about",
        "values": "what each source is worth, the best first",
        "amounts": 'how much of each source to mix in, and of all together (`"all"`)',
        "more": "what more would buy; null where it was not asked or could not be said",
        "checks": "that the answers deserve, made or not",
        "cost": "of the work",
    },
    "Data": {
        "kind": "`text`, `pairs` or `table`",
        "columns": "role (text, label; prompt, response; target) → column that plays it",
        "target": "`class`, `number` or `tokens`",
        "classes": "their names in order; empty without classes",
        "features": "columns of a table that are learned from; empty for other kinds",
        "ignored": "column → why it is not learned from",
        "found": "how the real file was understood, a sentence each",
        "metric": "what a utility is, in words; all utilities are in its unit, higher = better",
        "learner": "what would be trained, in words",
        "surrogate": "what stands for it, in words",
        "real": "the file of real examples",
        "validation": "the examples on which utilities are predicted",
        "sources": "the files of the sources",
        "split": "where the validation examples come from, in words",
        "repeated": "share of the real examples that show what another one shows, targets aside",
        "near_validation": "share of the real examples that have a near copy in validation",
    },
    "Set": {
        "name": "by which the set is called everywhere else",
        "file": "that was read",
        "rows": "in the file",
        "used": "of them, after what was left out",
        "fitted": "of those that are used, how many fits take: all, but of too many examples of very many features",
        "left_out": "reason, in words → how many rows",
    },
    "Value": {
        "source": "its name",
        "value": "gain in the surrogate's own unit, by which the sources are ordered",
        "value_interval": "of it, 95 %",
        "gain": "predicted metric of the real examples with the source minus that without",
        "interval": "of the gain, 95 %: a jackknife over blocks of examples and a bootstrap over validation",
        "predicted": "metric of the real examples with the source",
        "dropped": "predicted metric of all together minus that of all without the source; null if not computed",
        "dropped_interval": "of it, 95 %, over validation rows only; null if not computed",
        "verdict": "`helps`, `harms` or `open`, as value_interval lies above, below or around 0",
        "drivers": "what speaks for or against the source",
        "nearest": "examples of the source that are nearest to real ones",
        "strangest": "examples of the source that are farthest from real ones",
    },
    "Drivers": {
        "disagreement": "mean loss, 0 to 1, of a fit to validation on the source's own targets; null if not computed",
        "disagreement_real": "the same of the real examples",
        "discrepancy": "MMD between the features of source and validation, unbiased: about 0 or just below where they "
        "are alike; null of a single example",
        "size": "examples used",
        "duplicates": "share that repeats another example of the source",
        "in_validation": "share that stands in the validation set too, byte for byte",
        "near_validation": "share with a near duplicate in the validation set",
        "in_real": "share that stands among the real examples too, byte for byte",
        "near_real": "share with a near duplicate among the real examples",
        "near_rule": "what counts as a near duplicate, in words",
        "unknown_labels": "share whose label the validation set lacks; null without classes",
    },
    "Example": {
        "row": "in the file, from 0 on",
        "text": "what it says; null if texts are not shown",
        "label": "its target; null if it has none or is not shown",
        "distance": "from the nearest real example, over the median distance of a real one from its nearest other one",
    },
    "Amount": {
        "source": 'its name, or `"all"`: all together',
        "curve": "predicted metric over the number of examples added to all real ones that are fitted, from 0 on; "
        "intervals over validation rows only",
        "best": "the number to take; 0 unless what the halves of validation chose gains in the surrogate's own unit",
        "chosen": "the numbers that each half of validation chose for the other",
        "gain": "predicted metric at these, scored on the other half, minus that of the real examples alone",
        "interval": "of the gain, 95 %: a jackknife over blocks of examples, and validation rows; null if not computed",
        "weight": "how much an example of the source counts beside a real one in the best fit, in (0, 1]; 1: alike; "
        "null for all together",
        "weights": "source → its weight in that fit; 1 unless what the halves of validation chose gains",
        "weighted_gain": "what weights add to the predicted metric, chosen on one half and scored on the other",
        "equivalent_real": "how many real examples do as well as the fitted real ones with `best` of the source, by "
        "`gain`; null if not computed",
        "equivalent_interval": "the same of the ends of the gain's interval, the real curve taken as known; null if "
        "not computed",
        "censored": "why that number was not measured or is only a limit, in words; null if it was measured",
        "exchange_rate": "further real examples that each of `best` examples stands for; null if not computed",
        "marginal_rate": "the same of 1,000 more, or as many as there are; null if not computed",
    },
    "Point": {
        "amount": "examples",
        "predicted": "metric with so many",
        "interval": "of it, 95 %; null if not computed",
    },
    "More": {
        "curve": "predicted metric on subsets of the real examples that are fitted; intervals over examples and "
        "validation rows",
        "trained": "metric of real trainings on all real examples, their mean and an interval where there are several; "
        "empty unless asked for",
        "laws": "fitted to 1 minus the metric, or to the loss, the best first",
        "forecasts": "predicted metric with more real examples",
        "phase": "where on the learning curve the data are, in words, as far as they show it",
        "breakpoints": "numbers of examples between which the curve is flat; null where none show",
        "plan": "what a budget buys best, by name, and what limits it, in words; null without prices",
    },
    "Law": {
        "name": "of the law",
        "parameters": "name → value",
        "intervals": "name → interval of the parameter, 95 %; those that say nothing are left out",
        "criterion": "the larger of AICc and BIC, lower = better; none where there are too few points for AICc",
    },
    "Forecast": {
        "times": "as many real examples as there are now",
        "amount": "so many examples",
        "predicted": "metric with so many",
        "interval": "of it, 95 %",
    },
    "Check": {
        "name": "of the check",
        "done": "whether it was made",
        "result": "what came out, in words; why not, where it was not made",
        "numbers": "what came out, by name",
    },
    "Cost": {
        "seconds": "that the work took",
        "memory_bytes": "at most held in memory",
        "left_out": "what was not done or cut, each with the key of the config that would bring it back, in words",
    },
}


def described() -> str:
    """The section of README.md: a table for each kind of object in answer.json."""
    parts = []
    for name, fields in FIELDS.items():
        types = get_type_hints(getattr(answer, name))
        rows = [f"| `{field}` | {_in_words(types[field])} | {said} |" for field, said in fields.items()]
        parts.append("\n".join([f"### {name}", "", "| field | type | what it says |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _in_words(kind: Any) -> str:
    """A type as JSON has it."""
    simple = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null", Any: "any"}
    if kind in simple:
        return simple[kind]
    if kind == answer.Interval:
        return "[low, high]"
    if hasattr(kind, "_fields"):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    origin, parts = get_origin(kind), [_in_words(part) for part in get_args(kind)]
    if origin is list:
        return f"list of {parts[0]}"
    return f"object: {parts[0]} → {parts[1]}" if origin is dict else " or ".join(parts)
