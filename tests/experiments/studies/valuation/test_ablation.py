"""What of the 31 subsets is shown, from lines written here."""

import itertools

from experiments.studies.valuation import ablation

TERMS = ("residual", "discrepancy", "kernel", "size", "disagreement")
SUBSETS = [list(names) for k in range(1, 6) for names in itertools.combinations(TERMS, k)]


def lines(value):
    """A line for each subset, its Spearman the value of its place."""
    return [{"kind": "ablation", "terms": names, "spearman": value(i), "by_draw": [value(i), None]}
            for i, names in enumerate(SUBSETS)]  # fmt: skip


def test_the_best_single_terms_and_methods_are_shown_best_first():
    found = ablation.shown(lines(lambda i: i / 31))
    kept = {i for i, names in enumerate(SUBSETS) if i >= 31 - ablation.BEST or len(names) == 1}
    kept |= {SUBSETS.index(list(names)) for names in (("discrepancy", "size"), ("discrepancy", "size", "disagreement"))}
    kept.add(SUBSETS.index(list(TERMS[:4])))
    assert [SUBSETS.index(x["terms"]) for x in found] == sorted(kept, reverse=True)


def test_the_section_names_methods_and_says_what_the_residual_is():
    (text,) = ablation.section(lines(lambda i: i / 31))
    assert "Of 31 subsets the best 12" in text
    assert "| discrepancy + size + disagreement | 0.742 | score with disagreement |" in text
    assert "| residual | 0.000 | own residual only |" in text
    assert "nearly interpolates" in text


def test_subsets_without_a_correlation_have_a_dash_and_no_bar():
    undefined = lines(lambda i: None if i == 3 else 0.5)
    assert "| size | – | – |" in ablation.section(undefined)[0]
    assert ablation.section([]) == []
    (axis,) = ablation.bars(undefined).axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert "size" not in names
    assert len(axis.patches) == len(names) == len(ablation.shown(undefined)) - 1
    assert ablation.bars([]) is None
