"""Corruptions: accuracy under nineteen common corruptions of five severities, beside that on clean images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from flexnet.corruptions.allowed import QUALITY
from flexnet.corruptions.constants import AUTO, FAMILIES, Values, check_values, constants_of
from flexnet.corruptions.names import CLEAN, NAMES, SEVERITIES
from flexnet.corruptions.places import files_of
from flexnet.errors import ConfigError
from flexnet.families.base import Condition, Family
from flexnet.options.rules import Options, distinct, one_of, option, optional, whole
from flexnet.problems import Problem, refuse, wrong
from flexnet.tables.kinds import PERHAPS_AMOUNT, PERHAPS_FRACTION, TEXT, WHOLE

ANSWER = 0.25  # of a training step, of one answer about an image that was corrupted before


def _severity(value: Any) -> Iterator[Problem]:
    if type(value) is not int or value not in SEVERITIES:
        yield wrong("a whole number from 1 to 5 (clean images, severity 0, are always judged)", value)


def _constants(value: Any) -> Iterator[Problem]:
    """A family of constants by its name, or the constants of each corruption."""
    words = f"one of {[AUTO, *FAMILIES]}, or the constants of each corruption as a list over severities"
    if isinstance(value, Mapping):
        lists = all(name in NAMES and isinstance(rows, list | tuple) for name, rows in value.items())
        if not lists:
            yield wrong(words, value)
        else:
            yield from _values(value)
    elif not isinstance(value, str) or value not in (AUTO, *FAMILIES):
        yield wrong(words, value, (AUTO, *FAMILIES))


def _values(given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, rows in given.items():
        for values in rows:
            try:
                check_values(name, values)
            except ConfigError as error:
                yield Problem(str(error))


def _folder(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield wrong("the path of a folder in the layout of CIFAR-10-C", value)


@dataclass(frozen=True, kw_only=True)
class CorruptionSettings(Options):
    """Settings of an evaluation under corruptions.

    Attributes:
        corruptions: which, each once.
        severities: which of 1 to 5, each once. Clean images, severity 0, are always judged.
        constants: "imagenet" or "cifar" as they stand, whatever the size of the images; "auto", those that
            fit it; or corruption -> its constants at each of the severities, in their order, which is how a
            job is told them.
        seed: of what is random. An image has the same corruptions for every network, training seed and
            protocol of one seed, so that all can be compared image by image.
        folder: a corrupted set in the layout of CIFAR-10-C that is taken in the place of corrupting; below
            the working directory or the data mirror, or absolute.
        resave: quality of the JPEG as which corrupted images are stored and read again, as those of
            ImageNet-C were; None for not at all.
        batch: images that share the mask of a stochastic network.
    """

    corruptions: tuple[str, ...] = option(NAMES, distinct(one_of(NAMES), "corruptions"))
    severities: tuple[int, ...] = option(SEVERITIES, distinct(_severity, "severities"))
    constants: str | Mapping[str, Any] = option(AUTO, _constants)
    seed: int = option(0, whole(0))
    folder: str | None = option(None, optional(_folder))
    resave: int | None = option(None, optional(whole(*QUALITY)))
    batch: int = option(100, whole(1))

    def __post_init__(self) -> None:
        refuse(
            "corruptions",
            type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)}),
        )

    def disagreements(self) -> Iterator[Problem]:
        """A folder was made by constants of its own; constants that are told must be complete."""
        if self.folder is not None:
            for name, usual in (("constants", AUTO), ("seed", 0), ("resave", None)):
                if getattr(self, name) != usual:
                    text = "no such setting beside a folder, whose images are as they are"
                    yield wrong(text, getattr(self, name)).below(name)
        elif isinstance(self.constants, Mapping):
            for name in self.corruptions:
                if len(self.constants.get(name, ())) != len(self.severities):
                    text = f"the constants of {name} at each of the severities {list(self.severities)}"
                    yield wrong(text, self.constants.get(name)).below("constants")

    def values(self, name: str, severity: int) -> str | Values:
        """The constants of a corruption, or the name of a family of them."""
        if isinstance(self.constants, str):
            return self.constants
        values: Values = self.constants[name][self.severities.index(severity)]
        return values

    def conditions(self) -> Iterator[tuple[str, int]]:
        """Every corruption at every severity, after the clean images."""
        yield CLEAN, 0
        for name in self.corruptions:
            yield from ((name, severity) for severity in self.severities)


def told(section: Mapping[str, Any], side: int) -> dict[str, Any]:
    """A section with its corruptions by name and their constants for images of a side in pixels."""
    rules = CorruptionSettings(**section)
    chosen: dict[str, Any] = {"corruptions": list(rules.corruptions), "severities": list(rules.severities)}
    if rules.folder is None and isinstance(rules.constants, str):
        chosen["constants"] = {
            name: [constants_of(name, severity, side, rules.constants) for severity in rules.severities]
            for name in rules.corruptions
        }
    return {**section, **chosen}


def files(section: Mapping[str, Any]) -> list[str]:
    """Files of the corrupted set that a section names, if it names one."""
    rules = CorruptionSettings(**section)
    return [] if rules.folder is None else files_of(rules.folder, rules.corruptions)


def work(section: Mapping[str, Any]) -> float:
    """Training steps that cost as much: each condition is an answer, and corrupting the images costs more."""
    return ANSWER * sum(1 for _ in CorruptionSettings(**section).conditions())


# Bandwidths of the images beside those of the clean ones: the mean over images of their ratio.
FOLDS = ("fwhm", "fwhm_log", "centroid", "rms")
# Share of the images of which `fwhm_log`, clean or corrupted, is the edge of the spectrum: such a width is a
# bound and not measured, and so is a mean over images that are such for more than the second number.
EDGE, AT_MOST = "fwhm_log_edge", 0.5

FAMILY = Family(
    name="corruptions",
    conditions={"corruption": Condition(TEXT, plain=CLEAN), "severity": Condition(WHOLE, plain=0)},
    settings=CorruptionSettings,
    measures={**{f"{name}_fold": PERHAPS_AMOUNT for name in FOLDS}, EDGE: PERHAPS_FRACTION},
    seeds="all",
    told=told,
    files=files,
    work=work,
    runtime=720,
)
