"""Instruction following: Natural Instructions by source family, and requests with answers that a model wrote."""

import functools
import re

import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import hub
from experiments.data.builders.archived import source, texts
from experiments.data.builders.natural_instructions import NaturalInstructions
from experiments.synthetic import corpus, word_problems
from experiments.synthetic.mechanism import GENERATED
from experiments.tasks import decoders, sequences
from experiments.tasks.task import Task
from experiments.tasks.token_rows import Pair

DATASETS = {
    "templates": "made in memory",
    "natural_instructions": "NI v1 subset (61 subtasks of Natural Instructions as BIG-bench ships them)",
    "hub": "Natural-Instructions and Magpie from the hub",
}
REQUESTS = ("Solve it step by step.", "Say which steps lead to the answer.", "Give the answer only.")


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/instructions.py.

    data_dir: as in archives.data_folder. mesh: not used. Raises ValueError for an unknown data set, and for data or a
    pretrained decoder that cannot be read.
    """
    code = decoders.coder_of(config, data_dir)  # what is wrong there is said before data are read
    pairs = read(config, data_dir)
    parts = sequences.split(pairs, ["\x1f".join(pair[:3]) for pair in pairs], config, code)

    @functools.cache
    def groups() -> dict[float, list[Pair]]:
        return by_temperature(read_generated(config, data_dir))

    def written(examples, temperature, key):
        repeat = config.contributors.repeat
        return sequences.sampled(parts.coder, config.tokens, repeat, groups(), examples, temperature, key)

    strengths = {GENERATED: tuple(config.temperatures)}
    return sequences.task(
        config, parts, {GENERATED: written}, strengths, {"dataset": DATASETS[config.dataset]}, data_dir
    )


def read(config, data_dir: str | None) -> list[Pair]:
    """The real pairs of config.dataset.

    data_dir: as in archives.data_folder. Raises ValueError for an unknown data set and for data that cannot be read.
    """
    return READERS[one_of("dataset", config.dataset, tuple(READERS))](config, data_dir)


def read_natural_instructions(config, data_dir: str | None) -> list[Pair]:
    """Every prepared example of the BIG-bench archive, with the first of its answers; one has none."""
    return [
        Pair(request(row["task_prefix"]), row["input"].strip(), first_answer(row), family(row["subtask"]))
        for row in texts(source(NaturalInstructions, "bigbench", "train", data_dir))
    ]


def first_answer(row: dict) -> str:
    return row["targets"][0].strip() if row["targets"] else ""


def request(task_prefix: str) -> str:
    """The one sentence after "Prompt:", with which every task prefix ends; the definition before it is left out."""
    return task_prefix.rpartition("Prompt:")[2].strip()


def family(subtask: str) -> str:
    """Name of the source of a subtask: subtask001_quoref_question_generation -> quoref.

    Those of MC-TACO, a fifth of all, are told apart by the phenomenon that they ask about.
    """
    _, origin, *rest = subtask.split("_")
    if origin == "mctaco" and "generation" in rest:
        return " ".join(["mctaco", *rest[rest.index("generation") + 1 :]])
    return "miscellaneous" if origin.startswith("misc") else origin


def read_templates(config, data_dir: str | None) -> list[Pair]:
    """config.examples requests about word problems, made in memory; a family is a template."""
    rng = np.random.default_rng(0)
    pairs = []
    for kind, problem, steps, answer in word_problems.problems(config.examples, len(word_problems.TEMPLATES), rng):
        which = int(rng.integers(len(REQUESTS)))
        response = (f"{steps} answer: {answer}", steps, answer)[which]
        pairs.append(Pair(REQUESTS[which], problem, response, f"template {kind:02d}"))
    return pairs


def read_hub(config, data_dir: str | None) -> list[Pair]:
    """Natural-Instructions in a folder or of the hub: at most config.most examples, each with the first answer."""
    fields = ("task_name", "definition", "inputs", "targets")
    pairs = []
    for row in hub.records(config.folders.real, fields, config.most, data_dir):
        answers = [row["targets"]] if isinstance(row["targets"], str) else row["targets"]
        origin = re.sub(r"^task\d+_([^_]+).*", r"\1", row["task_name"])
        pairs += [Pair(row["definition"], row["inputs"], answer, origin) for answer in answers[:1]]
    return pairs


READERS = {"templates": read_templates, "natural_instructions": read_natural_instructions, "hub": read_hub}


def read_generated(config, data_dir: str | None) -> list[dict]:
    """What a language model wrote, for config.dataset: {"instruction", "text", "temperature"} each."""
    if config.dataset == "natural_instructions":
        return corpus.read("instruction")
    if config.dataset == "hub":
        rows = hub.records(config.folders.synthetic, ("instruction", "response"), config.most, data_dir)
        return [{"instruction": r["instruction"], "text": r["response"], "temperature": 1.0} for r in rows]
    rng = np.random.default_rng(1)
    made = zip(word_problems.problems(60, 6, rng), np.resize(config.temperatures, 60), strict=True)
    return [{"instruction": problem, "text": steps, "temperature": float(t)} for (_, problem, steps, _), t in made]


def by_temperature(records: list[dict]) -> dict[float, list[Pair]]:
    """Pairs by the temperature at which they were sampled. The request is the prompt: of a long one the end is kept.

    records: as read_generated gives them.
    """
    groups: dict[float, list[Pair]] = {}
    for record in records:
        pair = Pair("", record["instruction"].strip(), record["text"].strip(), GENERATED)
        groups.setdefault(float(record["temperature"]), []).append(pair)
    return groups
