"""Synthetic text with provenance.

    python -m experiments.synthetic.generate --config=configs/language.py:small --workdir=out/language

Writes workdir/generated/{review,instruction,solution,continuation}.jsonl.gz and manifest.json; --output puts them
elsewhere (the committed set: --output=experiments/synthetic/texts). An interrupted run goes on after its last batch.
Sampling in floating point is not reproducible bit by bit across machines and versions: a rebuilt set is equal in
distribution, not in its words, and has hashes of its own.
"""

import gzip
import hashlib
import json
import sys
import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import tokenizers
from absl import app, flags, logging
from ml_collections import config_flags
from tqdm import tqdm

from configs.common import one_of
from experiments.data.archives import SMOLLM2, fetch, member, sha256
from experiments.runtime import files, results, study
from experiments.runtime.lock import locked
from experiments.runtime.study import Step
from experiments.synthetic import corpus, filters
from experiments.synthetic.prompts import END, KINDS, TURN, Prompt, digest, math_problems, prompts
from experiments.synthetic.sampling import check_strength
from models.decoder import Config, decoder
from models.generate import generate
from models.pretrained import Pretrained, from_gguf

FIELDS = ("kind", "text", "label", "instruction", "problem", "model", "temperature", "top_p", "seed")  # of a record
START = "<|endoftext|>"  # between two texts; where a tokenizer lacks it, its own token for the start


class Language(NamedTuple):
    """A language model with the name and the hash that its texts carry."""

    pretrained: Pretrained
    name: str
    sha256: str


def run(config, workdir: str | Path, data_dir: str | None, output: str | Path, kinds: tuple[str, ...]) -> Path:
    """Generates what is missing, filters it, writes the set of files; the path of its manifest."""
    plan = config.generation
    check(plan, kinds)
    with locked(workdir):
        language = load(plan.model, data_dir)
        problems = ["what is 2 + 2 ?", "what is 3 * 4 ?"]
        if plan.real and "solution" in kinds:
            problems = math_problems(fetch("bigbench", data_dir), plan.held_out)
        made = {kind: drafts(plan, kind, config.seed, language, problems, Path(workdir) / "drafts") for kind in kinds}
        return publish(plan, language, made, problems, Path(output))


def drafts(plan, kind: str, seed: int, language: Language, problems: list[str], folder: Path) -> list[dict]:
    """The drafts of a kind, those made that folder/kind/results.jsonl does not hold yet: batches, the settings in turn.

    A folder that holds those of other settings is refused.
    """
    settings = {name: plan[name] for name in ("model", "real", "held_out", "batch")}
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


def load(name: str, data_dir: str | None) -> Language:
    """The model that a config names: "smollm2", or "random": untrained, with bytes for tokens, in memory."""
    one_of("model", name, ("smollm2", "random"))
    if name == "random":
        return Language(untrained(), "random", "0" * 64)
    path = member("smollm2", SMOLLM2, data_dir)
    return Language(from_gguf(path, dtype=jnp.float32), "SmolLM2-135M-Instruct Q4_1", sha256(path))


