"""The command of Snakemake as its user typed it, and as it can be typed with other targets."""

import shlex
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        words: its program first.
        targets: those among the words.
    """

    words: tuple[str, ...]
    targets: tuple[str, ...]

    def instead(self, others: Iterable[str]) -> str:
        """The command for a shell with other targets behind the program, and all else as it was typed."""
        asked = set(self.targets)
        rest = [word for word in self.words[1:] if word not in asked]
        return shlex.join([self.words[0], *others, *rest])


def typed(arguments: Sequence[str], targets: Iterable[object], python: str, path: str) -> Command:
    """The command of this process.

    Args:
        arguments: of the process, its program first.
        targets: of Snakemake.
        python: the running one.
        path: where the user's shell looks for programs.
    """
    program, *rest = arguments
    asked = tuple(map(str, targets))
    if Path(program).name == "__main__.py":
        return Command((python, "-m", "snakemake", *rest), asked)
    found = shutil.which("snakemake", path=path)
    same = found is not None and Path(found).resolve() == Path(program).resolve()
    return Command(("snakemake" if same else program, *rest), asked)
