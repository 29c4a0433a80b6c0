"""Tokenizers of pretrained decoders, rebuilt from a GGUF file's metadata or read from a Hugging Face folder."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Split
from tokenizers.pre_tokenizers import Sequence as Steps

from models.checkpoint import check_keys, existing, number, read_json_if_there

CONTROL, USER_DEFINED = 3, 4  # kinds of token in GGUF
NO_TOKEN = (-1, 2**32 - 1)  # how files number a token that there is not
WORDS = (  # of letters, DIGITS at a time, of signs, and spaces
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


class Cut(NamedTuple):
    """How text is cut before the merges. whole: a piece that is a token stays one, whatever its merges would give."""

    steps: Callable[[], PreTokenizer]
    whole: bool = False


def _by_words(digits: str) -> PreTokenizer:
    words = Split(Regex(WORDS.replace("DIGITS", digits)), "isolated")
    return Steps([words, ByteLevel(add_prefix_space=False, use_regex=False)])


CUTS = {  # tokenizer.ggml.pre
    "gpt-2": Cut(lambda: ByteLevel(add_prefix_space=False)),
    "smollm": Cut(lambda: Steps([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])),
    "qwen2": Cut(lambda: _by_words("")),
    "deepseek-r1-qwen": Cut(lambda: _by_words("")),
    "llama-bpe": Cut(lambda: _by_words("{1,3}"), whole=True),
}
BEFORE_PRE = {"qwen2": "qwen2"}  # architecture -> the one way that its files cut text while they did not name it
READ = {f"tokenizer.ggml.{key}" for key in ("model", "pre", "tokens", "token_type", "merges")}
SPECIAL = {"bos": ("bos",), "eos": ("eos", "eot", "eom"), "unk": ("unknown",), "pad": ("padding",)}
WITHOUT_EFFECT = {  # on byte-level BPE of plain text; add_bos_token and its like are for whoever writes the prompt
    *(f"tokenizer.ggml.{key}_token_id" for keys in SPECIAL.values() for key in keys),
    *(f"tokenizer.ggml.{key}_token_id" for key in ("seperator", "mask", "cls", "prefix", "suffix", "middle")),
    *(f"tokenizer.ggml.fim_{key}_token_id" for key in ("pre", "suf", "mid", "pad", "rep", "sep")),
    *(f"tokenizer.ggml.{key}" for key in ("add_bos_token", "add_eos_token", "add_sep_token", "scores")),
    "tokenizer.ggml.token_type_count", "tokenizer.huggingface.json", "tokenizer.chat_template",
    "tokenizer.chat_templates",
}  # fmt: skip
NEUTRAL: dict[str, tuple] = {
    "tokenizer.ggml.add_space_prefix": (False,), "tokenizer.ggml.remove_extra_whitespaces": (False,),
}  # fmt: skip


def ids_of(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of texts that are data: whatever stands in a text, it is text.

    A special token that is spelled out is cut into letters like any other word, none is added, and half of a surrogate
    pair, which has no bytes, is read as U+FFFD. For a prompt with special tokens of its own, put their numbers between.
    """
    before = tokenizer.encode_special_tokens
    tokenizer.encode_special_tokens = True  # as text
    try:
        return [one.ids for one in tokenizer.encode_batch([*map(readable, texts)], add_special_tokens=False)]
    finally:
        tokenizer.encode_special_tokens = before


