import numpy as np
import pytest

from experiments.synthetic import word_problems


def test_word_problems_are_right():
    made = word_problems.problems(300, 12, np.random.default_rng(1))
    assert {kind for kind, *_ in made} == set(range(12))
    verbs = {"add": lambda x, y: x + y, "multiply": lambda x, y: x * y}
    for _, problem, steps, answer in made:
        result = None
        for step in steps.rstrip(".").split(", "):  # the steps are carried out, word by word
            verb, first, _, second = step.replace("the result", "R").split(" ")
            first, second = (result if word == "R" else int(word) for word in (first, second))
            ways = verbs | {"subtract": lambda x, y: y - x, "divide": lambda x, y: x / y}
            result = ways[verb](first, second)
        assert result == int(answer) >= 0
        assert "{" not in problem
    with pytest.raises(ValueError, match="1 to 12"):
        word_problems.problems(1, 13, np.random.default_rng(0))
