"""Every valuation method by name: METHODS[name](problem, **options) -> values (C,), higher = more useful.

One method a file; what several share stands beside this folder. METHODS is the only place that knows what a method is
called, looks at, costs, takes and may be set to: configs, reports and pages read it.
"""

from functools import partial

from valuation import needs, needs_of_rivals
from valuation.coalitions import banzhaf_fits, shapley_fits
from valuation.methods import (
    banzhaf,
    counts,
    davinz,
    deviation,
    ekfac,
    embedding_similarity,
    gradient_cosine,
    gradient_matching,
    influence,
    kernel_sum,
    knn,
    knn_lm,
    knn_shapley,
    lava,
    leave_one_out,
    linear,
    logra,
    loss,
    mmd,
    ngram,
    ntk,
    proxy_training,
    rbf,
    score,
    score_calibrated,
    score_disagreement,
    score_weights,
    shapley,
    surrogate,
    token_ridge,
    tracin,
    trak,
)
from valuation.methods.method import Method
from valuation.methods.union_game import POINTS, no_game
from valuation.objective import OBJECTIVES
from valuation.purposes import Purpose

TOKENS, PLAIN = ("sequences",), ("classification", "regression")  # kinds of objectives
SOLVE = "one n^3 solve a contributor"
GAUSSIAN = SOLVE + ", above 4,096 examples linear in n"
SOLVES = "one n^3 solve a contributor and initialisation, shared by all that take the same kernel and ridge"
DISTANCES = "n^2 and n m distances a contributor, above 4,096 examples linear in n, shared"
ADAPTED = "it is for pretrained decoders: theirs is a config of its own, which can name it"
TERMS = f"{SOLVES}; {DISTANCES}"
NAMED = dict.fromkeys(OBJECTIVES, "a rival that answers another question or costs more: a config names it")
GRADIENTS = "one gradient a contributor"
FITS = "fits: some 500 shared inducing points, counts, or exact with a tangent kernel"
mixture = score.mixture_score

