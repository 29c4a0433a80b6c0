"""Contributors beside real data: the set R, unions, their values and their truth, by hand."""

from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from configs import images
from experiments import tasks
from experiments.runtime.results import select
from experiments.studies.valuation import beside, ground_truth, study
from experiments.studies.valuation.defaults import complete
from experiments.tasks import mixture
from experiments.tasks.text_metrics import Choices
from tests.problems import corners
from valuation.methods import METHODS
from valuation.problem import contributor_examples

KEY = jax.random.key(0)
PROBLEM = corners()
BASE = mixture.real_set(KEY, PROBLEM.pool, 20, "R")
UNIONS = PROBLEM._replace(contributors=beside.offered(PROBLEM.contributors, BASE))


def test_the_set_holds_different_real_examples_of_the_train_pool():
    assert len(set(BASE.index)) == 20
    assert set(zip(BASE.real, BASE.origin.mechanism, strict=True)) == {(True, "real")}
    np.testing.assert_array_equal(BASE.targets, PROBLEM.pool.targets[BASE.index])
    with pytest.raises(ValueError, match=r"config.beside = 121.: expected 1 to 120"):
        beside.base(SimpleNamespace(truth="added", beside=121), PROBLEM.pool, KEY)
    assert beside.base(SimpleNamespace(truth="own_set", beside=20), PROBLEM.pool, KEY) is None
    assert beside.offered(PROBLEM.contributors, None) is PROBLEM.contributors
    with pytest.raises(ValueError, match="beside = 0, expected at least 1"):
        beside.check(SimpleNamespace(truth="added", beside=0, methods=()))
    with pytest.raises(ValueError, match="shapley with truth=added: a coalition of nobody would lack R"):
        beside.check(SimpleNamespace(truth="added", beside=5, methods=("size", "shapley")))


def test_a_union_holds_the_set_and_then_the_contributor_with_its_own_labels():
    for union, one in zip(UNIONS.contributors, PROBLEM.contributors, strict=True):
        both = contributor_examples(UNIONS, union)
        for side, rows in ((BASE, slice(20)), (one, slice(20, None))):
            examples = contributor_examples(PROBLEM, side)
            np.testing.assert_array_equal(both.inputs[rows], examples.inputs)
            np.testing.assert_array_equal(both.targets[rows], examples.targets)
            np.testing.assert_array_equal(union.real[rows], side.real)
            np.testing.assert_array_equal(union.origin.mechanism[rows], side.origin.mechanism)
        assert union.name == one.name


def test_what_predicts_a_metric_is_a_gain_and_an_order_stays():
    for name, gain in (("linear_utility", True), ("rbf_margin", False), ("size", False)):
        whole = METHODS[name](UNIONS)
        alone = METHODS[name](PROBLEM._replace(contributors=(BASE,)))
        np.testing.assert_allclose(beside.values(METHODS[name], UNIONS, BASE, {}), whole - gain * alone)
    np.testing.assert_array_equal(
        beside.values(METHODS["size"], PROBLEM, None, {}), [len(c.index) for c in PROBLEM.contributors]
    )


@pytest.fixture(scope="module")
def drawn():
    """Lines of one draw by truth, and the keys of the trainings, which only count their examples."""
    config = images.get_config("tiny,truth_seeds=2,beside=30")
    config.methods, config.choice, config.validation_sizes = ("size",), "size", (20, 50, 1000)
    config.validation_methods = ("knn_utility",)
    config.contributors.explicit = tuple(
        {"name": str(n), "size": n, "mechanism": "noise", "strength": 3, "real_share": 0.5} for n in (20, 10, 40)
    )
    task = tasks.load(config, None, None)
    task = task._replace(
        measure=lambda model, data: (model.params + len(data.inputs), 2 * model.params),
        choose=lambda model: Choices(float(model.params), (0.0, 1.0), 0.5, 9),
    )
    keys, lines = {}, {}

    def counted(recipe, sets, given, **_):
        keys[config.truth] = [jax.random.key_data(key).tolist() for key in given]
        return [len(one.inputs) for one in sets]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ground_truth, "fit", counted)
        for config.truth in ("own_set", "added"):
            complete(config)
            study.check(config)
            steps = study.one_draw(config, task, 5, None, Path("unused"), [])
            lines[config.truth] = [x for step in steps if step.lines[0]["kind"] != "terms" for x in step.make()]
            next(study.one_draw(config, task, 5, None, Path("unused"), lines[config.truth]))  # finds its contributors
    return lines, keys


def test_the_truth_is_what_the_set_gains(drawn):
    lines, keys = drawn
    sizes, (validation, test) = np.array([20, 10, 40]), (60, 100)
    for line in select(lines["own_set"], kind="truth"):
        assert (line["truth"], line["beside"]) == ("own_set", 0)
        for field, expected in (("utility", sizes + test), ("validation", sizes + validation), ("loss", 2 * sizes)):
            np.testing.assert_array_equal(line[field], expected)
    for line in select(lines["added"], kind="truth"):
        assert (line["truth"], line["beside"]) == ("added", 30)
        for field, expected in (("utility", sizes), ("validation", sizes), ("loss", 2 * (30 + sizes))):
            np.testing.assert_array_equal(line[field], expected)
    for truth, set_size in (("own_set", 0), ("added", 30)):
        for line in select(lines[truth], kind="truth"):  # of the models, only the best and the worst are asked
            assert [one and one["accuracy"] for one in line["choices"]] == [None, set_size + 10, set_size + 40]
    assert [len(select(lines[truth], kind="truth")) for truth in lines] == [2, 2]
    different = {truth: [len({str(key) for key in some}) for some in (all_keys[: len(all_keys) // 2], all_keys)]
                 for truth, all_keys in keys.items()}  # fmt: skip
    assert different == {"own_set": [3, 6], "added": [1, 2]}  # of one seed, of both


def test_contributors_are_those_without_the_set_and_values_those_of_unions(drawn):
    lines, _ = drawn
    assert [select(lines[truth], kind="contributor") for truth in lines] == 2 * [
        select(lines["own_set"], kind="contributor")
    ]
    sizes = {truth: select(lines[truth], kind="values", method="size")[0]["values"] for truth in lines}
    assert sizes == {"own_set": [20, 10, 40], "added": [50, 40, 70]}
    for truth in lines:  # the validation set has 60 examples
        assert [x["examples"] for x in select(lines[truth], kind="validation values")] == [20, 50]
