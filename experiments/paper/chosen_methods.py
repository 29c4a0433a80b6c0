"""The methods of each table, where these are not those that a run takes by itself."""

from valuation.methods import METHODS, NAMED, default_methods

CHEAP = (
    "surrogate", "ntk_utility", "rbf_utility", "linear_utility", "proxy_training", "score_scale_free", "score_kappa",
    "score_disagreement", "davinz", "mmd_only", "mmd_size", "size", "real_count", "real_share", "random",
)  # fmt: skip
MARGINS = ("rbf_margin", "rbf_relative")
SHORT = (*CHEAP[:3], "ntk_relative", *MARGINS, *CHEAP[3:4], "knn_utility", *CHEAP[4:])
CONVNET = (
    *CHEAP[:2], "ntk_flow", "rbf_utility", *MARGINS, "linear_utility", "knn_utility", "proxy_training",
    "score_disagreement", "size", "random",
)  # fmt: skip
OF_CONVNET = (  # without what takes as long as the truth, the MLP's ablation of a score, games of tangent kernels
    *CONVNET, *("ekfac", "gradient_cosine", "gradient_matching", "knn_shapley", "lava", "embedding_similarity"),
    *("ntk_relative", "score_scale_free", "score_kappa", "davinz", "tracin", "logra", "trak", "mmd_only", "mmd_size"),
    *("loss_only", "real_count", "real_share"),
)  # fmt: skip
PHOTOGRAPHS = (
    *CONVNET[:-2], *("score_scale_free", "davinz", "deviation", "tracin", "logra", "trak"),
    *("ekfac", "gradient_cosine", "gradient_matching", "knn_shapley", "lava", "mmd_only", "mmd_size", "loss_only"),
    *("size", "real_count", "real_share", "random"),
)  # fmt: skip
FEW = (
    "surrogate", "rbf_utility", "rbf_margin", "linear_utility", "knn_utility", "proxy_training", "size", "real_count",
    "real_share", "random",
)  # fmt: skip
RIVALS = tuple(name for name, method in METHODS.items() if method.left_out == NAMED)  # of attribution, and games
IN_CLASSES = (*default_methods("classification", 0), *RIVALS)
ALONG = tuple(name for name in IN_CLASSES if name != "deviation")  # which is for fewer examples than the axes have
OF_TEXTS = (  # also what needs a model trained on the union, or every other contributor
    *CHEAP, "deviation", "tracin", "logra", "trak", "leave_one_out", "shapley", "banzhaf", "embedding_similarity",
    "ekfac", "gradient_cosine", "gradient_matching",
)  # fmt: skip
ON_STATES = (  # of an adapted language model, without TracIn and TRAK, which go over all gradients at every checkpoint
    "surrogate", "ngram_utility", "knn_lm", "token_ridge", "rbf_utility", "linear_utility", "score_disagreement",
    "mmd_only", "mmd_size", "size", "real_count", "real_share", "random", "proxy_training", "ntk_utility",
    "gradient_cosine", "logra", "leave_one_out", "shapley", "banzhaf", "embedding_similarity", "gradient_matching",
    "ekfac", "score_scale_free", "score_kappa", "davinz",
)  # fmt: skip
TIMED = ("surrogate", "proxy_training", "size")  # in a run beside which nothing else runs
