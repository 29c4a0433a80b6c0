"""Small files of every kind whose sources have a known order: more of the same, then what is spoilt on purpose."""

import csv
import json
from pathlib import Path

import numpy as np

from experiments.synthetic import review_templates, word_problems

SIZES = {"real": 120, "more": 120, "shuffled": 120}
KINDS = ("table", "number", "text", "pairs")


def columns(kind: str, seed: int = 0) -> dict[str, dict[str, list]]:
    """Name of the file -> its columns."""
    rng = np.random.default_rng(seed)
    whole = {"table": table, "number": number, "text": text, "pairs": pairs}[kind](sum(SIZES.values()), rng)
    target = list(whole)[-1]
    places = dict(
        zip(SIZES, np.split(np.arange(sum(SIZES.values())), np.cumsum(list(SIZES.values()))[:-1]), strict=True)
    )
    files = {name: {key: [values[i] for i in rows] for key, values in whole.items()} for name, rows in places.items()}
    shuffled = files["shuffled"][target]
    if kind == "pairs":  # answers to other questions would teach a trigram as much as the right ones
        files["shuffled"][target] = [" ".join(rng.permutation(answer.split())) for answer in shuffled]
    else:
        files["shuffled"][target] = [shuffled[i] for i in rng.permutation(len(shuffled))]
    return files


def table(count: int, rng: np.random.Generator) -> dict[str, list]:
    x = rng.normal(size=(count, 3)).round(3)
    colour = rng.choice(["blue", "red"], count)
    score = x[:, 0] * np.where(colour == "red", -1, 1) + 0.2 * x[:, 1]
    return {
        **{name: x[:, i].tolist() for i, name in enumerate("abc")},
        "colour": colour.tolist(),
        "label": np.where(score > 0, "yes", "no").tolist(),
    }


def number(count: int, rng: np.random.Generator) -> dict[str, list]:
    x = rng.normal(size=(count, 2)).round(3)
    price = (50 + 10 * x[:, 0] + 5 * x[:, 0] * x[:, 1] + rng.normal(size=count)).round(3)
    return {"width": x[:, 0].tolist(), "height": x[:, 1].tolist(), "target": price.tolist()}


def text(count: int, rng: np.random.Generator) -> dict[str, list]:
    made = review_templates.templates(3 * count, int(rng.integers(100)))
    different = {text: int(label) for text, label in zip(made.texts, made.labels, strict=True)}
    texts = list(different)[:count]
    return {"review": texts, "stars": [("bad", "good")[different[text]] for text in texts]}


def pairs(count: int, rng: np.random.Generator) -> dict[str, list]:
    made = word_problems.problems(count, 3, rng)
    return {"question": [problem for _, problem, _, _ in made], "answer": [steps for _, _, steps, _ in made]}


def write(folder: Path, kind: str, files: dict[str, dict[str, list]]) -> dict[str, Path]:
    """CSV of tables and texts, JSON lines of pairs; their paths."""
    ending = "jsonl" if kind == "pairs" else "csv"
    paths = {name: folder / f"{name}.{ending}" for name in files}
    for name, path in paths.items():
        rows = list(zip(*files[name].values(), strict=True))
        with path.open("w", newline="", encoding="utf-8") as file:
            if kind == "pairs":
                file.writelines(json.dumps(dict(zip(files[name], row, strict=True))) + "\n" for row in rows)
            else:
                csv.writer(file).writerows([list(files[name]), *rows])
    return paths
