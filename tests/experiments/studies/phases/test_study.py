"""Scaling studies: what sampling keeps, what the learners get wrong, and runs that stop and go on."""

import json

import jax
import numpy as np
import pytest

from configs.phases import get_config
from experiments.data import images
from experiments.report import writer
from experiments.reporting import figures
from experiments.runtime import mesh, results
from experiments.studies.phases import curve_fits, law_figures, nextword, numbers, report, simulation, study
from experiments.studies.phases import facts as recall_facts
from experiments.studies.phases.curves import Curve, curves, key_of
from experiments.synthetic.sampling import measured_cutoff, sampled
from tests.experiments.runtime.written import unwritten
from theory.knowledge import exact_error, head_mass, power_law, truncated
from theory.phases import breakpoints


def tiny(study: str, **changes):
    config = get_config(f"tiny,study={study}")
    for name, value in changes.items():
        config[study][name] = value
    return config


# what sampling keeps


def test_top_p_of_a_power_law_is_a_truncated_power_law():
    law = power_law(1.5, 500)
    for cutoff in (1, 7, 100):
        mass = law[:cutoff].sum() / law.sum()
        np.testing.assert_allclose(sampled(law / law.sum(), "top_p", mass, None), truncated(law, cutoff), rtol=1e-12)


def test_temperature_makes_a_power_law_steeper():
    cold = sampled(power_law(1.4, 300), "temperature", 0.5, None)
    np.testing.assert_allclose(cold, power_law(2.8, 300) / power_law(2.8, 300).sum(), rtol=1e-10)


def test_a_finite_pool_has_the_distribution_of_its_source_and_as_many_items_as_that_many_draws():
    law = power_law(1.5, 200) / power_law(1.5, 200).sum()
    pools = np.stack([sampled(law, "finite", 50, np.random.default_rng(seed)) for seed in range(2000)])
    error = np.sqrt(law * (1 - law) / 50 / 2000)
    assert np.abs((pools.mean(0) - law) / error).max() < 4.5
    items = (pools > 0).sum(1)
    assert abs(items.mean() - np.sum(1 - (1 - law) ** 50)) < 4 * items.std() / np.sqrt(2000)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.6])
def test_measured_cutoff_of_a_sharp_cut_is_its_rank_and_the_law_s_breakpoints(x64, share):
    law = power_law(1.5, 3000)
    found = measured_cutoff(law, truncated(law, 40), share)
    assert found.cutoff == pytest.approx(40)
    assert found.head_mass == pytest.approx(head_mass(1.5, 40))
    expected = breakpoints(share, exponent=1.5, cutoff=40.0)
    assert (found.first, found.second) == pytest.approx((float(expected.first), float(expected.second)))


def test_measured_cutoff_of_a_cold_law_lies_where_real_draws_take_over():
    law, share, cold = power_law(1.4, 4000), 0.02, 0.5
    steep = sampled(law, "temperature", cold, None)
    # i^-2.8 / Z = pi i^-1.4 / zeta(1.4)
    crossing = (steep[0] / law[0] / share) ** (1 / 1.4)
    assert measured_cutoff(law, steep, share).cutoff == int(crossing)


def test_measured_cutoff_follows_mass_where_items_are_missing_in_between():
    law = power_law(1.5, 100)
    holes = np.where(np.arange(100) % 2 == 0, law, 0)
    found = measured_cutoff(law, holes / holes.sum(), 0.1)
    assert found.head_mass == pytest.approx(holes.sum())
    below, above = int(found.cutoff), int(found.cutoff) + 1
    assert law[:below].sum() <= holes.sum() <= law[:above].sum()


# learners


def test_monte_carlo_learner_has_the_exact_expected_error():
    settings = tiny("simulation", shares=(0.1,), sizes=(20, 60), mechanisms={"truncation": (8.0,)}).simulation
    study = simulation.load(settings, None, None, 0)
    (curve,) = study.curves
    runs = study.measure(curve, [key_of(0, curve, seed) for seed in range(400)], None)
    for place, n in enumerate((20, 60)):
        errors = np.array([run[place]["error"] for run in runs])
        heads = np.array([run[place]["head"] for run in runs])
        law = power_law(1.5, 8)
        missed = (1 - (0.1 * law + 0.9 * law / law.sum())) ** n  # not Poissonised
        assert abs(heads.mean() - law @ missed) < 4 * heads.std() / 20 + 1e-12
        exact = exact_error(0.1 * n, 0.9 * n, exponent=1.5, cutoff=8)
        assert abs(errors.mean() - exact) < 4 * errors.std() / 20 + 1e-3  # the exact sum is Poissonised
        assert runs[0][place]["law"] == pytest.approx(exact, rel=2e-3)


