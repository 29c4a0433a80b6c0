"""Fits against the laws that made the curves, scipy's optimiser, likelihood ratios, and simulated draws."""

import re
from functools import partial

import jax
import numpy as np
import pytest
from scipy import optimize, stats

from experiments.runtime import results
from experiments.studies.phases import coverage
from tests.experiments.runtime.written import unwritten
from theory import estimates, fit, knowledge, likelihood, ratio
from theory.laws import FREE_SHARE, LAWS
from theory.measured import curve
from theory.phases import breakpoints

pytestmark = pytest.mark.usefixtures("quick_fits")

SIZES = np.geomspace(10, 1e8, 29)
SHARE = 0.01
exact_error = partial(knowledge.exact_error, ranks=20_000)  # of 200,000 ranks it differs by 1e-10 of itself


@pytest.fixture(scope="module")
def exact():
    """0.01 + 0.9 L(n) from exact sums: exponent 1.5, cutoff 100, breakpoints 2,400 and 261,000."""
    law = {"exponent": 1.5, "cutoff": 100}
    return np.array([0.01 + 0.9 * exact_error(SHARE * n, (1 - SHARE) * n, **law) for n in SIZES])


@pytest.fixture(scope="module")
def noisy(exact):
    return exact * np.exp(0.02 * np.random.default_rng(3).standard_normal(len(SIZES)))


@pytest.fixture(scope="module")
def compared(noisy):
    return fit.compare(SIZES, noisy, real_share=SHARE, standard_errors=0.02 * noisy)


@pytest.fixture(scope="module")
def recovered(exact):
    return fit.fit(SIZES, exact, real_share=SHARE)


def test_three_phase_law_is_recovered_without_noise(recovered):
    found = recovered
    expected = {"amplitude": 0.9, "floor": 0.01, "exponent": 1.5, "cutoff": 100}
    assert found.parameters == pytest.approx(expected, rel=1e-3)
    head = knowledge.head_mass(1.5, 100)
    first, second = found.breakpoints
    assert second == pytest.approx(2.6123753 * 1000 / SHARE, rel=1e-3)  # zeta(1.5) = 2.6123753
    assert second / first == pytest.approx((SHARE + (1 - SHARE) / head) / SHARE, rel=1e-3)
    assert found.noise < 1e-4


@pytest.mark.parametrize(
    ("law", "make", "expected"),
    [
        ("power", lambda n: 0.05 + 2 * n**-0.4, {"amplitude": 2, "floor": 0.05, "decay": 0.4}),
        ("rectified", lambda n: 0.05 + 9 / (30 + n**0.5), {"amplitude": 9, "floor": 0.05, "decay": 0.5, "onset": 900}),
        (
            "piecewise",
            lambda n: np.exp(np.interp(np.log(n), np.log([10, 1e3, 1e5, 1e8]), np.log([0.5, 0.05, 0.04, 0.001]))),
            {"first_breakpoint": 1e3, "second_breakpoint": 1e5, "first_slope": -0.5, "floor": 0},
        ),
    ],
)
def test_other_laws_are_recovered_without_noise(law, make, expected):
    found = fit.fit(SIZES, make(SIZES), real_share=SHARE, law=law)
    assert {name: found.parameters[name] for name in expected} == pytest.approx(expected, rel=2e-3, abs=1e-5)


@pytest.mark.parametrize("law", list(LAWS))
def test_no_other_optimiser_finds_a_better_fit(law, noisy):
    """scipy's trust-region method, started from our solution and from 3 points around it."""
    data = curve(SIZES, noisy, SHARE, 0.02 * noisy)
    best = likelihood.optimum(LAWS[law], data)
    low, high = likelihood.bounds(LAWS[law], data)
    random = np.random.default_rng(0)
    for spread in (0.0, 0.05, 0.1, 0.2):
        start = np.clip(best.parameters * (1 + spread * random.standard_normal(len(low))), low + 1e-9, high - 1e-9)
        other = optimize.least_squares(
            lambda x: likelihood.residuals_and_jacobian(LAWS[law], data, x)[0], start, bounds=(low, high)
        )
        assert best.squares <= 2 * other.cost * (1 + 1e-4)


