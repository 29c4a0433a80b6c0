"""What a study behind the pages is: its command, what it reads, how it can be cut."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A study behind the pages.

    name: of its folder in the workdir, and of its lines, gallery/<name>.jsonl. about: what it answers.
    module, arguments: of the command; {workdir} stands for the folder of all studies, {scale} for the scale, {draws}
    for the number of draws, which a trial has one of. tiny: arguments instead of these for a trial, where no config has
    that scale.
    after: entries whose finished runs it reads. draws: into which it can be cut, the first one and their number.
    study: whose kinds of lines it writes, a key of kinds.STUDIES; data: whether it reads archives. accelerator: whether
    it is done on one, and so only where it is named.
    """

    name: str
    about: str
    study: str
    module: str
    arguments: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    draws: tuple[int, int] = (0, 0)
    data: bool = True
    tiny: tuple[str, ...] = ()
    accelerator: bool = False

    def draws_at(self, scale: str) -> range:
        """The draws into which it can be cut: all of them, or of a trial one."""
        first, count = self.draws
        return range(first, first + (min(1, count) if scale == "tiny" else count))

    def command(self, workdir: str, scale: str) -> list[str]:
        """What follows python -m: module, arguments, --workdir."""
        draws = len(self.draws_at(scale))
        arguments = self.tiny if self.tiny and scale == "tiny" else self.arguments
        given = [argument.format(workdir=workdir, scale=scale, draws=draws) for argument in arguments]
        return [self.module, *given, f"--workdir={workdir}/{self.name}"]
