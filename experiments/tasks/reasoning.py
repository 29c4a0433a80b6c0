"""Complex reasoning: problems with the steps of their solution, real, from templates, or solved by a model."""

import functools
from functools import partial

import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import hub
from experiments.data.builders.archived import source, texts
from experiments.data.builders.math_steps import MathSteps
from experiments.data.builders.strategy_qa import StrategyQA
from experiments.runtime.rng import generator
from experiments.synthetic import corpus, word_problems
from experiments.synthetic.mechanism import GENERATED, Mechanism
from experiments.synthetic.prompts import digest
from experiments.tasks import decoders, sequences, text_metrics, token_rows
from experiments.tasks.response_metrics import nats
from experiments.tasks.task import Task
from experiments.tasks.token_rows import Pair
from models.functional import Model
from models.tokenizer import ids_of
from valuation.problem import Examples

DATASETS = {
    "templates": "made in memory",
    "math_steps": "MathQA with steps and StrategyQA, as BIG-bench ships them",
    "hub": "NuminaMath-CoT from the hub",
}
OTHER = "strategyqa"  # the family that is also a mechanism: the synthetic part is real text of this one family


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/reasoning.py.

    data_dir: as in archives.data_folder. mesh: not used. Raises ValueError for an unknown data set, and for data or a
    pretrained decoder that cannot be read.
    """
    code = decoders.coder_of(config, data_dir)  # what is wrong there is said before data are read
    pairs = read(config, data_dir)
    real = [pair for pair in pairs if not pair.family.startswith(tuple(config.synthetic_sources))]
    # by the problem alone: the language model has never been shown a problem that is held out here
    parts = sequences.split(real, [pair.prompt for pair in real], config, code)
    encoded = partial(sequences.sampled, parts.coder, config.tokens, config.contributors.repeat)

    @functools.cache
    def solved() -> dict[float, list[Pair]]:
        return by_temperature(read_generated(config, parts.pairs), parts.pairs)

    def written(examples, temperature, key):
        return encoded(solved(), examples, temperature, key)

    def from_templates(examples, kinds, key):
        made = word_problems.problems(len(examples.inputs), int(kinds), generator(key))
        return token_rows.encode(parts.coder, [pair_of(*one) for one in made], config.tokens)[0]

    mechanisms: dict[str, Mechanism] = {"template": from_templates}
    strengths: dict[str, tuple[float, ...]] = {"template": (1, 4, len(word_problems.TEMPLATES))}
    if config.temperatures:
        mechanisms[GENERATED], strengths[GENERATED] = written, tuple(config.temperatures)
    others = {OTHER: [pair for pair in parts.pairs if pair.family == OTHER]}
    for name in sorted({pair.family for pair in pairs} - {pair.family for pair in real}):
        others[name] = [pair for pair in pairs if pair.family == name]
    for name, candidates in others.items():
        if candidates:
            mechanisms[name] = partial(encoded, {0.0: candidates})
            strengths[name] = (0.0,)
    notes = {"dataset": DATASETS[config.dataset]}
    if config.dataset != "math_steps" or not config.questions:
        return sequences.task(config, parts, mechanisms, strengths, notes, data_dir)
    asked, numbers = read_options(config, data_dir, parts.coder, [pair.prompt for pair in parts.tested])
    notes["options"] = "the one of the fewest nats a token of the answer is chosen"
    task = sequences.task(config, parts, mechanisms, strengths, notes, data_dir, asked)
    return task._replace(choose=partial(chosen, asked, numbers))


def read(config, data_dir: str | None) -> list[Pair]:
    """The pairs of config.dataset; those of config.synthetic_sources are among them.

    data_dir: as in archives.data_folder. Raises ValueError for an unknown data set and for data that cannot be read.
    """
    return READERS[one_of("dataset", config.dataset, tuple(READERS))](config, data_dir)


def read_math_steps(config, data_dir: str | None) -> list[Pair]:
    """All problems of MathQA with their steps and all of StrategyQA with its explanations."""
    pairs = [
        Pair("", row["problem"], solution(row["steps"], row["answer"]), kind(row["steps"]))
        for row in texts(source(MathSteps, "bigbench", "train", data_dir))
    ]
    strategy = texts(source(StrategyQA, "bigbench", "train", data_dir))
    return pairs + [Pair("", row["question"], row["explanation"], OTHER) for row in strategy]


def read_options(
    config, data_dir: str | None, coder: token_rows.Coder, held_out: list[str]
) -> tuple[Examples, np.ndarray]:
    """(Examples, one an option of at most config.questions problems, (q, 2) counts of options and the right ones).

    Rows are as in training, the steps and then an answer; targets are the tokens of the answer and the end after it.
    Problems whose answer is cut are left out. The options of a problem follow each other.
    held_out: problems; those that are not of MathQA are left out.
    """
    known = {row["problem"]: row for row in texts(source(MathSteps, "bigbench", "train", data_dir))}
    problems = [known[problem] for problem in held_out if problem in known]
    asked = [Pair("", row["problem"], solution(row["steps"], c), "") for row in problems for c in row["choices"]]
    numbers = np.array([(len(row["choices"]), row["choices"].index(row["answer"])) for row in problems])
    rows, _ = token_rows.encode(coder, asked, config.tokens)
    problem_of = np.repeat(np.arange(len(problems)), numbers[:, 0])
    cut = ~((rows.targets == coder.end) & rows.mask).any(1)
    steps = ids_of(coder.tokenizer, [solution(row["steps"], "").rstrip() for row in problems for _ in row["choices"]])
    answers = rows.mask.argmax(1) + np.array([len(one) for one in steps], int)
    rows = rows._replace(mask=rows.mask & (np.arange(rows.mask.shape[1]) >= answers[:, None]))
    kept = np.setdiff1d(problem_of, problem_of[cut])[: config.questions]
    return rows.take(np.isin(problem_of, kept)), numbers[kept]


def chosen(asked: Examples, numbers: np.ndarray, model: Model) -> text_metrics.Choices:
    """How often the right option is the one of the fewest nats a token; `read_options` gives the first two arguments.

    Without the division by tokens, which the end of the answer counts among, short options would be taken.
    """
    counts, right = numbers.T
    each = nats(model, asked) / asked.mask.sum(1)
    return text_metrics.choices(np.split(each, np.cumsum(counts)[:-1]), right)


def solution(steps: str, answer: str) -> str:
    return f"{steps} answer: {answer}"


def kind(steps: str) -> str:
    """Family of a problem: the first operation, and how many there are: "multiply, 2 steps"."""
    operations = [word for word in steps.split() if word in ("add", "subtract", "multiply", "divide")]
    count = len(operations)
    return f"{operations[0]}, {count if count < 3 else '3 or more'} step{'s' * (count > 1)}"


def pair_of(number: int, problem: str, steps: str, answer: str) -> Pair:
    return Pair("", problem, solution(steps, answer), f"template {number:02d}")


def read_templates(config, data_dir: str | None) -> list[Pair]:
    """config.examples word problems made in memory; a family is a template."""
    made = word_problems.problems(config.examples, len(word_problems.TEMPLATES), np.random.default_rng(0))
    return [pair_of(*one) for one in made]


def read_hub(config, data_dir: str | None) -> list[Pair]:
    """NuminaMath-CoT in a folder or of the hub: at most config.most problems; the family is its source."""
    rows = hub.records(config.folders.real, ("source", "problem", "solution"), config.most, data_dir)
    return [Pair("", row["problem"], row["solution"], row["source"]) for row in rows]


READERS = {"templates": read_templates, "math_steps": read_math_steps, "hub": read_hub}


def read_generated(config, pairs: list[Pair]) -> list[dict]:
    """What a language model wrote, for config.dataset: {"problem" (SHA-256), "text", "temperature"} each.

    pairs: of the train pool, for solutions made in memory.
    """
    if config.dataset != "templates":
        return corpus.read("solution")
    some = zip(pairs[:40], np.resize(config.temperatures, 40), strict=False)
    return [{"problem": digest(p.prompt), "text": f"so {p.response}", "temperature": float(t)} for p, t in some]


def by_temperature(records: list[dict], pairs: list[Pair]) -> dict[float, list[Pair]]:
    """Solutions joined with their problems, by temperature; problems that are not in the train pool are left out.

    records: as read_generated gives them. pairs: of the train pool.
    """
    known = {digest(pair.prompt): pair.prompt for pair in pairs}
    groups: dict[float, list[Pair]] = {}
    for record in records:
        if record["problem"] in known:
            pair = Pair("", known[record["problem"]], record["text"].strip(), GENERATED)
            groups.setdefault(float(record["temperature"]), []).append(pair)
    return groups
