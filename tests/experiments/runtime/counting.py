"""A study that counts, as small as one can be, and what a run of it leaves."""

import json

from experiments.runtime import files, kinds, results, study
from experiments.runtime.kinds.kind import RUN, Kind
from experiments.runtime.study import Step, Study

CONFIG = {"name": "stub", "scale": "tiny", "size": 3}
KINDS = {
    "square": Kind(("number",), {"number": "a number", "square": "its square"}),
    "part": Kind(("of", "part"), {"of": "a number", "part": "one of its parts"}),
    "total": Kind(("of",), {"of": "a field", "total": "over all lines"}, derived=True),
    "run": RUN,
} | kinds.SHARED


class Killed(BaseException):
    """What no handler of errors stops."""


def stub(made: list) -> Study:
    """A study of three numbers; `made` is told of every line that is computed."""

    def square(number):
        made.append(number)
        return [{"kind": "square", "number": number, "square": number**2}]

    def parts(number, lines):
        """Two parts a number, of which those that are there are not made again."""
        there = {line["part"] for line in results.select(lines, kind="part", of=number)}
        made.extend((number, part) for part in (0, 1) if part not in there)
        return [{"kind": "part", "of": number, "part": part} for part in (0, 1) if part not in there]

    def steps(lines):
        for number in range(3):
            yield Step([{"kind": "square", "number": number}], lambda number=number: square(number))
            wanted = [{"kind": "part", "of": number, "part": part} for part in (0, 1)]
            remake = () if number else ({"kind": "part", "of": 0},)
            yield Step(wanted, lambda number=number: parts(number, lines), remake)

    def summaries(lines):
        assert not results.select(lines, kind="total")
        squares = [line["square"] for line in results.select(lines, kind="square")]
        return [{"kind": "total", "of": "square", "total": sum(squares)}, {"kind": "total", "of": "one", "total": 3}]

    def write(workdir):
        lines = results.finished(workdir)
        files.write_text(workdir / "figures" / "a.txt", str(len(lines)))
        return study.write_page(workdir, str(results.select(lines, kind="total")[0]["total"]))

    return Study("stub", CONFIG, steps, write, summaries, lambda: {"numbers": 3})


def contents(workdir) -> dict:
    """Every file of the folder; of lines what they say without how long it took."""
    found = {str(path.relative_to(workdir)): path.read_text() for path in workdir.rglob("*") if path.is_file()}
    lines = map(json.loads, found["results.jsonl"].splitlines())
    timed = ("seconds", "peak_megabytes")
    return found | {"results.jsonl": [{k: v for k, v in line.items() if k not in timed} for line in lines]}
