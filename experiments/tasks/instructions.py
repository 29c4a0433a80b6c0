"""Instruction following: Natural Instructions by source family, and requests with answers that a model wrote."""

import functools
import re
from functools import partial

import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import hub
from experiments.synthetic import corpus, word_problems
from experiments.tasks import sequences
from experiments.tasks.mixture import GENERATED
from experiments.tasks.task import Task
from experiments.tasks.token_rows import Pair

DATASETS = {
    "templates": "made in memory",
    "natural_instructions": "NI v1 subset (61 subtasks of Natural Instructions as BIG-bench ships them)",
    "hub": "Natural-Instructions and Magpie from the hub",
}
REQUESTS = ("Solve it step by step.", "Say which steps lead to the answer.", "Give the answer only.")


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/instructions.py."""
    one_of("dataset", config.dataset, tuple(DATASETS))
    code = sequences.coder_of(config, data_dir)  # what is wrong there is said before data are read
    sources = {
        "templates": templates,
        "natural_instructions": partial(read, data_dir),
        "hub": partial(folder, data_dir=data_dir),
    }
    pairs = sources[config.dataset](config)
    parts = sequences.split(pairs, ["\x1f".join(pair[:3]) for pair in pairs], config, code)

    @functools.cache
    def groups() -> dict[float, list[Pair]]:
        return by_temperature(records(config, data_dir))

    def written(examples, temperature, key):
        repeat = config.contributors.repeat
        return sequences.sampled(parts.coder, config.tokens, repeat, groups(), examples, temperature, key)

    strengths = {GENERATED: tuple(config.temperatures)}
    return sequences.task(
        config, parts, {GENERATED: written}, strengths, {"dataset": DATASETS[config.dataset]}, data_dir
    )


def read(data_dir: str | None, config) -> list[Pair]:
    """Every prepared example of the BIG-bench archive, with the first of its answers; one has none."""
    from experiments.data.builders.archived import rows
    from experiments.data.builders.natural_instructions import NaturalInstructions

    return [
        Pair(request(row["task_prefix"]), row["input"].strip(), first_answer(row), family(row["subtask"]))
        for row in rows(NaturalInstructions, "bigbench", "train", data_dir)
    ]


def first_answer(row: dict) -> str:
    return row["targets"][0].strip() if row["targets"] else ""


def request(task_prefix: str) -> str:
    """The one sentence behind "Prompt:", with which every task prefix ends; the definition before it is left out."""
    return task_prefix.rpartition("Prompt:")[2].strip()


def family(subtask: str) -> str:
    """Name of the source of a subtask: subtask001_quoref_question_generation -> quoref.

    Those of MC-TACO, a fifth of all, are told apart by the phenomenon that they ask about.
    """
    _, source, *rest = subtask.split("_")
    if source == "mctaco" and "generation" in rest:
        return " ".join(["mctaco", *rest[rest.index("generation") + 1 :]])
    return "miscellaneous" if source.startswith("misc") else source


def templates(config) -> list[Pair]:
    """Requests about word problems, made in memory; a family is a template."""
    rng = np.random.default_rng(0)
    found = []
    for kind, problem, steps, answer in word_problems.problems(config.examples, len(word_problems.TEMPLATES), rng):
        which = int(rng.integers(len(REQUESTS)))
        response = (f"{steps} answer: {answer}", steps, answer)[which]
        found.append(Pair(REQUESTS[which], problem, response, f"template {kind:02d}"))
    return found


def folder(config, data_dir: str | None = None) -> list[Pair]:
    """Natural-Instructions in a folder or of the hub: at most config.most examples, each with the first answer."""
    fields = ("task_name", "definition", "inputs", "targets")
    found = []
    for row in hub.records(config.folders.real, fields, config.most, data_dir):
        answers = [row["targets"]] if isinstance(row["targets"], str) else row["targets"]
        source = re.sub(r"^task\d+_([^_]+).*", r"\1", row["task_name"])
        found += [Pair(row["definition"], row["inputs"], answer, source) for answer in answers[:1]]
    return found


def records(config, data_dir: str | None = None) -> list[dict]:
    """What a language model wrote: {"instruction", "text", "temperature"} each."""
    if config.dataset == "natural_instructions":
        return corpus.read("instruction")
    if config.dataset == "hub":
        rows = hub.records(config.folders.synthetic, ("instruction", "response"), config.most, data_dir)
        return [{"instruction": r["instruction"], "text": r["response"], "temperature": 1.0} for r in rows]
    rng = np.random.default_rng(1)
    found = zip(word_problems.problems(60, 6, rng), np.resize(config.temperatures, 60), strict=True)
    return [{"instruction": problem, "text": steps, "temperature": float(t)} for (_, problem, steps, _), t in found]


def by_temperature(found: list[dict]) -> dict[float, list[Pair]]:
    """Pairs by the temperature at which they were sampled. The request is the prompt: of a long one the end is kept."""
    groups: dict[float, list[Pair]] = {}
    for one in found:
        pair = Pair("", one["instruction"].strip(), one["text"].strip(), GENERATED)
        groups.setdefault(float(one["temperature"]), []).append(pair)
    return groups
