"""Texts of others on our pages: on one line, without characters that steer, no wider than there is room."""

import unicodedata

STEERING = ("Cc", "Cf", "Cs", "Co", "Cn")  # Unicode's control, format, surrogate, private and unassigned characters
JOINERS = "\u200c\u200d"  # of the format characters those that scripts and emoji are written with
DROPPED = str.maketrans("", "", "\u00ad\u200b\u2060\ufeff")  # never seen and without effect
UNSEEN = "\ufffd"


def one_line(text: str) -> str:
    """The text with each run of white space as one blank, and "�" for each character that steers what shows it.

    Those are the control characters of terminals, what turns the direction of writing, and halves of surrogate pairs,
    which no file can hold. What comes back can be printed, written as UTF-8, and put on any page once it is escaped.
    """
    shown = " ".join(text.translate(DROPPED).split())
    return "".join(UNSEEN if unicodedata.category(c) in STEERING and c not in JOINERS else c for c in shown)


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: two for wide characters, none for those that sit on others."""
    return sum(map(_columns, text))


def shortened(text: str, room: int, end: int = 0) -> str:
    """The text on one line, in at most `room` columns; of a longer one the middle is left out, "…" stands there.

    end: so many columns of its end are kept, as for names that differ at their end.
    """
    seen = text if len(text) <= 40 * room else text[: 20 * room] + text[-20 * room :]
    line = one_line(seen)
    if len(seen) == len(text) and columns(line) <= room:
        return line
    return _first(line, room - 1 - end).rstrip() + "…" + _first(line[::-1], end)[::-1].lstrip()


def wrapped(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` columns, broken at blanks, and within words that are wider than a line."""
    lines = [""]
    for word in one_line(text).split():
        while columns(word) > room:
            head = _first(word, room)
            lines.append(head)
            word = word[len(head) :]
        joined = f"{lines[-1]} {word}".strip()
        if columns(joined) <= room:
            lines[-1] = joined
        else:
            lines.append(word)
    return [line for line in lines if line]


def padded(text: str, room: int) -> str:
    """The text with blanks after it, up to `room` columns."""
    return text + " " * (room - columns(text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _first(text: str, room: int) -> str:
    """The longest beginning that fits into `room` columns and has at most four characters a column."""
    used = 0
    for kept, character in enumerate(text[: 4 * room]):
        used += _columns(character)
        if used > room:
            return text[:kept]
    return text[: 4 * room]
