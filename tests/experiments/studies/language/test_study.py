"""The language study: ranks, bins, errors by rank and whole runs, all on words made up in memory."""

import itertools
import json

import jax
import numpy as np
import pytest

from configs.language import get_config
from experiments.report import writer
from experiments.runtime import results
from experiments.studies.language import rank_errors, rank_study, study
from experiments.studies.language.rank_study import Source, again
from experiments.synthetic import language_model
from models.transformer import transformer
from tests.experiments.runtime.written import unwritten


@pytest.fixture(scope="module")
def finished(tmp_path_factory, unrendered_here):
    workdir = tmp_path_factory.mktemp("language")
    study.run(get_config("tiny,repeats=2"), str(workdir), None)
    return workdir


def zipf_texts(rng, law, count, length=30):
    return [rng.choice(len(law), length, p=law).astype(np.int32) for _ in range(count)]


def test_ranks_follow_frequency_and_unknown_words_lie_outside():
    ranks = rank_study.ranking(["The cat, the dog<br />the END", "dog's cat cat"])
    assert ranks == {"cat": 0, "the": 1, "dog": 2, "dog's": 3, "end": 4}
    texts = rank_study.numbered(["the bird", "...", "Cat the"], ranks)
    assert [text.tolist() for text in texts] == [[1, rank_study.OUTSIDE], [0, 1]]
    assert rank_study.counted(texts, 5).tolist() == [1, 2, 0, 0, 0]
    assert [text.tolist() for text in rank_study.shortened(texts, 3)] == [[1, -1], [0]]
    with pytest.raises(ValueError, match="9 words are wanted of texts that have 4"):
        rank_study.shortened(texts, 9)


def test_bootstrap_over_texts_covers_the_true_ratio():
    """30 samples, a step at rank 30 of 200: the true ratios of the first and the last bin lie in 95 % intervals."""
    law = np.arange(1.0, 201) ** -1.0
    law /= law.sum()
    cut = np.where(np.arange(200) < 30, law, 0.3 * law)
    cut /= cut.sum()
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(30):
        source = Source("continuation", 1.0, 0.9, zipf_texts(rng, cut, 40))
        reference = Source("uncut", 1.0, 1.0, zipf_texts(rng, law, 40))
        counts, compared = (rank_study.counted(one.texts, 200) for one in (source, reference))
        pairs = [(again(source, counts, counts, rng), again(reference, compared, counts, rng)) for _ in range(40)]
        line = rank_study.ratio(source.label(), counts, compared, pairs)  # `retained` fits laws to each pair too
        low, high = np.array(line["low"]), np.array(line["high"])
        full = cut[0] / law[0]
        hits += int(low[0] <= full <= high[0]) + int(low[-1] <= 0.3 * full <= high[-1])
    assert hits >= 47  # of 60; fewer have a probability of 2e-4 at a true coverage of 92 %


def test_words_that_come_in_clumps_widen_the_intervals_and_hide_no_law():
    rng = np.random.default_rng(1)
    law = np.arange(1.0, 201) ** -1.0
    law /= law.sum()
    clumped = [np.repeat(text[:10], 6) for text in zipf_texts(rng, law, 100)]
    verdicts = [
        rank_study.retained(
            Source("continuation", 1.0, 0.9, texts), Source("uncut", 1.0, 1.0, texts[::-1]), 200, 60, rng
        )[-2]
        for texts in (clumped, zipf_texts(rng, law, 100))
    ]
    assert verdicts[0]["dispersion"] > 3 > 2 > verdicts[1]["dispersion"]
    assert {verdict["best"] for verdict in verdicts} == {"none"}


def test_own_order_comes_from_one_half_and_counts_from_the_other():
    texts = [np.array([5, 5, 3]), np.array([3, 3, 7]), np.array([3, 5]), np.array([7])]
    order, counts = rank_study.own_order(texts, 9)
    assert order.tolist() == [5, 3]
    assert counts[order].tolist() == [0, 2]
    assert counts[7] == 2


def test_errors_in_bins_of_ranks():
    found = rank_errors.binned(np.array([0, 4, 5, 9, 10]), np.arange(5.0), np.array([1, 0, 1, 1, 0]), (5, 10, 20))
    assert found.targets.tolist() == [2, 2, 1, 0]
    np.testing.assert_allclose(found.nats, [0.5, 2.5, 4, np.nan])
    np.testing.assert_allclose(found.wrong, [0.5, 1.0, 0, np.nan])


