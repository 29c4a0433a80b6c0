"""Complex reasoning: problems with the steps of their solution, real, from templates, or solved by a model."""

import functools
from functools import partial

import numpy as np
from jax.sharding import Mesh

from configs.common import one_of
from experiments.data import hub
from experiments.runtime.rng import generator
from experiments.synthetic import corpus, word_problems
from experiments.synthetic.prompts import digest
from experiments.tasks import sequences, text_metrics, token_rows
from experiments.tasks.mixture import GENERATED
from experiments.tasks.task import Task
from experiments.tasks.token_rows import Pair
from valuation.problem import Examples

DATASETS = {
    "templates": "made in memory",
    "math_steps": "MathQA with steps and StrategyQA, as BIG-bench ships them",
    "hub": "NuminaMath-CoT from the hub",
}
OTHER = "strategyqa"  # the family that is also a mechanism: the synthetic part is real text of this one family


def load(config, data_dir: str | None, mesh: Mesh) -> Task:
    """The task of configs/reasoning.py."""
    one_of("dataset", config.dataset, tuple(DATASETS))
    code = sequences.coder_of(config, data_dir)  # what is wrong there is said before data are read
    sources = {"templates": templates, "math_steps": partial(read, data_dir), "hub": partial(folder, data_dir=data_dir)}
    pairs = sources[config.dataset](config)
    real = [pair for pair in pairs if not pair.family.startswith(tuple(config.synthetic_sources))]
    # by the problem alone: the language model has never been shown a problem that is held out here
    parts = sequences.split(real, [pair.prompt for pair in real], config, code)
    encoded = partial(sequences.sampled, parts.coder, config.tokens, config.contributors.repeat)

    @functools.cache
    def solved() -> dict[float, list[Pair]]:
        return by_temperature(records(config, parts.pairs), parts.pairs)

    def written(examples, temperature, key):
        return encoded(solved(), examples, temperature, key)

    def from_templates(examples, kinds, key):
        made = word_problems.problems(len(examples.inputs), int(kinds), generator(key))
        return token_rows.encode(parts.coder, [pair_of(*one) for one in made], config.tokens)[0]

    mechanisms, strengths = {"template": from_templates}, {"template": (1, 4, len(word_problems.TEMPLATES))}
    if config.temperatures:
        mechanisms[GENERATED], strengths[GENERATED] = written, tuple(config.temperatures)
    others = {OTHER: [pair for pair in parts.pairs if pair.family == OTHER]}
    for name in sorted({pair.family for pair in pairs} - {pair.family for pair in real}):
        others[name] = [pair for pair in pairs if pair.family == name]
    for name, found in others.items():
        if found:
            mechanisms[name] = partial(encoded, {0.0: found})
            strengths[name] = (0.0,)
    task = sequences.task(config, parts, mechanisms, strengths, {"dataset": DATASETS[config.dataset]}, data_dir)
    if config.dataset != "math_steps" or not config.questions:
        return task
    asked = options(data_dir, parts.coder, config.tokens, [pair.prompt for pair in parts.tested], config.questions)
    return task._replace(choose=partial(chosen, *asked))


def read(data_dir: str | None, config) -> list[Pair]:
    """All problems of MathQA with their steps and all of StrategyQA with its explanations."""
    from experiments.data.builders.archived import rows
    from experiments.data.builders.math_steps import MathSteps
    from experiments.data.builders.strategy_qa import StrategyQA

    found = [
        Pair("", row["problem"], solution(row["steps"], row["answer"]), kind(row["steps"]))
        for row in rows(MathSteps, "bigbench", "train", data_dir)
    ]
    strategy = rows(StrategyQA, "bigbench", "train", data_dir)
    return found + [Pair("", row["question"], row["explanation"], OTHER) for row in strategy]


def options(data_dir: str | None, coder, limits, held_out: list[str], most: int) -> tuple[Examples, np.ndarray]:
    """(Examples, one an option, of at most `most` held-out MathQA problems, (q, 2) counts of options and right ones).

    Rows are as in training, the steps with an answer behind them: the steps, which the options of a problem share, do
    not change their order. Problems whose answer is cut are left out. The options of a problem follow each other.
    """
    from experiments.data.builders.archived import rows
    from experiments.data.builders.math_steps import MathSteps

    known = {row["problem"]: row for row in rows(MathSteps, "bigbench", "train", data_dir)}
    found = [known[problem] for problem in held_out if problem in known]
    asked = [Pair("", row["problem"], solution(row["steps"], c), "") for row in found for c in row["choices"]]
    numbers = np.array([(len(row["choices"]), row["choices"].index(row["answer"])) for row in found])
    rows, _ = token_rows.encode(coder, asked, limits)
    owner = np.repeat(np.arange(len(found)), numbers[:, 0])
    cut = ~((rows.targets == coder.end) & rows.mask).any(1)
    kept = np.setdiff1d(owner, owner[cut])[:most]
    return rows.take(np.isin(owner, kept)), numbers[kept]


def chosen(asked: Examples, numbers: np.ndarray, model) -> text_metrics.Choices:
    """How often the model finds the right option the most likely one; `options` gives the first two arguments."""
    counts, right = numbers.T
    return text_metrics.choices(np.split(sequences.nats(model, asked), np.cumsum(counts)[:-1]), right)


def solution(steps: str, answer: str) -> str:
    return f"{steps} answer: {answer}"


def kind(steps: str) -> str:
    """Family of a problem: the first operation, and how many there are: "multiply, 2 steps"."""
    operations = [word for word in steps.split() if word in ("add", "subtract", "multiply", "divide")]
    count = len(operations)
    return f"{operations[0]}, {count if count < 3 else '3 or more'} step{'s' * (count > 1)}"


def pair_of(number: int, problem: str, steps: str, answer: str) -> Pair:
    return Pair("", problem, solution(steps, answer), f"template {number:02d}")


def templates(config) -> list[Pair]:
    """Word problems made in memory; a family is a template."""
    made = word_problems.problems(config.examples, len(word_problems.TEMPLATES), np.random.default_rng(0))
    return [pair_of(*one) for one in made]


def folder(config, data_dir: str | None = None) -> list[Pair]:
    """NuminaMath-CoT in a folder or of the hub: at most config.most problems; the family is its source."""
    rows = hub.records(config.folders.real, ("source", "problem", "solution"), config.most, data_dir)
    return [Pair("", row["problem"], row["solution"], row["source"]) for row in rows]


def records(config, pairs: list[Pair]) -> list[dict]:
    """What a language model wrote: {"problem" (SHA-256), "text", "temperature"} each."""
    if config.dataset != "templates":
        return corpus.read("solution")
    some = zip(pairs[:40], np.resize(config.temperatures, 40), strict=False)
    return [{"problem": digest(p.prompt), "text": f"so {p.response}", "temperature": float(t)} for p, t in some]


def by_temperature(found: list[dict], pairs: list[Pair]) -> dict[float, list[Pair]]:
    """Solutions joined with their problems, by temperature; problems that are not in the train pool are left out."""
    known = {digest(pair.prompt): pair.prompt for pair in pairs}
    groups: dict[float, list[Pair]] = {}
    for one in found:
        if one["problem"] in known:
            pair = Pair("", known[one["problem"]], one["text"].strip(), GENERATED)
            groups.setdefault(float(one["temperature"]), []).append(pair)
    return groups
