"""States and probabilities of a tiny adapted decoder, against its parts called one by one."""

from functools import cache

import jax
import numpy as np
import pytest
from scipy.special import log_softmax

from models.decoder import Config, decoder
from models.functional import call
from models.lora import with_lora
from tests.problems import contributor, sequences
from valuation import target_positions, token_states
from valuation.problem import Problem
from valuation.shared import Shared
from valuation.token_states import contributor_states, output_weights, validation_states


@cache
def adapted() -> Problem:
    """`sequences` with a pretrained decoder: of weights that are not small, so that it says something of each token.

    Its contributors have repeats, one of them a single sequence, one no target token.
    """
    problem = sequences()
    base = decoder(Config(12, 8, 2, 2, 1, 4, 16), jax.random.key(0))
    base = base._replace(params=jax.tree.map(lambda leaf: 20 * leaf if leaf.ndim == 2 else leaf, base.params))
    model = with_lora(base, ("q", "v"), rank=2, last=1, key=jax.random.key(1))
    mask = problem.pool.mask.copy()
    mask[66:] = False
    pool = problem.pool._replace(mask=mask)
    rows = {"pattern": [*range(12), 3, 3], "noise": range(30, 50), "one": [1], "silent": [66, 67]}
    return problem._replace(
        model=model, initial=(model.params, model.params), pool=pool, learner="pretrained", shared=Shared(),
        contributors=tuple(contributor(name, list(index), pool) for name, index in rows.items()),
    )  # fmt: skip


def test_states_are_what_the_last_layer_reads():
    problem = adapted()
    model, examples = problem.model, problem.validation
    got = validation_states(problem)
    assert got is validation_states(problem)  # computed once
    tokens = jax.numpy.asarray(examples.inputs)
    read = call(model.merged, model.params, model.frozen, lambda m, x: m.norm(m.states(x)[0]), tokens)
    np.testing.assert_allclose(got.states, np.asarray(read)[examples.mask], rtol=1e-5, atol=1e-5)
    logits = np.asarray(model.apply(model.params, model.frozen, examples.inputs), np.float64)[examples.mask]
    expected = log_softmax(logits, axis=1)[np.arange(len(logits)), got.tokens]
    np.testing.assert_allclose(got.log_p, expected, atol=1e-5)
    np.testing.assert_array_equal(got.tokens, examples.targets[examples.mask])
    np.testing.assert_array_equal(got.rows, np.nonzero(examples.mask)[0])
    found = got.states @ output_weights(problem, np.array([3, 7]))
    np.testing.assert_allclose(found, logits[:, [3, 7]], atol=1e-5)


def test_repeats_are_left_out_and_no_target_token_is_no_state():
    problem = adapted()
    sizes = [len(np.unique(contributor_states(problem, c).rows)) for c in problem.contributors]
    assert sizes == [12, 20, 1, 0]
    silent = problem.validation._replace(mask=np.zeros_like(problem.validation.mask))
    with pytest.raises(ValueError, match="no sequence of the validation set has a target token"):
        validation_states(problem._replace(validation=silent))


def test_a_model_that_says_nothing_of_its_last_layer_is_refused():
    with pytest.raises(ValueError, match="the model does not say which layer gives its outputs"):
        validation_states(sequences()._replace(model=sequences().model._replace(readout=None)))


def test_rows_of_few_and_of_many_targets_are_read_apart_and_stand_in_order(monkeypatch):
    problem = adapted()
    mask = problem.validation.mask.copy()
    mask[::2] &= np.cumsum(mask[::2], 1) <= 2  # every other row has two targets at most
    mask[3] = False
    several = problem._replace(validation=problem.validation._replace(mask=mask), shared=None)
    expected = validation_states(several)
    for module in (target_positions, token_states):
        monkeypatch.setattr(module, "STEP", 2)
    for found, wanted in zip(validation_states(several), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
