"""How far a run of many jobs has come, by what they cost, and how long it will take yet."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flexnet.study.cost import in_words

STEP = re.compile(r": (\d+)/(\d+) (\w+)")
SETTLED = 0.02  # of the whole must be done before a time left means anything
BLOCKS = 10  # of a bar
TAIL = 4096  # bytes at the end of a log that hold its last line


@dataclass
class Running:
    """A job at work.

    Attributes:
        title: what it does.
        log: its log.
    """

    title: str
    log: str = ""

    def step(self) -> tuple[float, str]:
        """The part that is done, from 0 to 1, and what the log calls it, such as `epochs 3/8`."""
        found = STEP.findall(tail_of(self.log))
        if not found or not int(found[-1][1]):
            return 0.0, ""
        done, total, unit = found[-1]
        return min(1.0, int(done) / int(total)), f"{unit} {done}/{total}"


@dataclass
class Whole:
    """All jobs of a run.

    Attributes:
        weights: what each costs, by its number, in any unit.
        running: jobs at work, by number.
        done: numbers of finished jobs.
        failed: numbers of jobs that failed.
    """

    weights: Mapping[int, float] = field(default_factory=dict)
    running: dict[int, Running] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    clock: Callable[[], float] = time.monotonic
    start: float = 0.0

    def begin(self, weights: Mapping[int, float]) -> None:
        """Start the clock."""
        self.weights, self.start = dict(weights), self.clock()

    def part(self) -> float:
        """What is done of the whole, from 0 to 1."""
        running = {number: job.step()[0] for number, job in list(self.running.items())}
        done = sum(self.weights.get(number, 0.0) for number in self.done)
        done += sum(self.weights.get(number, 0.0) * step for number, step in running.items())
        return done / (sum(self.weights.values()) or 1.0)

    def state(self) -> str:
        """How far, in words."""
        part = self.part()
        return f"{len(self.done)} of {len(self.weights)} jobs done, {part:.0%}{self._left(part)}"

    def _left(self, part: float) -> str:
        if not SETTLED <= part < 1 or len(self.done) == len(self.weights):
            return ""
        return f", about {in_words((self.clock() - self.start) * (1 - part) / part)} left"

    def bar(self, width: int) -> str:
        """One line for a terminal of so many columns."""
        now = list(self.running.values())
        first = max(now, key=lambda job: job.title.startswith("Training"), default=Running(""))
        step = first.step()[1]
        more = f" and {len(now) - 1} more" if len(now) > 1 else ""
        part = self.part()
        filled = round(part * BLOCKS)
        drawn = f"[{'#' * filled}{'-' * (BLOCKS - filled)}] {part:.0%}{self._left(part)}"
        return f"{drawn}: {first.title}{step and f', {step}'}{more}"[: width - 1]


def tail_of(log: str) -> str:
    """The end of a log; nothing if there is none."""
    try:
        with Path(log).open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
