"""What a person is told before the first job: data that cannot be had, and what much work will cost."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from flexnet.study import cost, sources, speeds
from flexnet.study.cost import Task
from flexnet.study.retyped import Command
from flexnet.study.study import Study, scale_name

UNSAID = 600  # seconds that go by without a word about them
# Times networks on this machine: seconds per image by the key of `speeds.to_time`; None if that failed.
Measure: TypeAlias = Callable[[dict[str, dict[str, Any]]], dict[str, float] | None]


def missing_data(study: Study, tasks: Iterable[Task], command: Command) -> str | None:
    """One message about data that no source has; None if all can be had."""
    wanted = [
        (task.wildcards["source"], task.wildcards["split"]) for task in tasks if task.rule == "prepare_data"
    ]
    found = sources.missing(study.base["sources"], wanted)
    if not found:
        return None
    kept = [name for home in study.published_rows for name in cost.kept(study, home, command.targets)]
    return sources.missing_words(found, command.words, command.instead(kept or ["demo"]))


def notices(
    study: Study, tasks: Sequence[Task], command: Command, cores: int, measure: Measure
) -> Iterator[str]:
    """What jobs cost, a message for each scale that trains and takes long.

    Args:
        study: configuration.
        tasks: all jobs that will run.
        command: that asked for them.
        cores: at work.
        measure: is asked where a rough estimate is too much to go by.
    """
    for home in dict.fromkeys(task.wildcards["home"] for task in tasks if task.rule == "train"):
        mine = [task for task in tasks if task.wildcards.get("home") == home]
        rough = cost.together(study, home, mine, cores)
        if rough is not None and rough < UNSAID / 2:
            continue
        measured = measure(speeds.to_time(_trained(study, mine)))
        if measured is None:
            continue
        factor = speeds.learn(measured)
        known = cost.together(study, home, mine, cores)
        seconds = None if known is None else factor * known
        if seconds is None or seconds > UNSAID:
            limit = float("inf") if seconds is None else seconds
            others = list(_sooner(study, home, command, cores, factor, limit))
            counts = Counter(task.rule for task in mine)
            threads = int(study.config(home)["threads"])
            yield cost.notice(counts, scale_name(home), seconds, cores, others, threads)


def _trained(study: Study, tasks: Iterable[Task]) -> list[tuple[Any, str]]:
    """Configuration and model of each that will be trained."""
    named = dict.fromkeys(
        (task.wildcards["home"], task.wildcards["model"]) for task in tasks if task.rule == "train"
    )
    return [(study.config(home), model) for home, model in named]


def _sooner(
    study: Study, home: str, command: Command, cores: int, factor: float, seconds: float
) -> Iterator[tuple[str, float | None]]:
    """Other commands for the same, and what each costs."""
    names = [name.removeprefix(home) for name in command.targets if f"{home}figures/" in name]
    for place in study.published_rows:
        kept = cost.kept(study, place, names)
        if kept:
            yield command.instead(kept), None
    for other in study.scales:
        found = cost.elsewhere(study, other, names, cores)
        if other and other != home and found is not None and factor * found < seconds:
            targets = [f"{other}{name}" for name in names] or [other.rstrip("/")]
            yield command.instead(targets), factor * found
