"""Synthetic text with provenance.

    python -m experiments.synthetic.generate --config=configs/language.py:small --workdir=out/language

Writes workdir/generated/{review,instruction,solution,continuation}.jsonl.gz and manifest.json; --output puts them
elsewhere (the committed set: --output=experiments/synthetic/texts). An interrupted run goes on after its last batch.
Sampling in floating point is not reproducible bit by bit across machines and versions: a rebuilt set is equal in
distribution, not in its words, and has other hashes.
"""

import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import jax
from absl import flags
from tqdm import tqdm

from configs.common import one_of
from experiments.data.archives import fetch
from experiments.runtime import files, launch, results, study
from experiments.runtime.lock import locked
from experiments.runtime.study import Step
from experiments.synthetic import corpus
from experiments.synthetic.language_model import Language, answers, load
from experiments.synthetic.prompts import KINDS, Prompt, math_problems, prompts
from experiments.synthetic.sampling import check_strength
from experiments.synthetic.selection import filtered

FIELDS = ("kind", "text", "label", "instruction", "problem", "model", "temperature", "top_p", "seed")  # of a record


def run(config, workdir: str | Path, data_dir: str | None, output: str | Path, kinds: tuple[str, ...]) -> Path:
    """Generates what is missing, filters it, writes the set of files; the path of its manifest.

    config: of configs/language.py. workdir: folder of drafts. data_dir: as in archives.data_folder. output: folder of
    the set. kinds: of prompts.KINDS. Raises ValueError for settings that cannot be and for drafts of other settings.
    """
    plan = config.generation
    check(plan, kinds)
    with locked(workdir):
        language = load(plan.model.name, data_dir)
        problems = ["what is 2 + 2 ?", "what is 3 * 4 ?"]
        if plan.real and "solution" in kinds:
            problems = math_problems(fetch("bigbench", data_dir), plan.held_out)
        made = {kind: drafts(plan, kind, config.seed, language, problems, Path(workdir) / "drafts") for kind in kinds}
        return publish(plan, language, made, problems, Path(output))


def drafts(plan, kind: str, seed: int, language: Language, problems: list[str], folder: Path) -> list[dict]:
    """The drafts of a kind, those made that folder/kind/results.jsonl does not hold yet: batches, the settings in turn.

    A folder that holds those of other settings is refused.
    """
    settings = {name: plan[name] for name in ("real", "held_out", "batch")} | {"model": plan.model.name}
    settings |= {"seed": seed, "length": plan[kind].length, "settings": plan[kind].settings}

    def steps(lines: list[dict]) -> Iterator[Step]:
        begun, there = time.perf_counter(), len(lines)
        with tqdm(total=sum(count for _, _, count in plan[kind].settings), desc=kind, unit="text") as bar:
            for number, (place, first) in enumerate(schedule(plan[kind].settings, plan.batch)):
                count = plan[kind].settings[place][2]
                batch = prompts(kind, count, seed * 1000 + place, problems)[first : first + plan.batch]
                yield Step(
                    [{"kind": kind, "batch": number, "row": row} for row in range(len(batch))],
                    partial(written, plan, kind, seed, language, number, place, batch),
                    remake=({"kind": kind, "batch": number},),
                )
                bar.update(len(batch))
                tokens = sum(line["tokens"] for line in lines[there:])
                bar.set_postfix_str(f"{tokens / (time.perf_counter() - begun):.0f} tokens/s")

    return study.run_steps("drafts", settings, steps, folder / kind)


def check(plan, kinds: tuple[str, ...]) -> None:
    """Raises ValueError for values that could only fail later."""
    for kind in kinds:
        one_of("kind", kind, tuple(KINDS))
        if plan[kind].length < 1 or plan.batch < 1:
            raise ValueError(f"{kind}.length and batch count from 1, got {plan[kind].length} and {plan.batch}")
        for temperature, mass, count in plan[kind].settings:
            check_strength("temperature", temperature)
            check_strength("top_p", mass)
            if count < 1:
                raise ValueError(f"{kind}: a setting makes at least 1 text, got {count}")