def test_interval_ends_where_the_profile_rises_by_the_threshold(noisy, compared):
    """Cutoff fixed at either end, all else refitted by scipy: squares rise by 3.84."""
    data = curve(SIZES, noisy, SHARE, 0.02 * noisy)
    law, found = LAWS["three_phase"], compared.fits["three_phase"]
    best = likelihood.optimum(law, data)
    low, high = likelihood.bounds(law, data)
    for end in found.intervals["cutoff"]:
        other = optimize.least_squares(
            lambda x, end=end: likelihood.residuals_and_jacobian(law, data, np.append(x, np.log(end)))[0],
            np.clip(best.parameters[:-1], low[:-1] + 1e-6, high[:-1]),
            bounds=(low[:-1], high[:-1]),
            x_scale="jac",
        )
        assert 2 * other.cost - best.squares == pytest.approx(stats.chi2.ppf(0.95, 1), rel=0.04)


def test_interval_of_a_straight_line_is_students(x64):
    """A power law without floor is a line in logs: exact intervals from scipy.stats.linregress."""
    errors = 3 * SIZES**-0.6 * np.exp(0.02 * np.random.default_rng(5).standard_normal(len(SIZES)))
    found = fit.fit(SIZES, errors, real_share=0.5, law="power")
    line = stats.linregress(np.log(SIZES), np.log(errors))
    assert found.parameters["decay"] == pytest.approx(-line.slope, rel=2e-3)
    # one more free parameter, the floor, rests at 0 on one side only: wider by a little, and above
    half = stats.t.ppf(0.975, 27) * line.stderr
    low, high = found.intervals["decay"]
    assert low == pytest.approx(-line.slope - half, abs=0.3 * half)
    assert -line.slope + 0.8 * half < high < -line.slope + 2 * half


def test_criteria_are_those_of_the_likelihood(noisy, compared):
    """AICc and BIC from the log likelihood of Gaussian log errors with known standard errors."""
    found = compared.fits["three_phase"]
    data = curve(SIZES, noisy, SHARE, 0.02 * noisy)
    best = likelihood.optimum(LAWS["three_phase"], data)
    residuals, _ = likelihood.residuals_and_jacobian(LAWS["three_phase"], data, best.parameters)
    constant = -2 * stats.norm.logpdf(0) * len(SIZES)
    deviance = -2 * stats.norm.logpdf(residuals).sum() - constant
    assert found.bic == pytest.approx(deviance + 4 * np.log(29))
    assert found.aicc == pytest.approx(deviance + 8 + 40 / 24)


def test_compare_finds_three_phases(compared):
    """With standard errors; the draw of coverage below has none."""
    found = compared
    assert found.best == "three_phase"
    assert found.three_phases
    assert found.verdict.startswith("three phases: the head is learned at 2.")
    best = found.fits["three_phase"]
    for value, name in zip(best.breakpoints, ("first_breakpoint", "second_breakpoint"), strict=True):
        low, high = best.intervals[name]
        assert low < value < high < 2 * low
    assert best.slopes[1] == pytest.approx(-1 / 3 * best.plateau, abs=0.04)
    assert best.slopes[0] == pytest.approx(-1 / 3, abs=0.03)
    assert best.slopes[2] == pytest.approx(-1 / 3, abs=0.03)


def test_three_phases_need_both_breakpoints_and_a_plateau(recovered):
    errors = np.array([exact_error(0.3 * n, 0.7 * n, exponent=1.5, cutoff=100) for n in SIZES])
    found = fit.compare(SIZES, errors, real_share=0.3)
    assert found.best == "three_phase"
    assert not found.three_phases
    assert found.verdict.startswith("no three phases in these data: ")
    assert "there is no plateau" in found.verdict
    for points, name in ((SIZES[:17], "second"), (SIZES[12:], "first")):
        message = fit.missing_phase(recovered, points)
        assert re.search(f"the {name} breakpoint, .* does not lie inside the sampled range", message)
    assert fit.missing_phase(recovered, SIZES) == ""


