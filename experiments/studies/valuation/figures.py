"""The figures of a valuation run with a truth, and their captions."""

from experiments.reporting.figures import Figures
from experiments.studies.valuation import ablation, agreement_figures, contributor_figures

FIGURES: Figures = {
    "correlations": (
        agreement_figures.correlations,
        "How well each method orders the contributors. Dots: mean over draws of the within-draw Spearman correlation; "
        "bars: 95 % bootstrap over draws, contributors and seeds; ticks: single draws.",
    ),
    "value_against_truth": (
        agreement_figures.value_against_truth,
        "Value against the truth, what training with the contributor really gives (first draw; error bars: "
        "standard deviation over seeds). Grey line: predicted = real.",
    ),
    "validation_sizes": (
        agreement_figures.validation_sizes,
        "How many validation examples an order needs: values made with fewer of them, which are drawn anew for every "
        "draw. Lines: mean over draws; dots: single draws.",
    ),
    "cost": (
        agreement_figures.cost,
        "What a good order costs: seconds for all contributors of a draw, median over draws. What several methods "
        "need, such as a kernel, is computed once and counts in full for each of them.",
    ),
    "calibration": (
        agreement_figures.calibration,
        "Predicted against real accuracy, where a value is a predicted accuracy; all draws.",
    ),
    "ablation": (
        ablation.bars,
        "Scale-free sums of the score's terms and the disagreement: the best, single terms, and in blue those that are "
        "a method. Ticks: single draws. The disagreement alone looks at validation labels.",
    ),
    "score_terms": (
        contributor_figures.score_terms,
        "The four terms of the score (our reconstruction) and the disagreement with a reference fitted to the "
        "validation set, beside the truth; first draw, best contributor on top. The residual is left by a fit on the "
        "contributor itself, which nearly interpolates: it says nothing of other data.",
    ),
    "tails": (
        contributor_figures.tails,
        "How much of every contributor's text lies beyond a rank, first draw; the more synthetic, the thicker.",
    ),
    "samples": (
        contributor_figures.samples,
        "Examples of each contributor of the first draw, best first, with its test metric in front; where a "
        "contributor has both, four real ones on the left and four synthetic ones on the right.",
    ),
}