def written(plan, kind: str, seed: int, language: Language, number: int, place: int, batch: list[Prompt]) -> list[dict]:
    """The lines of one batch: what the model writes after each prompt, at the setting of that place."""
    temperature, mass, _ = plan[kind].settings[place]
    key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(kind.encode()) & 0x7FFFFFFF)
    key = jax.random.fold_in(key, number)
    rows = answers(language.pretrained, batch, plan[kind].length, temperature, mass, key)
    shared = {"kind": kind, "batch": number, "model": language.name}
    shared |= {"temperature": temperature, "top_p": mass, "seed": number}
    return [
        shared | {"row": row} | prompt.known | one for row, (prompt, one) in enumerate(zip(batch, rows, strict=True))
    ]


def schedule(settings, batch: int) -> list[tuple[int, int]]:
    """(setting, first text) of every batch: the first of each setting, then the second, ..."""
    places = ((first, place) for place, (_, _, count) in enumerate(settings) for first in range(0, count, batch))
    return [(place, first) for first, place in sorted(places)]


def publish(plan, language: Language, made: dict[str, list[dict]], problems: list[str], output: Path) -> Path:
    """Filters every kind and writes files and manifest; kinds that have no drafts keep their file, if there is one."""
    output.mkdir(parents=True, exist_ok=True)
    place = output / corpus.MANIFEST
    manifest = json.loads(place.read_text()) if place.exists() else {}
    for kind, rows in made.items():
        if rows:
            chosen, dropped = filtered(rows, plan[kind].filters.to_dict(), problems)
            lines = "".join(
                json.dumps({k: row[k] for k in FIELDS if k in row}, ensure_ascii=False) + "\n" for row in chosen
            )
            content = gzip.compress(lines.encode(), 9, mtime=0)
            files.write_bytes(output / corpus.file(kind), content)
            manifest[kind] = {
                "sha256": hashlib.sha256(content).hexdigest(),
                "texts": len(chosen),
                "tokens": sum(row["tokens"] for row in chosen),
                "generated": len(rows),
                "tokens_generated": sum(row["tokens"] for row in rows),
                "dropped": dropped,
                "settings": counted(rows, chosen),
                "length": plan[kind].length,
                "model": language.name,
                "model_sha256": language.sha256,
            }
    ordered = {kind: manifest[kind] for kind in KINDS if kind in manifest}
    files.write_text(place, json.dumps(ordered, indent=1) + "\n")
    return place


def counted(rows: list[dict], kept: list[dict]) -> list[dict]:
    """Texts generated and kept, and tokens kept, at every setting."""
    known = dict.fromkeys((row["temperature"], row["top_p"]) for row in rows)
    return [
        {
            "temperature": temperature,
            "top_p": mass,
            "generated": len(results.select(rows, temperature=temperature, top_p=mass)),
            "kept": len(chosen := results.select(kept, temperature=temperature, top_p=mass)),
            "tokens": sum(row["tokens"] for row in chosen),
        }
        for temperature, mass in known
    ]


def main(argv: list[str]) -> None:
    args = flags.FLAGS
    output = args.output or Path(args.workdir) / "generated"
    print(run(args.config, args.workdir, args.data_dir, output, tuple(args.kinds)))


if __name__ == "__main__":
    flags.DEFINE_string("config", None, "what to run, as configs/language.py:small", required=True)
    flags.DEFINE_string("workdir", None, "folder of drafts and results", required=True)
    flags.DEFINE_string("output", None, "folder of the finished set; default workdir/generated")
    flags.DEFINE_list("kinds", list(KINDS), "kinds to generate, in this order")
    flags.DEFINE_string(
        "data_dir", None, "folder of archives and prepared data; default ~/.cache/real_synthetic_mixtures"
    )
    launch.run(main, reader=launch.read_config)