def untrained() -> Pretrained:
    """A small decoder drawn at random whose tokens are bytes and the special tokens of the chat template."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    table = {letter: number for number, letter in enumerate([START, TURN, END, *alphabet])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=table, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([START, TURN, END])
    sizes = Config(vocabulary=len(table), width=16, layers=1, heads=2, kv_heads=1, head_width=8, hidden=32)
    return Pretrained(decoder(sizes, jax.random.key(0)), tokenizer, sizes, {"eos": 2}, None)


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


def answers(pretrained: Pretrained, batch: list[Prompt], length: int, temperature, mass, key) -> list[dict]:
    """{"text", "tokens", "finished"} of what follows each prompt, and "instruction" where it was written too."""
    first, second = jax.random.split(key)
    rows = sampled(pretrained, [prompt.text for prompt in batch], length, temperature, mass, first)
    if batch[0].follow is None:
        return rows
    asked = [prompt.follow(row["text"]) for prompt, row in zip(batch, rows, strict=True)]
    replies = sampled(pretrained, asked, length, temperature, mass, second)
    return [
        reply | {
            "instruction": row["text"], "tokens": row["tokens"] + reply["tokens"],
            "instruction_finished": row["finished"],
        }
        for row, reply in zip(rows, replies, strict=True)
    ]  # fmt: skip


def sampled(pretrained: Pretrained, texts: list[str], length: int, temperature, mass, key) -> list[dict]:
    """What the model writes after each text, up to a token that ends it."""
    tokens = [encoded(pretrained, text) for text in texts]
    found = generate(
        pretrained.model, tokens, length=length, temperature=temperature, top_p=mass, stop=ends(pretrained), key=key,
        batch=len(texts),
    )  # fmt: skip
    rows = (row[:size].tolist() for row, size in zip(found.tokens, found.lengths, strict=True))
    return [
        {"text": pretrained.tokenizer.decode(row), "tokens": len(row), "finished": len(row) < length} for row in rows
    ]


def encoded(pretrained: Pretrained, text: str) -> list[int]:
    """Tokens of a prompt. Plain text stands after the token for the start of a text; a chat begins with its own."""
    tokens = pretrained.tokenizer.encode(text, add_special_tokens=False).ids
    if text.startswith(TURN):
        if tokens[0] != pretrained.tokenizer.token_to_id(TURN):
            raise ValueError(f"the tokenizer lacks the special tokens {TURN} and {END}: this model cannot chat")
        return tokens
    start = pretrained.tokenizer.token_to_id(START)
    start = pretrained.special.get("bos") if start is None else start
    if start is None:
        raise ValueError(f"the tokenizer has no token for the start of a text: expected {START} or one named bos")
    return [start, *tokens]


def ends(pretrained: Pretrained) -> tuple[int, ...]:
    """Tokens after which nothing is read."""
    named = (pretrained.tokenizer.token_to_id(name) for name in (START, TURN, END))
    return tuple(sorted({number for number in (*named, pretrained.special.get("eos")) if number is not None}))


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


def filtered(rows: list[dict], rules: dict, problems: list[str]) -> tuple[list[dict], dict[str, int]]:
    """The rows that are kept, their texts trimmed, and how many each rule drops.

    "whole": a text that reached the greatest length is cut after its last sentence, and dropped if none is left; an
    instruction that reached it is dropped. Of a solution, sentences that quote its problem are left out first, and it
    is dropped if none is left. The other rules: experiments/synthetic/filters.py; "near" sees the instruction too.
    """
    rules, counts, named = dict(rules), {}, {digest(problem): problem for problem in problems}
    if rules.pop("whole"):
        rows = [row | {"text": row["text"].strip()} for row in rows]
        rows = [row if row["finished"] else row | {"text": filters.whole_sentences(row["text"])} for row in rows]
        rows = [row | {"instruction": row["instruction"].strip()} if "instruction" in row else row for row in rows]
        rows = kept(rows, [whole(row) for row in rows], "unfinished", counts)
    if any("problem" in row for row in rows):
        rows = [row | {"text": filters.unquoted(row["text"], named[row["problem"]])} for row in rows]
        rows = kept(rows, [bool(row["text"]) for row in rows], "quotes", counts)
    rows = kept(rows, [bool(row["text"].strip()) for row in rows], "empty", counts)
    texts = [" ".join(filter(None, (row.get("instruction"), row["text"]))) for row in rows]
    found = filters.dropped(texts, rules)
    counts |= {name: int(gone.sum()) for name, gone in found.items()}
    return [row for i, row in enumerate(rows) if not any(gone[i] for gone in found.values())], counts


def whole(row: dict) -> bool:
    """Whether a text is there and its instruction, if it has one, is complete."""
    return bool(row["text"] and row.get("instruction", "none") and row.get("instruction_finished", True))


def kept(rows: list[dict], keep: list[bool], rule: str, counts: dict[str, int]) -> list[dict]:
    """The rows to keep; how many are not is noted under the rule."""
    counts[rule] = keep.count(False)
    return [row for row, one in zip(rows, keep, strict=True) if one]


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
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}; options begin with --")
    args = flags.FLAGS
    logging.set_verbosity(logging.WARNING)
    try:
        output = args.output or Path(args.workdir) / "generated"
        print(run(args.config, args.workdir, args.data_dir, output, tuple(args.kinds)))
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    config_flags.DEFINE_config_file("config", None, "what to run, as configs/language.py:small")
    flags.DEFINE_string("workdir", None, "folder of drafts and results")
    flags.DEFINE_string("output", None, "folder of the finished set; default workdir/generated")
    flags.DEFINE_list("kinds", list(KINDS), "kinds to generate, in this order")
    flags.DEFINE_string(
        "data_dir", None, "folder of archives and prepared data; default ~/.cache/real_synthetic_mixtures"
    )
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
