"""Tokenizers of pretrained decoders, rebuilt from a GGUF file's metadata or read from a Hugging Face folder."""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

CONTROL, USER_DEFINED = 3, 4  # kinds of token in GGUF
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS = {  # tokenizer.ggml.pre -> how text is cut before the merges
    "gpt-2": lambda: ByteLevel(add_prefix_space=False),
    "smollm": lambda: Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]),
    "qwen2": lambda: Sequence(
        [Split(Regex(QWEN2), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    ),
}  # fmt: skip


def from_metadata(get) -> Tokenizer:
    """The byte-level BPE of a GGUF file; get(key, default) reads its metadata, without a default it raises.

    Raises ValueError for a tokenizer of another kind than gpt2 (BPE) and for a pre-tokeniser that is not in SPLITS.
    """
    kind, pre = get("tokenizer.ggml.model"), get("tokenizer.ggml.pre", "gpt-2")
    if kind != "gpt2":
        raise ValueError(f"tokenizer.ggml.model is {kind!r}: expected 'gpt2', byte-level BPE, the only kind known here")
    if pre not in SPLITS:
        raise ValueError(f"tokenizer.ggml.pre is {pre!r}: expected one of the pre-tokenisers {', '.join(SPLITS)}")
    tokens, kinds = get("tokenizer.ggml.tokens"), get("tokenizer.ggml.token_type", ())
    merges = [tuple(pair.split(" ")) for pair in get("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer, tokenizer.decoder = SPLITS[pre](), ByteLevelDecoder()
    named = list(zip(tokens, kinds, strict=False))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in named if k == CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, k in named if k == USER_DEFINED])
    return tokenizer


def metadata_special(get) -> dict[str, int]:
    """Which of bos, eos, unk, pad the GGUF file names, and by which number."""
    keys = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    numbers = {name: get(f"tokenizer.ggml.{key}_token_id", None) for name, key in keys.items()}
    return {name: int(number) for name, number in numbers.items() if number is not None}


def folder_special(folder: Path, tokenizer: Tokenizer) -> dict[str, int]:
    """Which of bos, eos, unk, pad tokenizer_config.json names, and by which number; config.json counts if it does not.

    Raises ValueError for a name that the tokenizer lacks.
    """
    named, numbered = (_json(folder / name) for name in ("tokenizer_config.json", "config.json"))
    numbers = {}
    for name in ("bos", "eos", "unk", "pad"):
        text, number = named.get(f"{name}_token"), numbered.get(f"{name}_token_id")
        text = text["content"] if isinstance(text, dict) else text
        number = number[0] if isinstance(number, list) else number
        if text is not None:
            number = tokenizer.token_to_id(text)
            if number is None:
                raise ValueError(f"{folder}: the tokenizer lacks its {name} token {text!r} of tokenizer_config.json")
        if number is not None:
            numbers[name] = number
    return numbers


def check(tokenizer: Tokenizer, special: dict[str, int], vocabulary: int, source) -> None:
    """Raises ValueError for an end of sequence that is missing, a special token that is none, too large a tokenizer."""
    if "eos" not in special:
        raise ValueError(f"{source}: the tokenizer names no end-of-sequence token (eos), by which sampling would stop")
    for name, number in special.items():
        if tokenizer.id_to_token(number) is None:
            raise ValueError(f"{source}: the tokenizer lacks its {name} token: expected number {number}, found none")
    largest = max(tokenizer.get_vocab().values())
    if largest >= vocabulary:
        raise ValueError(f"{source}: the tokenizer has token {largest}, the model a vocabulary of {vocabulary}")


def folder_template(folder: Path) -> str | None:
    """The chat template of a Hugging Face folder, in Jinja, if it has one."""
    file = folder / "chat_template.jinja"
    return file.read_text() if file.exists() else _json(folder / "tokenizer_config.json").get("chat_template")


def _json(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}