METHODS = {
    method.name: method
    for method in (
        Method("surrogate", "surrogate", surrogate.surrogate, "that of the method it picks", labels=True,
               needs=surrogate.surrogate_needs),
        Method("ntk_utility", "NTK ridge", ntk.ntk_utility, SOLVE, predicts=PLAIN, labels=True,
               needs=needs.tangent_solve),
        Method("ntk_flow", "NTK flow", ntk.ntk_flow, "one n^3 eigendecomposition a contributor",
               predicts=PLAIN, labels=True, left_out={"sequences": "it repeats ntk_utility"},
               needs=needs.tangent_flow),
        Method("ntk_relative", "NTK ridge, relative margins", ntk.ntk_relative, SOLVE + ", shared with ntk_utility",
               labels=True, objectives=("classification",), instead="ntk_utility", needs=needs.tangent_solve),
        Method("rbf_utility", "RBF ridge", rbf.rbf_utility, GAUSSIAN, predicts=PLAIN, labels=True,
               needs=needs.gaussian),
        Method("rbf_wide", "RBF ridge, wide", rbf.rbf_wide, GAUSSIAN, predicts=("regression",), labels=True,
               objectives=("regression",), instead="rbf_utility", needs=needs.gaussian),
        Method("rbf_margin", "RBF ridge, margins", rbf.rbf_margin, SOLVE + ", shared with rbf_utility",
               labels=True, objectives=("classification",), instead="rbf_utility", needs=needs.gaussian),
        Method("rbf_relative", "RBF ridge, relative margins", rbf.rbf_relative, GAUSSIAN,
               labels=True, objectives=("classification",), instead="rbf_utility", needs=needs.gaussian),
        Method("linear_utility", "linear ridge", linear.linear_utility, "n d min(n, d) a contributor of d features",
               predicts=PLAIN, labels=True, needs=needs.linear),
        Method("knn_utility", "kNN", knn.knn_utility, "n m distances a contributor",
               predicts=PLAIN, labels=True,
               left_out={"sequences": "there is no class to vote on, and means of nats repeat rbf_utility"},
               needs=needs.nearest),
        Method("ngram_utility", "n-gram", ngram.ngram_utility, "one count and sort of a contributor's tokens",
               predicts=TOKENS, labels=True, objectives=TOKENS, instead="rbf_utility", needs=needs.counts),
        Method("kernel_sum", "sum of kernels, relative margins", kernel_sum.kernel_sum, SOLVE,
               labels=True, objectives=("classification",), instead="rbf_utility", needs=needs.two_kernels,
               left_out={"classification": "other methods take its two kernels one by one"}),
        Method("knn_lm", "kNN language model", knn_lm.knn_lm, "n m distances between a contributor's tokens and others",
               predicts=TOKENS, labels=True, objectives=TOKENS, instead="rbf_utility", left_out={"sequences": ADAPTED},
               needs=needs.neighbours),
        Method("token_ridge", "token ridge", token_ridge.token_ridge,
               "as many d^3 solves as folds, d the width of states; the outputs of a contributor's tokens",
               predicts=TOKENS, labels=True, objectives=TOKENS, instead="rbf_utility", left_out={"sequences": ADAPTED},
               needs=needs.token_ridge),
        Method("proxy_training", "proxy training", proxy_training.proxy_training, "a tenth of a training a contributor",
               predicts=tuple(OBJECTIVES), labels=True, trains=True, purpose=Purpose.PROXY_TRAINING),
        Method("score_literal", "score, literal weights", partial(mixture, weights=score_weights.literal_weights),
               TERMS, left_out={"sequences": "its weights are 1/2, 1/2, 0, 0 whatever the data"}, needs=needs.score),
        Method("score_scale_free", "score, scale-free", partial(mixture, weights=score_weights.scale_free_weights),
               TERMS, needs=needs.score),
        Method("score_kappa", "score, kappa", partial(mixture, weights=score_weights.kappa_weights), TERMS,
               needs=needs.score),
        Method("score_disagreement", "score with disagreement", score_disagreement.score_disagreement,
               f"one m^3 solve, n m distances a contributor; {DISTANCES}", labels=True, needs=needs.disagreement),
        Method("score_calibrated", "score, calibrated", score_calibrated.calibrated_score, "full trainings, " + TERMS,
               labels=True, trains=True, retrained=True, purpose=Purpose.CALIBRATION,
               left_out={"sequences": "its six trainings are half of a truth with one seed"}, needs=needs.score),
        Method("score_kernel_scaled", "score, scaled kernel",
               partial(mixture, weights=score_weights.scale_free_weights, scaled=True), TERMS,
               left_out={"sequences": "it repeats score_scale_free"}, needs=needs.score),
        Method("davinz", "DAVINZ", davinz.davinz, f"{SOLVES}; n^2 and n m distances a contributor", needs=needs.davinz),
        Method("deviation", "Deviation", deviation.deviation, "one n^3 inverse for the n examples of all contributors",
               most_examples=15_000, needs=needs.deviation),
        Method("tracin", "TracIn", tracin.tracin, "n m gradient products a checkpoint", labels=True, checkpoints=True,
               needs=needs.checkpoint_products),
        Method("logra", "LoGra", logra.logra, "one projected gradient an example",
               labels=True, checkpoints=True, purpose=Purpose.LOGRA, needs=partial(needs.projected_by_layer, rank=64)),
        Method("trak", "TRAK", trak.trak, "one sketched gradient an example and checkpoint",
               labels=True, checkpoints=True, purpose=Purpose.TRAK,
               objectives=("classification", "sequences"), instead="logra",
               needs=partial(needs.projected, numbers=2048), unfit=trak.one_example),
        Method("influence", "influence", influence.influence, "up to 100 passes over the union",
               labels=True, checkpoints=True, purpose=Purpose.INFLUENCE,
               left_out={"sequences": "its passes cost as much as the truth"}, needs=needs.solved(100)),
        Method("ekfac", "EK-FAC", ekfac.ekfac, "up to three passes over the union, one eigendecomposition a layer",
               labels=True, checkpoints=True, purpose=Purpose.EKFAC, left_out=NAMED, needs=needs_of_rivals.kronecker),
        Method("gradient_cosine", "gradient cosine", gradient_cosine.gradient_cosine, GRADIENTS,
               labels=True, checkpoints=True, left_out=NAMED, needs=needs_of_rivals.mean_gradients),
        Method("gradient_matching", "gradient matching", gradient_matching.gradient_matching,
               GRADIENTS + ", shared with gradient_cosine", labels=True, checkpoints=True, left_out=NAMED,
               needs=needs_of_rivals.mean_gradients),
        Method("knn_shapley", "KNN-Shapley", knn_shapley.knn_shapley, "N m distances of the N examples of all",
               labels=True, objectives=("classification",), instead="knn_utility", left_out=NAMED,
               needs=needs_of_rivals.shares_of_neighbours),
        Method("lava", "LAVA", lava.lava, "n^2 and n m distances a contributor and some hundred passes over them",
               labels=True, objectives=("classification",), instead="mmd_only", left_out=NAMED,
               needs=needs_of_rivals.transport, unfit=lava.unknown_class),
        Method("leave_one_out", "leave one out", leave_one_out.leave_one_out, f"C + 1 {FITS}",
               labels=True, left_out=NAMED, needs=needs_of_rivals.coalitions(lambda count: count + 1, POINTS),
               unfit=no_game),
        Method("shapley", "Shapley", shapley.shapley, f"2^C {FITS}; above 12 contributors 200 C",
               labels=True, purpose=Purpose.SHAPLEY, left_out=NAMED,
               needs=needs_of_rivals.coalitions(shapley_fits, POINTS), unfit=no_game,
               estimate=shapley.shapley_estimate),
        Method("banzhaf", "Banzhaf", banzhaf.banzhaf, f"2^C {FITS}, shared with shapley; above 12 contributors 1,000",
               labels=True, purpose=Purpose.BANZHAF, left_out=NAMED,
               needs=needs_of_rivals.coalitions(banzhaf_fits, POINTS), unfit=no_game,
               estimate=banzhaf.banzhaf_estimate),
        Method("embedding_similarity", "embedding similarity", embedding_similarity.embedding_similarity,
               "n m cosines a contributor", left_out=NAMED, needs=needs_of_rivals.largest_cosines),
        Method("mmd_only", "MMD only", mmd.mmd_only, DISTANCES, needs=needs.discrepancy),
        Method("mmd_size", "MMD + size", mmd.mmd_size, DISTANCES, needs=needs.discrepancy),
        Method("loss_only", "own residual only", loss.loss_only, SOLVES,
               left_out={"sequences": "the ablation of the score holds it"}, needs=needs.terms_of_kernel),
        Method("size", "size", counts.size, "nothing"),
        Method("real_count", "real count", counts.real_count, "nothing"),
        Method("real_share", "real share", counts.real_share, "nothing"),
        Method("random", "random", counts.random, "nothing", purpose=Purpose.RANDOM),
    )
}  # fmt: skip

GAMES = tuple(name for name, method in METHODS.items() if method.unfit is no_game)  # between the contributors


def default_methods(kind: str, examples: int) -> tuple[str, ...]:
    """Names of the methods of a default table.

    kind: of the objective. examples: how many all contributors have together, as a rule.
    """
    return tuple(name for name, method in METHODS.items() if method.is_default(kind, examples))