def test_a_network_that_has_seen_everything_is_wrong_only_about_what_it_cannot_hold():
    settings = tiny("facts", entities=8, sizes=(3000,)).facts
    study = recall_facts.load(settings, None, mesh.devices(), 0)
    real = study.curves[-1]
    (((point,), *_),) = [study.measure(real, [key_of(0, real, 0)], None)]
    assert real.share == 1
    assert point["error"] == pytest.approx(1 - power_law(1.4, 8).sum(), abs=1e-9)
    assert point["law"] == pytest.approx(point["error"], abs=1e-6)


def test_a_seed_has_the_same_numbers_alone_and_beside_others():
    study = recall_facts.load(tiny("facts", sizes=(20, 200)).facts, None, mesh.devices(), 0)
    curve = study.curves[0]
    keys = [key_of(0, curve, seed) for seed in range(2)]
    together = study.measure(curve, keys, None)
    assert study.measure(curve, [key_of(0, curve, 1)], None)[0] == together[1]
    assert all(p["error"] == pytest.approx(p["head"] + p["tail"]) for points in together for p in points)


def test_numbers_are_composed_of_their_digits():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 200)
    wanted = np.arange(100)
    rows = numbers.compose(rng, wanted, numbers.by_digit(labels))
    np.testing.assert_array_equal(10 * labels[rows[:, 0]] + labels[rows[:, 1]], wanted)
    with pytest.raises(ValueError, match="no image of digit 3"):
        numbers.by_digit(labels[labels != 3])


def test_next_word_error_is_the_share_missed_of_what_can_be_reached():
    settings = tiny("counts").counts
    study = nextword.load(settings, None, None, 0)
    real = study.curves[-1]
    (points,) = study.measure(real, [key_of(0, real, 0)], None)
    stream, _ = nextword.invented(nextword.generator(jax.random.fold_in(jax.random.key(0), nextword.WORLD)))
    first, second = nextword.neighbours(stream, settings)
    seen = {}
    for context, word in zip(first.tolist(), second.tolist(), strict=True):
        if word < settings.attributes - 1:
            seen.setdefault(context, []).append(word)
    best = sum(max(map(words.count, set(words))) for words in seen.values())
    assert study.notes["reachable accuracy"] == pytest.approx(best / len(first))
    commonest = max(set(second[second < settings.attributes - 1].tolist()), key=second.tolist().count)
    nothing_known = 1 - sum(words.count(commonest) for words in seen.values()) / best
    assert points[-1]["error"] < 0.6 * nothing_known
    assert points[-1]["error"] < points[0]["error"] <= 1


# runs


def test_standard_errors_are_the_spread_of_seeds():
    rng = np.random.default_rng(0)
    sizes = np.repeat(np.geomspace(10, 1e5, 20), 200)
    errors = 0.3 * np.exp(0.05 * rng.standard_normal(len(sizes)))
    np.testing.assert_allclose(curve_fits.standard_errors(sizes, errors) / errors, 0.05, rtol=0.1)
    assert curve_fits.standard_errors(sizes[::200], errors[::200]) is None


def test_curves_cover_strengths_shares_and_all_real():
    settings = tiny("facts", shares=(0.02, 0.2), mechanisms={"top_p": (0.8, 0.7)}, across=("top_p",)).facts
    expected = [(0.02, "top_p", 0.8), (0.02, "top_p", 0.7), (0.2, "top_p", 0.8), (1.0, "real", 0.0)]
    assert [tuple(curve)[1:] for curve in curves("facts", settings)] == expected


@pytest.fixture(scope="module")
def finished(tmp_path_factory, quick_fits):
    """A finished run of two tiny studies."""
    folder = tmp_path_factory.mktemp("phases")
    config = get_config("tiny")
    config.studies = ("facts", "counts")
    config.facts.all_real = config.counts.all_real = False  # fits of a curve are most of the time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "FORMATS", ("png",))  # a figure is rendered once, not twice
        study.run(config, folder, None)
    return config, folder


def test_a_run_leaves_points_fits_verdicts_figures_and_report(finished):
    config, folder = finished
    lines = results.read(folder / results.FILE)
    points = results.select(lines, kind="point", study="facts")
    assert len(points) == config.repeats * len(config.facts.sizes)
    assert len(results.select(lines, kind="fit", study="facts")) == 4
    assert len(results.select(lines, kind="verdict")) == 2
    assert unwritten("phases", lines) in ([], ["verdict.joint_test"])  # that is made where data show three phases
    json.dumps(lines, allow_nan=False)  # no number that other readers of JSON refuse
    assert writer(folder) is report.write
    text = (folder / "report.md").read_text()
    for line in results.select(lines, kind="verdict"):
        assert line["verdict"] in text
    for name in ("facts", "counts", "head_and_tail", "law_comparison", "predicted_breakpoints", "ratio", "plan"):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 3_000


