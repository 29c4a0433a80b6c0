"""What a kind of line is, and what the lines of several studies share."""

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of line.

    identity: the fields that no two lines of a run share all of; a field that a line lacks counts as None.
    fields: name -> what it is, in words; the identity's among them. A line may lack some.
    derived: whether it says nothing but what the other lines say together: made anew, or left out, at the end of a run.
    """

    identity: tuple[str, ...]
    fields: dict[str, str]
    derived: bool = False


STAMP = {  # fields of every line
    "kind": "what the line says",
    "config": "name, scale and hash of the config",
    "task": "what is learned, where the study has tasks",
    "commit": "of the code; +changes where files differ from it",
    "versions": "of Python and the libraries",
    "device": "what computed it",
}
SECONDS = {"seconds": "wall time of this measurement"}
RUN = Kind(
    (),
    {
        "seconds": "wall time of the process that ended the run; of a finished run that was asked for more, both",
        "peak_megabytes": "largest memory of that process, MB",
        "notes": "facts about the data for the report",
    },
)
EARLIER_RUN = Kind((), RUN.fields, derived=True)  # a run line that stands for a finished run until more is done
