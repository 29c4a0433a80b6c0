"""Lines of the language study, and the drafts of generated text."""

from experiments.runtime.kinds.kind import RUN, SECONDS, Kind

LAW = {"law": "name of the fitted law", "parameters": "by name", "intervals": "95 %, by parameter", "bic": "of the fit"}
SOURCE = {
    "source": "real, continuation or review",
    "temperature": "of its sampling",
    "top_p": "of its sampling",
}
COMPARED = SOURCE | {"reference": "real or uncut text that it is compared with"}
SPAN = {"low": "95 % interval over resampled texts", "high": "its upper end"}
LANGUAGE = {
    "retention": Kind(
        (*COMPARED, "law"),
        COMPARED
        | LAW
        | {"log_likelihood": "of the fit", "bootstrap": "95 % interval over resampled texts, by parameter"},
    ),
    "verdict": Kind(
        tuple(COMPARED),
        COMPARED
        | {
            "words": "size of the source",
            "dispersion": "variance over that of independent words",
            "best": "law of the lowest corrected BIC",
            "corrected": "BIC by law, likelihoods divided by the dispersion",
            "sharp_excess": "corrected BIC of the sharp cut above the best",
        },
    ),
    "ratio": Kind(
        tuple(COMPARED), COMPARED | {"ranks": "middle of each bin", "ratio": "of frequencies, by bin"} | SPAN
    ),
    "tail": Kind(
        tuple(SOURCE),
        SOURCE
        | {
            "texts": "how many",
            "words": "how many",
            "types": "different words of the real ranking",
            "outside": "share of words that real text lacks",
            "ranks": "of real text",
            "beyond": "share of words beyond each rank",
            "own_ranks": "in the source's order",
            "frequencies": "at these",
        }
        | SPAN,
    ),
    "zipf": Kind((*SOURCE, "law"), SOURCE | LAW | {"log_likelihood": "of the fit"}),
    "error": Kind(
        ("learner", *SOURCE, "seed"),
        {
            "learner": "pretrained, or decoder: trained on a source",
            "model": "name of the pretrained model",
            "model_sha256": "of its file",
            "facts": "how many texts were measured, empty, cut",
            "seed": "of the training, from 0 on",
            "words": "trained on",
            "edges": "ranks between bins",
            "targets": "words measured, by bin",
            "nats": "mean loss a word, by bin",
            "wrong": "share of words that are not the likeliest, by bin",
            "nats_interval": "95 % over texts",
            "wrong_interval": "95 % over texts",
        }
        | SOURCE
        | SECONDS,
    ),
    "errors of the decoder": Kind((), {"rows": "of each training set"} | SECONDS),
    "run": RUN,
}
DRAFT = {
    "batch": "number of the batch of this kind",
    "row": "place in the batch",
    "text": "what the model wrote",
    "tokens": "how many",
    "finished": "whether it ended by itself",
    "model": "which wrote it",
    "temperature": "of the sampling",
    "top_p": "of the sampling",
    "seed": "of the batch",
}
DRAFTS = {
    "review": Kind(("batch", "row"), DRAFT | {"label": "1: praise was asked for"}),
    "instruction": Kind(
        ("batch", "row"),
        DRAFT | {"instruction": "that the model wrote first", "instruction_finished": "whether it ended by itself"},
    ),
    "solution": Kind(("batch", "row"), DRAFT | {"problem": "hash of the problem"}),
    "continuation": Kind(("batch", "row"), DRAFT),
}
