"""What methods are said to need, against what NumPy allocates; what does not fit is refused."""

import tracemalloc

import numpy as np
import pytest

from tests.problems import contributor, corners, data, numbers, sequences
from valuation import needs
from valuation.methods import METHODS, logra, trak
from valuation.problem import Examples
from valuation.workers import use_workers

LARGE = needs.Sizes(60_000, 120_000, 500, 784, 10, parameters=118_282, width=1_178, initialisations=3)
LARGE = LARGE._replace(shapes=((784, 128), (128, 128), (128, 10)))


def test_sizes_of_classes_and_sequences():
    s = needs.sizes(corners())
    assert (s.examples, s.validation, s.features, s.outputs, s.tokens) == (60, 40, 5, 3, 1)
    assert s.union == sum(len(c.index) for c in corners().contributors)
    assert (s.parameters, s.shapes, s.width) == (5 * 8 + 8 + 8 * 3 + 3, ((5, 8), (8, 3)), 5 + 8 + 8 + 3)
    assert (s.initialisations, s.checkpoints) == (2, 2)
    assert needs.sizes(numbers()).outputs == 1
    of_tokens = needs.sizes(sequences())
    assert (of_tokens.tokens, of_tokens.vocabulary, of_tokens.state) == (7, 12, 8)


@pytest.mark.parametrize(
    ("name", "width"),
    [("rbf_utility", 5), ("knn_utility", 5), ("linear_utility", 2000), ("score_disagreement", 2000),
     ("mmd_only", 2000), ("ntk_utility", 5), ("kernel_sum", 5), ("davinz", 5), ("deviation", 5), ("lava", 5),
     ("knn_shapley", 2000), ("embedding_similarity", 2000), ("leave_one_out", 5)],
)  # fmt: skip
def test_a_method_takes_no_more_than_it_says(name, width):
    """What NumPy allocates, all but the arrays of XLA; and it is a third of that at least, or nothing would be said."""
    pool = data(400, 3)
    problem = corners()._replace(
        pool=pool, contributors=(contributor("all", np.arange(400), pool),), validation=data(200, 4),
        features=lambda inputs: np.tile(inputs, width // 5),
    )  # fmt: skip
    peak = peak_of(name, problem)
    said = METHODS[name].needs(needs.sizes(problem)).bytes
    assert peak < said < 3 * peak


@pytest.mark.parametrize("layers", [(700,), (300, 400)])
def test_scores_of_examples_take_no_more_than_they_say(layers):
    """LoGra's Fisher matrices and TRAK's solve, from gradients that are random here."""
    rng = np.random.default_rng(0)
    train, query = (rng.normal(size=(count, sum(layers))).astype(np.float32) for count in (300, 100))
    s = needs.Sizes(300, 300, 100, 5, 3, shapes=tuple((1, width) for width in layers))
    for compute, said in (
        (lambda: logra.scores([train.copy()], query.copy(), list(layers)), needs.projected_by_layer(s, rank=1000)),
        (lambda: trak.scores(train.copy(), query.copy()), needs.projected(s, numbers=sum(layers))),
    ):
        assert allocated(compute) < said.bytes < 4 * allocated(compute)


@pytest.mark.parametrize("name", ["knn_lm", "token_ridge"])
def test_methods_of_tokens_take_no_more_than_they_say(name):
    tokens = np.random.default_rng(0).integers(1, 12, (900, 8)).astype(np.int32)
    pool = Examples(tokens[:, :-1], tokens[:, 1:], np.ones((900, 7), bool))
    problem = sequences()._replace(
        pool=pool, contributors=(contributor("all", np.arange(600), pool),), validation=pool.take(np.arange(600, 900))
    )
    peak = peak_of(name, problem)
    assert peak < METHODS[name].needs(needs.sizes(problem)).bytes < 3 * peak


def peak_of(name, problem):
    return allocated(lambda: METHODS[name](problem))


def allocated(compute):
    """Bytes that NumPy holds at most while something is computed a second time."""
    compute()
    tracemalloc.start()
    compute()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_what_does_not_fit_is_refused_with_a_way_out():
    words = "^deviation of a contributor of 60 examples, 241 in all, needs 0.0029 GB, 0.001 GB .* rbf_relative"
    with use_workers(available=10**6):
        assert np.isfinite(METHODS["rbf_relative"](corners())).all()
        with pytest.raises(ValueError, match=words):
            METHODS["deviation"](corners())


def test_methods_of_any_size_fit_and_the_others_name_them():
    for name, method in METHODS.items():
        needed = method.needs(LARGE).bytes
        words = needs.refusal_of_size(name, needed, LARGE, "classification", 4 * 10**9)
        grows = name in {
            "ntk_utility", "ntk_flow", "score_literal", "score_scale_free", "score_kappa", "score_calibrated",
            "score_kernel_scaled", "davinz", "deviation", "loss_only", "logra", "ntk_relative", "kernel_sum",
            "lava",
        }  # fmt: skip
        assert bool(words) == grows, (name, needed)
    assert needs.refusal_of_size("loss_only", 28 * 60_000**2, LARGE, "classification", 16 * 10**9) == (
        "loss_only of a contributor of 60,000 examples, 120,000 in all, needs 100.8 GB, 16.0 GB are free: leave it "
        "out, or take rbf_relative, which needs 1.1 GB"
    )


def test_operations_grow_as_they_should():
    many, ten = (LARGE._replace(examples=n, union=2 * n) for n in (200_000, 2_000_000))
    for name, power in {"ntk_utility": 3, "rbf_relative": 1, "mmd_only": 1, "knn_utility": 1, "deviation": 3}.items():
        growth = METHODS[name].needs(ten).flops / METHODS[name].needs(many).flops
        assert np.log10(growth) == pytest.approx(power, abs=0.2), name