def test_a_curve_that_rises_is_said_to_rise():
    sizes = np.geomspace(100, 1e6, 14)
    accuracies = 1 - 0.6 * (sizes / 100) ** -0.3
    found = fit.compare(sizes[::2], accuracies[::2], real_share=0.1)
    assert not found.three_phases
    assert re.search("the curve rises, from 0.4 to 0.9.*: are these accuracies", found.verdict)


def test_few_points_do_not_pay_for_seven_parameters():
    """2 % noise, 10 points of a power law, of which the piecewise law follows the noise: its BIC is the lowest."""
    sizes = np.geomspace(1e3, 1e6, 10)
    noise = np.exp(0.02 * np.random.default_rng(0).standard_normal(10))
    found = fit.compare(sizes, 3 * (sizes / 1e3) ** -0.35 * noise, real_share=0.1)
    assert min(found.fits, key=lambda name: found.fits[name].bic) == "piecewise"
    assert found.best == "power"


def test_laws_with_too_many_parameters_for_the_points_are_left_out():
    sizes = np.geomspace(1e3, 1e6, 6)
    found = fit.compare(sizes, 3 * (sizes / 1e3) ** -0.35, real_share=0.1)
    assert list(found.fits) == ["power", "rectified", "three_phase"]
    assert found.best == "power"
    assert not found.three_phases
    with pytest.raises(ValueError, match="at least 4 different sample sizes, got 3"):
        fit.compare(sizes[:3], sizes[:3] ** -0.5, real_share=0.1)


def test_a_claim_that_hangs_on_one_point_is_none(exact):
    """The curve ends two sizes after its second breakpoint; without the last of them there is one size there."""
    last = np.flatnonzero(SIZES > 261_000)[2]
    found = fit.compare(SIZES[:last], exact[:last], real_share=SHARE)
    assert found.best == "three_phase"
    assert re.search("that hangs on one point, at .* draws: without it they are not seen", found.verdict)
    assert not found.three_phases


def test_without_real_data_the_second_breakpoint_is_infinite():
    law = {"exponent": 1.5, "cutoff": 30}
    errors = np.array([exact_error(0, n, **law) for n in SIZES])
    found = fit.compare(SIZES, errors, real_share=0.0)
    assert found.best == "three_phase"
    assert found.fits["three_phase"].breakpoints[1] == np.inf
    assert found.fits["three_phase"].intervals["second_breakpoint"] == (np.inf, np.inf)
    assert "without real data the tail is never learned" in found.verdict


def test_a_share_for_each_point():
    """Shares that differ between points; the law itself does not."""
    shares = np.where(np.arange(29) % 2, 0.01, 0.1)
    pairs = zip(SIZES, shares, strict=True)
    errors = np.array([exact_error(s * n, (1 - s) * n, exponent=1.5, cutoff=100) for n, s in pairs])
    found = fit.fit(SIZES, errors, real_share=shares)
    assert found.parameters["cutoff"] == pytest.approx(100, rel=1e-3)


def test_slopes_of_three_power_laws_above_a_floor():
    errors = 0.2 + np.exp(np.interp(np.log(SIZES), np.log([10, 1e3, 1e5, 1e8]), np.log([0.5, 0.05, 0.04, 0.001])))
    slopes = estimates.phase_slopes(SIZES, errors, floor=0.2, breakpoints=(1e3, 1e5))
    expected = np.log([0.1, 0.8, 0.025]) / np.log([100, 100, 1000])
    np.testing.assert_allclose(slopes, expected, rtol=1e-6)


def test_share_test_holds_for_the_law_and_does_not_see_the_known_share(noisy):
    """Not for another one: the draw of coverage below. Its fit is the same for any, since all its residuals are."""
    found = ratio.share_test(SIZES, noisy, real_share=SHARE)
    assert found.holds
    assert found.ratio_interval[0] < ratio.share_ratio(SHARE, 1.5, 100) < found.ratio_interval[1]
    assert "agrees with" in found.verdict
    assert 0.005 < found.interval[0] < found.interval[1] < 0.02
    curves, near = [curve(SIZES, noisy, share, None) for share in (SHARE, 0.3)], np.array([-0.1, 0.01, 1.5, 4.6, -4.6])
    same = [likelihood.residuals_and_jacobian(FREE_SHARE, one, near) for one in curves]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), *same)