def test_a_law_with_as_many_parameters_as_points_is_left_out_of_the_comparison(finished):
    """AICc is infinite there, which lines say as null."""
    lines = results.read(finished[1] / results.FILE)
    fewer = [line | ({"aicc": None} if line.get("law") == "three_phase" else {}) for line in lines]
    dots = [len(law_figures.law_comparison(some).axes[1].get_lines()) for some in (lines, fewer)]
    assert dots[0] - dots[1] == len(results.select(lines, kind="fit", law="three_phase"))


def test_a_finished_run_is_left_alone(finished, capsys):
    config, folder = finished
    before = (folder / results.FILE).read_bytes()
    study.run(config, folder, None)
    assert "nothing is computed again" in capsys.readouterr().out
    assert (folder / results.FILE).read_bytes() == before


def test_a_killed_run_goes_on_with_the_same_numbers(finished, tmp_path, monkeypatch, unrendered):
    """Points are measured again; fits are those of the whole run, asked for once."""
    config, folder = finished
    lines = (folder / results.FILE).read_text().splitlines(keepends=True)
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    last = [i for i, line in enumerate(lines) if '"kind": "point"' in line and '"study": "counts"' in line]
    kept = last[3]  # into the last curve of the second study
    whole, asked = results.read(folder / results.FILE), []

    def refitted(curve, points, described, key):
        asked.append(curve)
        assert described == results.select(whole, kind="verdict", **curve._asdict())[0]["described"]
        return [line for kind in ("fit", "verdict") for line in results.select(whole, kind=kind, **curve._asdict())]

    monkeypatch.setattr(curve_fits, "lines", refitted)
    (tmp_path / results.FILE).write_text("".join(lines[:kept]) + lines[kept][:40])
    study.run(config, tmp_path, None)

    def numbers_of(path):
        drop = ("seconds", "commit", "peak_megabytes", "seed_seconds")
        return [{k: v for k, v in line.items() if k not in drop} for line in results.read(path / results.FILE)]

    assert numbers_of(tmp_path) == numbers_of(folder)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"studies": ("facs",)}, "did you mean 'facts'"),
        ({"studies": ()}, "studies is empty"),
        ({"repeats": 0}, "repeats = 0"),
        ({"facts.shares": (0.1, 1.5)}, "facts.shares"),
        ({"facts.shares": (0.0,)}, "second breakpoint is infinite"),
        ({"facts.sizes": ()}, "at least 8 sizes of 1 or more, all different"),
        ({"facts.sizes": (9, *range(3, 11))}, "all different"),
        ({"facts.entities": 0}, "facts.entities = 0"),
        ({"facts.mechanisms": {"top_k": (0.5,)}}, "did you mean 'top_p'"),
        ({"facts.mechanisms": {"truncation": (5.0,)}}, "mechanism of facts"),
        ({"facts.mechanisms": {"top_p": (1.5,)}}, "a mass in"),
        ({"facts.mechanisms": {"top_p": ()}}, "is empty"),
        ({"counts.mechanisms": {"temperature": (0.0,)}}, "a positive number"),
        ({"counts.across": ("top_p",)}, "counts.across"),
    ],
)
def test_bad_input_fails_before_work_starts(tmp_path, change, message):
    config = get_config("tiny")
    with config.unlocked():
        for name, value in change.items():
            section, _, field = name.rpartition(".")
            target = config[section] if section else config
            if isinstance(value, dict):
                del target[field]
            target[field] = value
    with pytest.raises(ValueError, match=message):
        study.run(config, tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_unknown_study_in_the_option():
    with pytest.raises(ValueError, match="did you mean 'facts'"):
        get_config("tiny,study=fact")
    assert Curve("facts", 1.0).mechanism == "real"


def test_digits_of_the_archive_are_split_by_content(monkeypatch):
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (30, 28, 28, 1)).astype(np.uint8), np.arange(30) % 10
    data = images.Images(pixels, labels, 10)
    monkeypatch.setitem(images.READERS, "mnist5k", lambda config, data_dir: data)
    settings = get_config("small,study=numbers").numbers
    settings.split.test = 10
    train, train_labels, test, test_labels = numbers.digit_parts(settings, None)
    assert (len(train), len(test), train.shape[1]) == (20, 10, 196)
    assert sorted(np.concatenate([train_labels, test_labels])) == sorted(labels)
    small = pixels.reshape(30, 14, 2, 14, 2).mean((2, 4)).reshape(30, -1) / 255
    assert all(np.isclose(row, small).all(1).any() for row in (*train, *test))
    settings.dataset = "cifar10"
    with pytest.raises(ValueError, match="unknown dataset 'cifar10'"):
        numbers.digit_parts(settings, None)
