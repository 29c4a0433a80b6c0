"""Which drafts of a language model become part of the set, their texts trimmed, and why the others do not."""

from experiments.synthetic import filters
from experiments.synthetic.prompts import digest


def filtered(rows: list[dict], rules: dict, problems: list[str]) -> tuple[list[dict], dict[str, int]]:
    """The rows that are kept, their texts trimmed, and how many each rule drops.

    "whole": a text that reached the greatest length is cut after its last sentence, and dropped if none is left; an
    instruction that reached it is dropped. Of a solution, sentences that quote its problem are left out first, and it
    is dropped if none is left. The other rules: experiments/synthetic/filters.py; "near" sees the instruction too.
    """
    rules, named = dict(rules), {digest(problem): problem for problem in problems}
    counts: dict[str, int] = {}
    if rules.pop("whole"):
        rows = [row | {"text": row["text"].strip()} for row in rows]
        rows = [row if row["finished"] else row | {"text": filters.whole_sentences(row["text"])} for row in rows]
        rows = [row | {"instruction": row["instruction"].strip()} if "instruction" in row else row for row in rows]
        rows = kept(rows, [whole(row) for row in rows], "unfinished", counts)
    if any("problem" in row for row in rows):
        rows = [row | {"text": filters.unquoted(row["text"], named[row["problem"]])} for row in rows]
        rows = kept(rows, [bool(row["text"]) for row in rows], "quotes", counts)
    rows = kept(rows, [bool(row["text"].strip()) for row in rows], "empty", counts)
    texts = [" ".join(filter(None, (row.get("instruction"), row["text"]))) for row in rows]
    drops = filters.dropped(texts, rules)
    counts |= {name: int(gone.sum()) for name, gone in drops.items()}
    return [row for i, row in enumerate(rows) if not any(gone[i] for gone in drops.values())], counts


def whole(row: dict) -> bool:
    """Whether a text is there and its instruction, if it has one, is complete."""
    return bool(row["text"] and row.get("instruction", "none") and row.get("instruction_finished", True))


def kept(rows: list[dict], keep: list[bool], rule: str, counts: dict[str, int]) -> list[dict]:
    """The rows to keep; how many are not is noted under the rule."""
    counts[rule] = keep.count(False)
    return [row for row, one in zip(rows, keep, strict=True) if one]
