"""Somebody's rows as what is valued: copies are found, numbers scaled, words of any script read."""

import jax
import numpy as np
import pytest

from configs import sources
from experiments.data.own_files import schema_of
from experiments.data.own_rows import checked
from experiments.data.rows import from_columns
from experiments.studies.sources import drivers
from experiments.tasks import own_pairs, own_tables, own_texts
from experiments.tasks.own_data import all_prints, drawn_rows, hashes, near, repeats

RUN = "one two three four five six seven eight nine ten eleven twelve thirteen"  # as many words as a copy needs


def read(*tables, **options):
    """(schema of the first, all as rows)."""
    frames = [from_columns(f"set {i}", columns) for i, columns in enumerate(tables)]
    schema = schema_of(frames[0])
    return schema, [checked(frame, schema) for frame in frames]


def texts(*some):
    filler = [f"word{i} thing{i} matter{i}" for i in range(6)]
    return {"text": [*some, *filler], "label": ["a", "b"] * ((len(some) + 6) // 2)}


def prepared_texts(*sets):
    config = sources.get_config().text
    config.model.widths = (4,)
    schema, (real, validation, *others) = read(*sets)
    names = ["real", *(f"source {i}" for i in range(len(others)))]
    return own_texts.prepare(names, [real, *others], validation, schema, config, jax.random.key(0))


def test_a_near_copy_shares_thirteen_words_whatever_stands_around_them_and_in_whatever_case():
    made = prepared_texts(
        texts("something else", "more of it"),
        texts(f"so: {RUN.upper()}, it says", "all new"),
        texts(f"and {RUN}!", RUN.replace("seven", "7")),
    )
    (found,) = near(made.originals[1], [all_prints(made.held_out)])
    assert found.tolist() == [True, False] + [False] * 6
    exact = np.isin(made.originals[1].codes, made.held_out.codes)
    assert exact.tolist() == [False, False] + [True] * 6  # the filler
    assert [drivers.in_or_near(one, made.held_out).sum() for one in made.originals] == [6, 7]


def test_words_of_every_script_are_read():
    made = prepared_texts(*([texts("очень хороший фильм", "очень плохой фильм")] * 2), texts("電影很好", "電影很差"))
    rows = made.problem.pool.inputs
    assert (rows[0] > 0).sum() == 3
    assert (rows[8] > 0).sum() == 4


def test_repeats_are_those_after_the_first():
    assert repeats(hashes([b"a", b"b", b"a", b"c", b"b", b"a"])).tolist() == [False, False, True, False, True, True]


def test_drawn_rows_are_spread_over_all():
    assert drawn_rows(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert drawn_rows(101, 3).tolist() == [0, 50, 100]
    assert drawn_rows(0, 3).tolist() == []


def numbers(rng, count, shift=0.0):
    x = rng.normal(size=count).round(3)
    colour = np.resize(["red", "blue"], count)
    return {"x": (100 + 3 * x + shift).tolist(), "colour": colour.tolist(), "target": (x * 7 + 50).tolist()}


def prepared_table(*tables):
    config = sources.get_config().table
    schema, (real, validation, *others) = read(*tables)
    names = ["real", *(f"source {i}" for i in range(len(others)))]
    return own_tables.prepare(names, [real, *others], validation, schema, config, jax.random.key(0)), real, validation


def test_numbers_are_scaled_by_the_real_file_and_the_target_by_validation():
    rng = np.random.default_rng(0)
    made, real, validation = prepared_table(*(numbers(rng, count) for count in (60, 50, 30)))
    x = np.array(real.numbers[:, 0])
    np.testing.assert_allclose(made.problem.pool.inputs[:60, 0], (x - x.mean()) / x.std(), rtol=1e-5)
    np.testing.assert_array_equal(made.problem.pool.inputs[:60, 1:].sum(1), 1)
    expected = (validation.targets - real.targets.mean()) / validation.targets.std()
    np.testing.assert_allclose(made.problem.validation.targets, expected, rtol=1e-5)
    y = made.problem.validation.targets.astype(np.float64)
    mean_alone = made.problem.model._replace(
        params=jax.tree.map(np.zeros_like, made.problem.model.params)
    )  # says 0, the real mean
    r2 = 1 - np.sum(y**2) / np.sum((y - y.mean()) ** 2)
    assert made.measure(mean_alone, made.problem.validation) == pytest.approx(r2, rel=1e-5)


def test_a_fill_value_is_named():
    rng = np.random.default_rng(0)
    tables = [numbers(rng, 40), numbers(rng, 40), numbers(rng, 40)]
    tables[2]["x"][7] = -1e30
    with pytest.raises(ValueError, match=r"set 2, row 7, column 'x': -1e\+30 lies more than"):
        prepared_table(*tables)


def test_pairs_hide_what_is_not_response_and_show_texts():
    config = sources.get_config().pairs
    config.model.width, config.model.layers, config.model.heads, config.model.hidden = 8, 1, 1, 8
    config.tokens.vocabulary, config.features.dimensions = 300, 4
    pairs = {"prompt": [f"say {i} now" for i in range(30)], "response": [f"it is {i} here" for i in range(30)]}
    schema, (real, validation) = read(pairs, pairs)
    made = own_pairs.prepare(["real"], [real], validation, schema, config, jax.random.key(0))
    assert made.originals[0].text(3) == "say 3 now -> it is 3 here"
    examples = made.problem.pool
    assert (examples.mask.sum(1) > 0).all()
    shown = examples.targets[0][examples.mask[0]]
    assert len(shown) < (examples.inputs[0] > 0).sum()
    assert np.isin(made.originals[0].codes, made.held_out.codes).all()
