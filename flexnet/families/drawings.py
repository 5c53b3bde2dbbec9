"""Drawings: accuracy on datasets that a model was not trained on, such as drawings of its classes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flexnet.families.base import ANSWER, Condition, JudgedOn, Visiting
from flexnet.options.rules import Options, distinct, option, optional, required, whole
from flexnet.problems import Problem, wrong
from flexnet.tables.kinds import TEXT, WHOLE

OWN: Final = "own"  # the images that a model is scored on elsewhere, which are always judged too
INVERTED: Final = "_inverted"  # ends the name of the negatives of the images of that name


def _judged_on(value: Any) -> Iterator[Problem]:
    """Names of datasets, or what a job is told of them, by what results call them."""
    if not isinstance(value, Mapping) or not value or OWN in value:
        yield wrong(f"datasets by what results call them, at least one and none called {OWN!r}", value)
        return
    for name, found in value.items():
        told = isinstance(found, Mapping) and set(found) == set(JudgedOn.__annotations__)
        if not isinstance(name, str) or not (told or isinstance(found, str)):
            yield wrong("a row of datasets", found).below(str(name))


def _class_name(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield wrong("the name of a class", value)


@dataclass(frozen=True, kw_only=True)
class DrawingSettings(Options):
    """Settings of an evaluation on other datasets.

    Attributes:
        judged_on: rows of `datasets` by what results call them; a job is told a `JudgedOn` of each. A name
            that ends in `_inverted` is that of the negatives of another: its condition inverted is 1.
        classes: names of the classes in the order of the labels, which a job is told.
        batch: images that share the mask of a stochastic network.
    """

    judged_on: Mapping[str, Any] = required(_judged_on)
    classes: tuple[str, ...] | None = option(None, optional(distinct(_class_name, "classes")))
    batch: int = option(100, whole(1))


def work(section: Mapping[str, Any]) -> float:
    """Training steps that cost as much, if other datasets have as many images: each set is an answer."""
    return ANSWER * (1 + len(section["judged_on"]))


FAMILY = Visiting(
    name="drawings",
    conditions={"images": Condition(TEXT, plain=OWN), "inverted": Condition(WHOLE, plain=0)},
    # What captions call the images, and a digest of those of other datasets in their order.
    measures={"title": TEXT, "digest": TEXT},
    settings=DrawingSettings,
    seeds="all",
    work=work,
)
