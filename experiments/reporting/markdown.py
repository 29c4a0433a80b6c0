"""Numbers, intervals, tables and pictures of a report, in Markdown; the same everywhere."""

from collections.abc import Callable, Iterable, Sequence


def number(value: float | None) -> str:
    """Three significant digits, whole with commas from 1,000 on; ∞ for None, as JSON lines hold what is not finite."""
    if value is None:
        return "∞"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def decimal(value: float | None) -> str:
    """Three decimals; a dash for None, which stands for a number that does not exist."""
    return "–" if value is None else f"{value:.3f}"


def span(ends: Sequence[float | None], form: Callable[[float | None], str] = number) -> str:
    """'low to high', each written by `form`."""
    low, high = ends
    return f"{form(low)} to {form(high)}"


def with_span(value: float | None, ends: Sequence[float | None], form: Callable[[float | None], str] = number) -> str:
    """'value (low to high)', each written by `form`."""
    return f"{form(value)} ({span(ends, form)})"


def plural(count: int, noun: str) -> str:
    """'1 draw', '2 draws'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells; every row has as many as the head. A cell may be empty."""
    return "\n".join([row(head), "|---" * len(head) + "|", *map(row, rows)])


def row(cells: Sequence[str]) -> str:
    """One row of a table, as for tables that are printed while they grow."""
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def picture(file: str, caption: str) -> str:
    """A figure of the folder figures/ with its caption below."""
    return f"![{caption}](figures/{file})\n\n{caption}"


def provenance(line: dict) -> str:
    """Where a line of results.jsonl comes from: its config, commit, device and versions (runtime.results.stamp)."""
    return f"`{line['config']}`, commit {line['commit']}, {line['device']}; {line['versions']}."