def test_joint_test_holds_for_the_law_and_fails_for_another_share(noisy):
    found = ratio.joint_test(jax.random.key(0), SIZES, noisy, real_share=SHARE, draws=20)
    assert found.holds
    low, high = found.calibrated_interval
    assert low < ratio.share_ratio(SHARE, 1.5, 100) < high
    assert not ratio.joint_test(jax.random.key(0), SIZES, noisy, real_share=0.05, draws=20).holds


def test_share_ratio_is_that_of_the_breakpoints(x64):
    first, second = breakpoints(0.03, exponent=1.4, cutoff=50)
    assert ratio.share_ratio(0.03, 1.4, 50) == pytest.approx(float(second / first))
    assert ratio.share_ratio(0, 1.4, 50) == np.inf


def test_intervals_hold_the_cutoff_and_power_laws_claim_nothing(tmp_path):
    """The study of studies/phases/coverage.py, one draw of each kind; they are seeded, so always the same."""
    page = coverage.run(tmp_path, 1)
    lines = results.read(tmp_path / results.FILE)
    (found,) = results.select(lines, kind="summary")
    assert "cutoff_covered: 1.0\n" in page.read_text()
    assert found["cutoff_covered"] == 1
    (drawn,) = results.select(lines, kind="coverage", truth="three_phase")
    low, high = drawn["share_interval"]  # this draw is one of the few that the 95 % interval misses, by 3 %
    assert found["ratio_holds"] == drawn["ratio_holds"] == (low <= drawn["true"]["real_share"] <= high)
    assert found["claimed"]["three_phase"] == found["claimed"]["short_three_phase"] == 1
    assert all(found["claimed"][name] == 0 for name in coverage.CURVES if "power" in name)
    assert found["not_power"]["short_power"] == {"0.02": 0}
    assert unwritten("coverage", lines) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"law": "exponential"}, "unknown law 'exponential', known: power, rectified, three_phase, piecewise"),
        ({"errors": np.full(8, np.nan)}, "errors must be positive and finite, got nan at position 0"),
        (
            {"errors": np.array([1, 0.5, 0.0, 1, 1, 1, 1, 1])},
            "errors must be positive and finite, got 0.0 at position 2",
        ),
        ({"samples": -np.arange(8.0)}, "samples must be positive"),
        ({"samples": np.ones(8)}, "at least 4 different sample sizes, got 1"),
        (
            {"samples": np.arange(1.0, 5), "errors": np.ones(4)},
            "the three-phase law has 4 parameters and needs more points",
        ),
        ({"standard_errors": np.zeros(8)}, "standard_errors must be positive"),
        ({"standard_errors": np.ones(3)}, "as many as there are samples"),
        ({"real_share": 1.5}, "real_share must be between 0 and 1"),
        ({"errors": np.ones(7)}, "lists of one length"),
        ({"shots": 0.0}, "shots must be positive"),
        ({"errors": np.full(8, 1e-24)}, "errors are some 1e-24: expected another unit"),
        ({"standard_errors": np.full(8, 1e-100)}, "standard_errors are some 1e-100 of errors"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {"samples": np.geomspace(10, 1e4, 8), "errors": np.geomspace(0.5, 0.1, 8), "real_share": 0.1}
    with pytest.raises(ValueError, match=message):
        fit.fit(**(good | change))


def test_bad_input_of_the_ratio_tests_is_named(exact):
    with pytest.raises(ValueError, match="without real data the second breakpoint is infinite"):
        ratio.share_test(SIZES, exact, real_share=0.0)
    with pytest.raises(ValueError, match="fits up to 7 parameters"):
        ratio.share_test(SIZES[:7], exact[:7], real_share=SHARE)
    with pytest.raises(ValueError, match="at least 20 draws"):
        ratio.joint_test(jax.random.key(0), SIZES, exact, real_share=SHARE, draws=5)
