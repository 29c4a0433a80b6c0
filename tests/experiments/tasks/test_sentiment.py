"""The sentiment task: its sources, splits and mechanisms on texts made up here, and its run at the smallest scale."""

import csv
import hashlib
import io
import json
import zipfile

import jax
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import tensorflow_datasets as tfds

from configs import sentiment as config_file
from experiments.data import archives, reviews
from experiments.data.builders.movie_reviews import MEMBER
from experiments.data.vocabulary import decode, encode, vocabulary
from experiments.runtime import mesh, results
from experiments.studies.valuation import study
from experiments.synthetic import corpus, review_texts
from experiments.synthetic.language_model import untrained
from experiments.tasks import frozen_features, load, sentiment, sentiment_sources
from experiments.tasks.task_on_states import on_states
from models.decoder import hidden
from models.mlp import mlp
from valuation.problem import Examples

PRAISE, BLAME = ("splendid", "wonderful"), ("horrid", "dreadful")


def text(label: int, number: int, subject: str) -> str:
    """A text of its own for every number, that says its label and where it is from."""
    return f"{subject} {number} is {(BLAME, PRAISE)[label][number % 2]} and number {number} of {subject}"


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """A folder with a stand-in of the archive: 60 reviews of IMDb, one of them twice, and 20 of Rotten Tomatoes."""
    rows = [(text(i % 2, i, "film"), i % 2, "imdb") for i in range(60)]
    rows += [rows[0]] + [(text(i % 2, i, "tomato"), i % 2, "rotten_tomatoes") for i in range(20)]
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerows([("text", "label", "source"), *rows])
    path = tmp_path / "archives" / "reviews.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(MEMBER, table.getvalue())
    entry = archives.Archive("reviews", "1", hashlib.sha256(path.read_bytes()).hexdigest(), path.name, 0.1)
    monkeypatch.setitem(archives.ARCHIVES, "reviews", entry)
    records = [
        {"text": text(i % 2, i, "machine"), "label": i % 2, "temperature": 1.0, "top_p": (0.7, 0.9)[i // 2 % 2]}
        for i in range(12)
    ]
    monkeypatch.setattr(corpus, "read", {"review": records}.__getitem__)
    return str(tmp_path)


@pytest.fixture
def config():
    out = config_file.get_config("small")
    out.split.update({"validation": 10, "test": 15})
    out.tokens, out.model.widths = {"vocabulary": 90, "length": 12}, (4,)
    return out


@pytest.fixture
def task(config, data_dir):
    return load(config, data_dir, mesh.devices())


def words(task, examples) -> list[str]:
    return [task.sample(row) for row in examples.inputs]


def test_both_users_of_the_archive_read_the_same_texts(config, data_dir):
    found, sources = reviews.read_archive(config, data_dir)
    assert (len(found.texts), np.sum(sources == "imdb"), np.sum(sources == "rotten_tomatoes")) == (81, 61, 20)
    for said, label, source in zip(found.texts, found.labels, sources, strict=True):
        assert any(word in said for word in (BLAME, PRAISE)[label])
        assert ("tomato" in said) == (source == "rotten_tomatoes")
    assert reviews.read_texts(config, data_dir) == list(dict.fromkeys(found.texts))
    assert len(reviews.read_texts(config, data_dir)) == 80


def test_parts_share_no_text_and_hold_films_only(task):
    parts = [words(task, part) for part in (task.train, task.validation, task.test)]
    assert [len(part) for part in parts] == [35, 10, 15]
    assert task.notes["duplicates dropped"] == 1
    assert all("tomato" not in said and "machine" not in said for part in parts for said in part)
    np.testing.assert_array_equal(task.groups, task.train.targets)
    known = set(" ".join(words(task, task.train)).split())
    assert {w for said in words(task, task.test) for w in said.split()} <= known  # counted on the train pool alone


def test_every_mechanism_keeps_number_form_and_targets(task):
    some = task.train.take(np.arange(9))
    assert set(task.mechanisms) == set(task.strengths) == {"generated", "rotten_tomatoes", "vocabulary"}
    for name, mechanism in task.mechanisms.items():
        for strength in task.strengths[name]:
            made = mechanism(some, strength, jax.random.key(0))
            assert (made.inputs.shape, made.inputs.dtype) == (some.inputs.shape, np.int32), name
            np.testing.assert_array_equal(made.targets, some.targets)
            assert np.all((made.inputs[:, 1:] == 0) | (made.inputs[:, :-1] != 0)), "padding stands on the right"
            again = mechanism(some, strength, jax.random.key(0))
            np.testing.assert_array_equal(again.inputs, made.inputs)


def test_other_texts_have_the_right_label_source_and_setting(config, data_dir):
    config.tokens.vocabulary = 1000
    task = load(config, data_dir, mesh.devices())
    learn = reviews.Reviews([text(i % 2, i, s) for s in ("tomato", "machine") for i in range(20)], np.arange(40) % 2)
    names = vocabulary(learn.texts * 2, 1000)
    rows, _ = encode(names, learn.texts, 12)
    source = Examples(rows, learn.labels.astype(np.int32))
    some = task.train.take(np.arange(30))
    made = review_texts.borrowed("tomatoes", source.take(np.arange(20)), True, some, 1, jax.random.key(1))
    for row, label in zip(made.inputs, some.targets, strict=True):
        said = decode(names, row)
        assert said.startswith("tomato")
        assert any(word in said for word in (BLAME, PRAISE)[label])
    good = some.targets == 1
    assert len(np.unique(made.inputs[good], axis=0)) == min(10, good.sum())  # repeated only when all are used up
    joined = review_texts.borrowed("tomatoes", source.take(np.arange(20)), True, some, 2, jax.random.key(1))
    assert all(decode(names, row).count("tomato") >= 3 for row in joined.inputs)
    mass = np.array([0.7, 0.9])[np.arange(20) // 2 % 2]
    cut = review_texts.written(source.take(np.arange(20, 40)), mass, True, some, 0.7, jax.random.key(1))
    numbers = {int(decode(names, row).split()[1]) for row in cut.inputs}
    assert numbers == {i for i in range(20) if mass[i] == 0.7}


def test_impossible_strengths_and_missing_labels_are_refused(task):
    some = task.train.take(np.arange(4))
    for name, strength, message in (
        ("generated", 0.5, "no generated review was sampled at top-p 0.5, known: 0.7, 0.9"),
        ("rotten_tomatoes", 0, "at least 1 text"),
        ("vocabulary", 0, "at least 1 word"),
    ):
        with pytest.raises(ValueError, match=message):
            task.mechanisms[name](some, strength, jax.random.key(0))
    one_sided = some._replace(targets=np.zeros(4, np.int32))
    other = some._replace(targets=np.ones(4, np.int32))
    with pytest.raises(ValueError, match="tomatoes has no text with label 1"):
        review_texts.borrowed("tomatoes", one_sided, True, other, 1, jax.random.key(0))
    with pytest.raises(ValueError, match=r"tomatoes \(label 0\) has 4 examples, a contributor asks for 8"):
        review_texts.borrowed("tomatoes", one_sided, False, one_sided, 2, jax.random.key(0))


def test_features_are_the_weighted_words_of_unit_length(task):
    found = task.features(task.train.inputs)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    row = task.train.inputs[3]
    texts_with = np.array([np.sum(np.any(task.train.inputs == word, axis=1)) for word in row])
    weight = np.where(row > 1, (np.log(36 / (1 + texts_with)) + 1), 0)
    expected = {int(w): np.log1p(np.sum(row == w)) * x for w, x in zip(row, weight, strict=True) if w > 1}
    length = np.sqrt(sum(x**2 for x in expected.values()))
    for word, x in expected.items():
        np.testing.assert_allclose(found[3, word], x / length, rtol=1e-5)


def test_a_source_that_nobody_asks_for_is_not_read(config, data_dir, monkeypatch):
    monkeypatch.setattr(corpus, "read", None)
    config.contributors.axes.mechanism = ("vocabulary",)
    assert set(load(config, data_dir, mesh.devices()).mechanisms) == {"vocabulary"}


def test_paper_scale_reads_imdb_through_tfds_and_a_folder_of_the_hub(tmp_path):
    records = [{"input": f"shares rose {i}", "output": ("positive", "negative")[i % 2]} for i in range(30)]
    records += [
        {"input": "nothing new", "output": "neutral"},
        {"input": "fell a bit", "output": "moderately negative"},
        {"input": "who knows", "output": "positive or negative"},
    ]
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    table = pyarrow.Table.from_pylist([row | {"instruction": "?"} for row in records[:20]])
    pyarrow.parquet.write_table(table, folder / "train.parquet")
    (folder / "train_rest.jsonl").write_text("\n".join(json.dumps(row) for row in records[20:]))
    config = config_file.get_config("paper")
    config.folders.synthetic, config.split.validation, config.model.widths = str(tmp_path / "hub"), 4, (4,)
    with tfds.testing.mock_data(num_examples=12):
        task = load(config, str(tmp_path), mesh.devices())
        real, others = sentiment_sources.read(config, str(tmp_path))
    assert (len(real.texts), real.tested.tolist()) == (24, list(range(12, 24)))
    assert set(task.mechanisms) == {"fingpt", "vocabulary"}
    assert len(others["fingpt"].texts) == 31
    labels = dict(zip(others["fingpt"].texts, others["fingpt"].labels, strict=True))
    assert (labels["shares rose 4"], labels["shares rose 25"], labels["fell a bit"]) == (1, 0, 0)
    test, held_out = (set(words(task, part)) for part in (task.test, task.train))
    assert not test & held_out
    (tmp_path / "hub" / "data" / "train.parquet").unlink()
    (folder / "train_rest.jsonl").write_text(json.dumps(records[30]))
    with pytest.raises(ValueError, match=r"holds 1 records, none of them.*FinGPT"):
        reviews.read_sentences(config, None)


def test_hidden_states_are_means_over_tokens_and_are_kept(tmp_path, capsys):
    pretrained, texts = untrained(), ["a fine film", "dull", "", "a fine film", "x" * 50]
    options = {"layer": "blocks.0", "length": 20, "folder": tmp_path, "name": "test"}
    found = frozen_features.hidden_states(lambda: pretrained, **options)(texts)
    assert "hidden states of 4 texts: 35 tokens" in capsys.readouterr().out
    model = pretrained.model
    tokens = jax.numpy.array([pretrained.tokenizer.encode(texts[4]).ids[:20]])
    mask = jax.numpy.ones(tokens.shape, bool)
    alone = hidden(model, model.params, model.frozen, tokens, mask, layer="blocks.0")[0]
    np.testing.assert_allclose(found[4], alone, atol=1e-5)
    np.testing.assert_array_equal(found[2], 0)
    again = frozen_features.hidden_states(lambda: pytest.fail("nothing is missing"), **options)(texts[::-1])
    np.testing.assert_array_equal(again, found[::-1])
    assert capsys.readouterr().out == ""
    next(tmp_path.glob("*.npz")).write_bytes(b"no archive")
    with pytest.raises(ValueError, match="remove it"):
        frozen_features.hidden_states(lambda: pretrained, **options)


def test_a_task_on_states_works_on_the_same_words(task):
    """With states that are a fixed random map of the words, which stands in for the language model."""
    table = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)

    def states(rows):
        return np.stack([table[row[row > 0]].mean(0) for row in rows])

    model, recipe = sentiment.learner(lambda key: mlp((5, 2), key), config_file.get_config("tiny").training)
    changed = on_states(task, states, model, recipe)
    np.testing.assert_array_equal(changed.train.inputs, states(task.train.inputs))
    some, plain = changed.train.take(np.arange(6)), task.train.take(np.arange(6))
    made = changed.mechanisms["rotten_tomatoes"](some, 1, jax.random.key(0))
    words_made = task.mechanisms["rotten_tomatoes"](plain, 1, jax.random.key(0))
    np.testing.assert_array_equal(made.inputs, states(words_made.inputs))
    assert changed.sample(made.inputs[0]) == task.sample(words_made.inputs[0])
    assert changed.count_near_duplicates(some.inputs, changed.train.inputs) == task.count_near_duplicates(
        plain.inputs, task.train.inputs
    )
    assert changed.measure(changed.model, changed.test)[1] > 0


def test_contributors_along_axes_are_made_at_the_smallest_scale():
    config = config_file.get_config("tiny,axes=True")
    specs, _, made = study.contributors_of(config, load(config, None, mesh.devices()), 0)
    assert [len(one.index) for one in made] == [spec.size for spec in specs]
    assert {spec.name.partition(": ")[0] for spec in specs} == {*config_file.AXES}


def test_the_smallest_scale_runs_through_the_pipeline(tmp_path):
    config = config_file.get_config("tiny,contributors=3,truth_seeds=1")
    config.methods, config.choice = ("rbf_margin", "size"), "rbf_margin"
    study.run(config, str(tmp_path / "run"), str(tmp_path))
    lines = results.read(tmp_path / "run" / "results.jsonl")
    assert {len(line["values"]) for line in results.select(lines, kind="values")} == {3}
    assert all(0 <= x <= 1 for line in results.select(lines, kind="truth") for x in line["utility"])
    assert all(line["exact"] == {"validation": 0, "test": 0} for line in results.select(lines, kind="contributor"))
