"""Measures of a contributor that are no values: they describe, and do not say what is better.

MEASURES[name](problem) -> (C,). One file a kind of measure, each a function of arrays; of_problem.py gives them the
arrays of a problem. What orders contributors by worth is a method (valuation/methods/) and does not belong here.
"""

from valuation.covariates import of_problem
from valuation.covariates.measure import Measure
from valuation.methods.score_disagreement import disagreement_terms

FEATURES, OWN = "validation inputs", "nothing"

MEASURES = {
    measure.name: measure
    for measure in (
        Measure("precision", "precision of support", of_problem.precision,
                "its examples lie where real ones do", FEATURES),
        Measure("recall", "recall of support", of_problem.recall,
                "it has an example near most real ones, rare ones too", FEATURES),
        Measure("disagreement", "disagreement", disagreement_terms,
                "its targets are not those that a reference fitted to the validation set expects",
                "validation inputs and targets", most=None),
        Measure("concentration", "concentration (CMI)", of_problem.concentration,
                "the examples of one class differ", FEATURES, objectives=("classification",)),
        Measure("clusters", "cluster diversity", of_problem.clusters,
                "ten of its examples fall into many clusters", FEATURES),
        Measure("vendi", "Vendi score", of_problem.vendi, "it stands for many different examples", FEATURES, most=500),
        Measure("gzip", "gzip ratio", of_problem.compressed, "little of it repeats within 32 kB", OWN, of_items=True),
        Measure("distinct", "distinct pairs", of_problem.distinct, "few pairs of neighbouring items stand twice", OWN,
                of_items=True),
    )
}  # fmt: skip