def test_rows_of_a_stream_and_the_number_of_rarer_words():
    found = rank_errors.rows([np.array([0, 5, -1]), np.array([2, 1, 0, 0])], vocabulary=6, length=4)
    stream = [0, 1, 5, 5, 0, 3, 2, 1, 1]  # break, rank 0, too rare, unknown, break, ranks 2, 1, 0, 0
    np.testing.assert_array_equal(found.inputs, [stream[:4], stream[4:8]])
    np.testing.assert_array_equal(found.targets, [stream[1:5], stream[5:]])
    with pytest.raises(ValueError, match="do not fill one row"):
        rank_errors.rows([np.array([1])], vocabulary=6, length=4)


def test_nats_are_those_of_the_softmax():
    model = transformer(7, 5, 8, layers=1, heads=2, hidden=8, key=jax.random.key(0))
    tokens = np.random.default_rng(2).integers(0, 7, (3, 6)).astype(np.int32)
    nats, wrong = rank_errors.measure(model.params, model.frozen, tokens, apply=model.apply)
    logits = np.asarray(jax.jit(model.apply)(model.params, model.frozen, tokens[:, :-1]), float)
    for row, place in itertools.product(range(3), range(5)):
        chances = np.exp(logits[row, place]) / np.exp(logits[row, place]).sum()
        assert nats[row, place] == pytest.approx(-np.log(chances[tokens[row, place + 1]]), rel=1e-5)
        assert wrong[row, place] == (chances.argmax() != tokens[row, place + 1])


def test_empty_and_over_long_texts_are_counted():
    settings = get_config("tiny").pretrained
    texts = ["", "a", "a b c d e f g h i j k l m", "some words"]
    found, facts = rank_errors.pretrained_errors(language_model.untrained(), texts, ["a b c"], settings, 0)
    assert facts == {"texts": 4, "empty": 2, "cut": 1}
    assert [len(one["nats"]) for one in found] == [settings.tokens.length, 10]


def test_the_study_finds_what_was_done_to_independent_words(finished):
    """Where every word is drawn alone, top-p is a sharp cut and temperature a power of the rank."""
    lines = results.read(finished / results.FILE)
    assert unwritten("language", lines) == []
    for line in results.select(lines, kind="verdict", reference="uncut"):
        allowed = {"tilt"} if line["top_p"] == 1 else {"sharp", "step"}
        assert line["best"] in allowed, line
    (real,) = results.select(lines, kind="verdict", source="real")
    assert real["best"] == "none"
    tilts = {
        line["temperature"]: line["bootstrap"]["tilt"]
        for line in results.select(lines, kind="retention", reference="uncut", law="tilt", top_p=1.0)
    }
    for temperature, (low, high) in tilts.items():  # p^(1/T) of p = i^-1.2 is i^-1.2/T
        assert low - 0.06 <= 1.2 * (1 / temperature - 1) <= high + 0.06


def test_a_finished_run_has_report_and_figures_and_is_left_alone(finished, capsys):
    assert all((finished / "figures" / f"{name}.png").exists() for name in ("rank_frequency", "tail_mass", "errors"))
    before = (finished / results.FILE).read_text()
    study.run(get_config("tiny,repeats=2"), str(finished), None)
    assert (finished / results.FILE).read_text() == before
    assert "is finished" in capsys.readouterr().out
    words = writer(finished)(finished).read_text()
    assert "Is a sharp cutoff a fair model" in words
    seeds = {(x["source"], x["temperature"], x["top_p"], x["seed"]) for x in map(json.loads, before.splitlines())
             if x["kind"] == "error" and x["learner"] == "decoder"}  # fmt: skip
    assert len(seeds) == 9 * 2


def test_an_interrupted_run_goes_on_to_the_same_numbers(finished, tmp_path):
    whole = (finished / results.FILE).read_text().splitlines(keepends=True)
    (tmp_path / "config.json").write_text((finished / "config.json").read_text())
    place = next(i for i, line in enumerate(whole) if json.loads(line).get("learner") == "decoder")
    (tmp_path / results.FILE).write_text("".join(whole[:place]) + whole[place][:30])
    study.run(get_config("tiny,repeats=2"), str(tmp_path), None)

    def numbers(path):
        return [[x["nats"], x["wrong"]] for x in results.read(path / results.FILE) if x["kind"] == "error"]

    assert numbers(tmp_path) == numbers(finished)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": "imbd_half"}, "did you mean 'imdb_half'"),
        ({"bootstrap": 1}, "at least 1 and 2"),
        ({"decoder.edges": (5, 5)}, "ranks that grow"),
        ({"words": 10**6}, "1000000 words are wanted"),
    ],
)
def test_bad_configs_are_named(change, words, tmp_path):
    config = get_config("tiny")
    config.update_from_flattened_dict(change)
    with pytest.raises(ValueError, match=words):
        study.run(config, str(tmp_path), None)
