"""What finished jobs took beside what was predicted for them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexnet.columns import aligned
from flexnet.errors import ConfigError
from flexnet.study.cost import Task, task_seconds
from flexnet.study.study import Study

SUFFIX = ".benchmark.tsv"


@dataclass(frozen=True)
class Compared:
    """Finished jobs of one kind.

    Attributes:
        name: of the kind: `training of vgg16-flexible`.
        jobs: how many.
        predicted: core seconds.
        cores: core seconds that they took.
        clock: seconds by the clock.
    """

    name: str
    jobs: int
    predicted: float
    cores: float
    clock: float


def compared(study: Study, home: str) -> list[Compared]:
    """Every kind of job of a scale that has benchmarks.

    Raises:
        ConfigError: if there is no such scale, or none of its jobs has one.
    """
    study.config(home)
    found: dict[str, Compared] = {}
    for name, task, path in _finished(home, study.here / home / "logs"):
        predicted = task_seconds(study, task)
        with path.open(newline="", encoding="utf-8") as stream:
            took = list(csv.DictReader(stream, delimiter="\t"))[-1]
        before = found.get(name, Compared(name, 0, 0.0, 0.0, 0.0))
        found[name] = Compared(
            name,
            before.jobs + 1,
            before.predicted + (predicted or 0.0),
            before.cores + _number(took["cpu_time"]),
            before.clock + _number(took["s"]),
        )
    if not found:
        raise ConfigError(f"{home}logs: expected benchmarks of finished jobs; got none; make a figure first")
    return [found[name] for name in sorted(found)]


def _finished(home: str, logs: Path) -> Iterator[tuple[str, Task, Path]]:
    """Kind, job and benchmark of each finished job; of models that are no longer configured too."""
    for path in sorted(logs.glob(f"*/**/*{SUFFIX}")):
        parts = path.relative_to(logs).as_posix().removesuffix(SUFFIX).split("/")
        if parts[0] == "train" and len(parts) == 3:
            said = {"home": home, "model": parts[1], "seed": parts[2].removeprefix("seed")}
            yield f"training of {parts[1]}", Task("train", said), path
        elif len(parts) == 4:
            said = dict(zip(("family", "protocol", "model", "seeds"), parts, strict=True))
            yield f"{parts[0]}, {parts[1]}, of {parts[2]}", Task("evaluate", {"home": home, **said}), path


def _number(text: str) -> float:
    return 0.0 if text in ("", "NA", "-") else float(text)


def told(rows: Sequence[Compared]) -> str:
    """The comparison as lines, with the whole at the end."""
    whole = Compared("all of these", *(sum(getattr(row, key) for row in rows) for key in _SUMMED))
    head = ("jobs", "", "predicted", "cores", "clock", "predicted/cores", "predicted/clock")
    return "\n".join(aligned(head, *map(_line, [*rows, whole])))


_SUMMED = ("jobs", "predicted", "cores", "clock")


def _line(row: Compared) -> tuple[str, ...]:
    ratios = (f"{row.predicted / value:.2f}" if value else "-" for value in (row.cores, row.clock))
    seconds = (f"{value:.0f} s" for value in (row.predicted, row.cores, row.clock))
    return (str(row.jobs), row.name, *seconds, *ratios)
