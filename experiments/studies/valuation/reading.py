"""What report and figures of a valuation run read from the lines of results.jsonl."""

import numpy as np
from jaxtyping import Float

from experiments.runtime.results import select
from experiments.studies.valuation.ground_truth import ADDED, LEAVE_ONE_OUT, OWN_SET

ACCURACY = "test accuracy"
OF_TRUTH = {OWN_SET: "", LEAVE_ONE_OUT: " lost without it", ADDED: " gained by it"}  # after the metric
QUESTIONS = {
    OWN_SET: "a model trained on each contributor alone",
    LEAVE_ONE_OUT: "what a model trained on all contributors together loses without each of them",
    ADDED: "what a model trained on {beside} real examples gains by each contributor beside them",
}


def first_draw(lines: list[dict]) -> int:
    """The smallest number of a draw."""
    return min(line["draw"] for line in lines if "draw" in line)


def contributors(lines: list[dict], draw: int) -> list[dict]:
    """The "contributor" lines of a draw, in the order of every list of values."""
    return select(lines, kind="contributor", draw=draw)


def utilities(lines: list[dict], draw: int) -> Float[np.ndarray, "s C"]:
    """The truth of a draw: the utility of every contributor by every seed."""
    return np.array([line["utility"] for line in select(lines, kind="truth", draw=draw)])


def metric(lines: list[dict]) -> str:
    """What the truth is a measure of, in words: 'test accuracy', 'test accuracy lost without it'."""
    line = select(lines, kind="truth")[0]
    return "test " + line["metric"] + OF_TRUTH[line["truth"]]


def question(line: dict) -> str:
    """What the truth of a line of kind "truth" or "agreement" is, in words."""
    return QUESTIONS[line["truth"]].format(beside=line.get("beside"))


def made_of(lines: list[dict], draw: int) -> list[dict]:
    """What is known of a draw's contributors, and of the data set that they are drawn from: the same in two runs whose
    contributors are the same.
    """
    names, notes = ("spec", "examples", "distinct", "real"), ("dataset", "train / validation / test")
    data = [{name: x.get("notes", {}).get(name) for name in notes} for x in select(lines, kind="run")]
    return data + [{name: x.get(name) for name in names} for x in contributors(lines, draw)]


def synthetic_part(line: dict) -> str:
    """The mechanism of a contributor's synthetic examples, or 'all real'."""
    return line["spec"]["mechanism"] if line["real"] < line["examples"] else "all real"


def label(line: dict) -> str:
    """A contributor in words: '03: 536 examples, 50% real, generated 0.75, 7 groups kept, 10% wrong labels'."""
    spec = line["spec"]
    words = [f"{spec['real_share']:.0%} real"]
    if line["real"] < line["examples"]:
        strength = f" {spec['strength']:g}" if spec["strength"] else ""
        words.append(f"{spec['mechanism']}{strength}")
        words += [f"{spec['kept']} groups kept"] if spec["kept"] else []
    words += [f"{spec['label_noise']:.0%} wrong labels"] if spec["label_noise"] else []
    words += [f"{spec['duplicates']:.0%} repeats"] if spec["duplicates"] else []
    return f"{spec['name']}: {line['examples']} examples, {', '.join(words)}"
