import json

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from scipy.special import log_softmax

from configs import reasoning as config_file
from experiments.data.builders import math_steps, strategy_qa
from experiments.runtime import mesh
from experiments.studies.valuation import report
from experiments.tasks import load, reasoning, text_metrics, token_rows
from models.transformer import transformer
from tests.experiments.tasks.test_instructions import put

CONFIG = config_file.get_config("tiny")
LIMITS = ConfigDict({"length": 80, "instruction": 0, "response": 50})
MATH = [
    {"input": f"what is {i} times 3 ?\nmultiply {i} by 3.", "target_scores": {str(2 * i): 0, str(3 * i): 1}}
    for i in range(1, 9)
]
FACTS = [{"input": f"is {i} odd?", "target": "Yes. It is.", "target_scores": {"Yes": 1, "No": 0}} for i in range(4)]


@pytest.fixture
def archive(tmp_path, monkeypatch):
    put(tmp_path, monkeypatch, {math_steps.MEMBER: {"examples": MATH}, strategy_qa.MEMBER: {"examples": FACTS}})
    return str(tmp_path)


def test_the_archive_gives_problems_steps_answers_and_families(archive):
    pairs = reasoning.read_math_steps(CONFIG, archive)
    assert token_rows.Pair("", "what is 2 times 3 ?", "multiply 2 by 3. answer: 6", "multiply, 1 step") in pairs
    assert token_rows.Pair("", "is 1 odd?", "Yes. It is.", "strategyqa") in pairs
    assert len(pairs) == 12
    assert reasoning.kind("add 1 to 2, divide the result by 3, subtract 1, add 4") == "add, 3 or more steps"


def asking(limits, questions: int) -> ConfigDict:
    return ConfigDict({"tokens": limits, "questions": questions})


def test_options_of_held_out_problems(archive):
    code = token_rows.trained_coder([x["input"] for x in MATH], 300)
    held_out = ["what is 4 times 3 ?", "is 1 odd?", "what is 2 times 3 ?", "what is 5 times 3 ?"]
    found, numbers = reasoning.read_options(asking(LIMITS, 2), archive, code, held_out)
    assert numbers.tolist() == [[2, 1], [2, 1]]
    prompts, answers = zip(*token_rows.texts(code, found.inputs), strict=True)
    assert prompts == ("what is 4 times 3 ?",) * 2 + ("what is 2 times 3 ?",) * 2
    assert answers == tuple(f"multiply {i} by 3. answer: {c}" for i, c in ((4, 8), (4, 12), (2, 4), (2, 6)))
    targets = [
        code.tokenizer.decode(row[chosen].tolist()) for row, chosen in zip(found.targets, found.mask, strict=True)
    ]
    assert targets == [" 8", " 12", " 4", " 6"]
    room = len(code.tokenizer.encode(answers[0]).ids) + 1  # for it and its end; an answer of two digits is cut
    _, numbers = reasoning.read_options(asking(LIMITS.to_dict() | {"response": room}, 2), archive, code, held_out)
    assert numbers.tolist() == [[2, 1]]


def test_models_choose_by_the_likelihood_of_whole_answers(archive):
    code = token_rows.trained_coder([x["input"] for x in MATH], 300)
    found, numbers = reasoning.read_options(
        asking(LIMITS, 9), archive, code, [f"what is {i} times 3 ?" for i in range(1, 9)]
    )
    model = transformer(300, LIMITS["length"], 16, layers=1, heads=2, hidden=32, tied=True, key=jax.random.key(0))
    logits = np.asarray(model.apply(model.params, model.frozen, found.inputs), np.float64)
    tokens = np.take_along_axis(log_softmax(logits, -1), np.asarray(found.targets)[..., None], -1)[..., 0]
    nats = -((tokens * found.mask).sum(1) / found.mask.sum(1)).reshape(8, 2)
    accuracy = (nats.argmin(1) == numbers[:, 1]).mean()
    result = reasoning.chosen(found, numbers, model)
    assert (result.accuracy, result.chance, result.questions) == (accuracy, 0.5, 8)


def test_solutions_join_their_problems_in_the_train_pool():
    pool = [token_rows.Pair("", "what is 1 + 1 ?", "2", "a")]
    known, other = (reasoning.digest(text) for text in (" what is 1 + 1 ?", "a held-out one"))
    found = [
        {"problem": known, "text": " two ", "temperature": 0.7},
        {"problem": other, "text": "x", "temperature": 0.7},
    ]
    expected = {0.7: [token_rows.Pair("", "what is 1 + 1 ?", "two", "generated")]}
    assert reasoning.by_temperature(found, pool) == expected


@pytest.fixture(scope="module")
def task():
    return load(CONFIG, None, mesh.devices())


def test_templates_of_the_strength_and_no_others(task):
    some = task.train.take(np.arange(30))
    one = task.mechanisms["template"](some, 1, jax.random.key(0))
    every = task.mechanisms["template"](some, 12, jax.random.key(0))

    def verbs(examples):
        return {task.sample(row).split()[0] for row in examples.inputs}

    assert verbs(one) == {"subtract"}
    assert len(verbs(every)) == 4
    assert "generated" in task.mechanisms
    assert "strategyqa" not in task.mechanisms  # the problems made in memory have no such family


def test_the_paper_scale_takes_sources_as_mechanisms(tmp_path):
    config = config_file.get_config("paper")
    sources = ["olympiads", "olympiads", "gsm8k", "synthetic_math", "orca_math"]
    lines = [{"source": s, "problem": f"p{i} of {s}", "solution": f"{s} {i}"} for s in sources for i in range(20)]
    (tmp_path / "part.jsonl").write_text("\n".join(map(json.dumps, lines)))
    config.folders.real = str(tmp_path)
    config.split.update({"validation": 5, "test": 5})
    config.tokens.update({"length": 32, "instruction": 0, "response": 16, "vocabulary": 270})
    config.model.update({"name": "decoder", "width": 8, "layers": 1, "heads": 2, "hidden": 8})
    task = load(config, None, mesh.devices())
    assert set(task.mechanisms) == {"template", "synthetic_math", "orca_math"}
    assert len(np.unique(task.groups)) == 2
    made = task.mechanisms["orca_math"](task.train.take(np.arange(4)), 0.0, jax.random.key(0))
    assert all("orca_math" in task.sample(row) for row in made.inputs)


@pytest.mark.parametrize(("skill", "words"), [(0.2, "not told apart from guessing"), (0.3, ": above guessing")])
def test_the_report_says_whether_options_are_chosen_better_than_by_guessing(skill, words):
    rng = np.random.default_rng(0)
    nats = rng.exponential(1, (36, 200, 5))  # of 36 models; the right option is number 0
    nats[:, :, 0] *= (1 - skill) / (4 * skill)  # the least of exponentials: it wins with probability `skill`
    found = [text_metrics.choices(list(one), np.zeros(200, int))._asdict() for one in nats]
    (text,) = report.choices(
        [{"kind": "truth", "choices": [*found[:18], None]}, {"kind": "truth", "choices": found[18:]}]
    )
    assert words in text
    assert f"on average {np.mean(nats.argmin(2) == 0):.3f} are right" in text