def readable(text: str) -> str:
    """The text with U+FFFD in place of halves of surrogate pairs, so that it can be written in UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def from_file(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json, without the cutting and padding that the file may ask for.

    Raises as `checkpoint.existing`, and ValueError for one that is damaged.
    """
    try:
        tokenizer = Tokenizer.from_str(existing(path).read_text("utf-8"))
    except OSError:
        raise
    except Exception as error:  # the library raises nothing narrower
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} is no tokenizer, damaged or cut off ({error}): fetch it again") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def from_metadata(get: Callable, keys: Iterable[str], source: Path) -> Tokenizer:
    """The byte-level BPE of a GGUF file; get(key, default) reads its metadata, without a default it raises.

    keys: of all the metadata. source: the file, for messages.
    Raises ValueError for a tokenizer of another kind than gpt2 (BPE), for a pre-tokeniser that is missing or not in
    CUTS, for a key that may change how text is cut, and for merges of tokens that are not there.
    """
    kind, pre = get("tokenizer.ggml.model"), get("tokenizer.ggml.pre", BEFORE_PRE.get(get("general.architecture")))
    if kind != "gpt2":
        raise ValueError(
            f"{source}: tokenizer.ggml.model is {kind!r}: expected 'gpt2', byte-level BPE, the only kind known here"
        )
    if pre is None:
        raise ValueError(
            f"{source} lacks tokenizer.ggml.pre, its pre-tokeniser, without which texts have other tokens than in "
            "training: convert the model again with a newer llama.cpp, or set the key with gguf_new_metadata.py"
        )
    if pre not in CUTS:
        raise ValueError(
            f"{source}: tokenizer.ggml.pre is {pre!r}: expected one of the pre-tokenisers {', '.join(CUTS)}"
        )
    others = {key: get(key) for key in keys if key.startswith("tokenizer.") and key not in READ | WITHOUT_EFFECT}
    named = {key: value for key, value in others.items() if not key.startswith("tokenizer.chat_template.")}
    check_keys(named, (), NEUTRAL, str(source))
    tokens, kinds = get("tokenizer.ggml.tokens"), get("tokenizer.ggml.token_type", ())
    merges = [tuple(pair.split(" ")) for pair in get("tokenizer.ggml.merges")]
    try:
        model = BPE({token: i for i, token in enumerate(tokens)}, merges, ignore_merges=CUTS[pre].whole)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"{source}: tokens and merges do not fit together ({error}): fetch the file again") from None
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer, tokenizer.decoder = CUTS[pre].steps(), ByteLevelDecoder()
    typed = list(zip(tokens, kinds, strict=False))
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in typed if k == CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, k in typed if k == USER_DEFINED])
    return tokenizer


def metadata_special(get: Callable) -> tuple[dict[str, int], tuple[int, ...]]:
    """(which of bos, eos, unk, pad the GGUF file names, and by which number; all that end a text, turn or message)."""
    numbers = {
        name: [n for key in keys if (n := get(f"tokenizer.ggml.{key}_token_id", -1)) not in NO_TOKEN]
        for name, keys in SPECIAL.items()
    }
    return _first(numbers)


def folder_special(folder: Path, tokenizer: Tokenizer) -> tuple[dict[str, int], tuple[int, ...]]:
    """(which of bos, eos, unk, pad a folder names, and by which number; all that end a text).

    tokenizer_config.json says it first, then config.json, then generation_config.json; an end that any of them names
    is one. Raises ValueError for a name that the tokenizer lacks.
    """
    named = read_json_if_there(folder / "tokenizer_config.json")
    numbered = {name: read_json_if_there(folder / name) for name in ("config.json", "generation_config.json")}
    numbers: dict[str, list[int]] = {}
    for name in SPECIAL:
        found: list[int] = []
        text = named.get(f"{name}_token")
        text = text["content"] if isinstance(text, dict) else text
        if text is not None:
            token = tokenizer.token_to_id(text)
            if token is None:
                raise ValueError(f"{folder}: the tokenizer lacks its {name} token {text!r} of tokenizer_config.json")
            found.append(token)
        for file, fields in numbered.items():
            key, given = f"{name}_token_id", fields.get(f"{name}_token_id")
            given = given if isinstance(given, list) else [given]
            found += [number({key: one}, key, int, str(folder / file), -1) for one in given]
        numbers[name] = [one for one in found if one not in NO_TOKEN]
    return _first(numbers)


def _first(numbers: dict[str, list[int]]) -> tuple[dict[str, int], tuple[int, ...]]:
    """(the first number of each name that has one, all of "eos")."""
    return {name: found[0] for name, found in numbers.items() if found}, tuple(sorted({*numbers["eos"]}))


def check(tokenizer: Tokenizer, special: dict[str, int], ends: tuple[int, ...], vocabulary: int, source: Path) -> None:
    """Raises ValueError for an end of sequence that is missing, a special token that is none, too large a tokenizer."""
    if "eos" not in special:
        raise ValueError(f"{source}: the tokenizer names no end-of-sequence token (eos), by which sampling would stop")
    for name, token in [*special.items(), *(("eos", end) for end in ends)]:
        if token < 0 or tokenizer.id_to_token(token) is None:
            raise ValueError(f"{source}: the tokenizer lacks its {name} token: expected number {token}, found none")
    largest = max(tokenizer.get_vocab().values())
    if largest >= vocabulary:
        raise ValueError(f"{source}: the tokenizer has token {largest}, the model a vocabulary of {vocabulary}")


def folder_template(folder: Path) -> str | None:
    """The chat template of a Hugging Face folder, in Jinja, if it has one."""
    file = folder / "chat_template.jinja"
    if file.exists():
        return existing(file).read_text("utf-8")
    return read_json_if_there(folder / "tokenizer_config.json").get("chat_template")
