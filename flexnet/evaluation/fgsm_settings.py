"""What a protocol prescribes for the evaluation under FGSM, checked where it enters."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from flexnet.attacks.losses import LOSSES
from flexnet.attacks.spaces import CLAMPS, SPACES
from flexnet.errors import ConfigError

COUNTINGS = ("all", "drop_last_of_batch")


@dataclass(frozen=True, kw_only=True)
class FgsmSettings:
    """Settings of one FGSM evaluation.

    Attributes:
        space: unit of epsilon, `"normalised"` (by the model's mean and std) or `"pixel"`.
        clamp: `"loose"` (the released code's, pixels may leave [0, 1]) or `"valid"` ([0, 1]).
        loss: name of a loss of `flexnet.attacks.losses`.
        epsilons: sizes of the step, each at least 0 and given once. 0 is the clean accuracy.
        draws: repeats for a model whose output varies; one that does not vary is run once.
        eot_draws: passes over which the gradient of a stochastic model is averaged. With 1 every
            repeat attacks anew; with more the attack is made once and judged in every repeat.
        counting: `"all"` images, or `"drop_last_of_batch"` as in the released code, which shuffles,
            leaves the last image of each batch out and divides by the full number: at most 99 % for
            batches of 100, and repeats that differ although the model does not.
        redraw: draw the thresholds of scheme `redrawn` anew for each repeat, as the released code does.
        batch: images that share a batch: its mask, and what the counting calls a batch.
    """

    space: str
    clamp: str
    loss: str
    epsilons: tuple[float, ...]
    draws: int = 1
    eot_draws: int = 1
    counting: str = "all"
    redraw: bool = False
    batch: int = 100

    def __post_init__(self) -> None:
        _one_of("space", self.space, SPACES)
        _one_of("clamp", self.clamp, CLAMPS if self.space == "normalised" else ("valid",))
        _one_of("loss", self.loss, LOSSES)
        _one_of("counting", self.counting, COUNTINGS)
        _check_epsilons(self.epsilons)
        for name in ("draws", "eot_draws", "batch"):
            _check_count(name, getattr(self, name))
        if not isinstance(self.redraw, bool):
            raise _error("redraw", "true or false", self.redraw)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Read the settings from a section of the configuration.

        Raises:
            ConfigError: if a key is unknown or missing, or a value is not allowed.
        """
        known = {field.name for field in fields(cls)}
        required = {"space", "clamp", "loss", "epsilons"}
        if not required <= set(values) <= known:
            raise ConfigError(
                f"fgsm: expected the keys {sorted(required)} and optionally {sorted(known - required)}; "
                f"got {sorted(values)}; add what is missing and remove what is unknown"
            )
        if not isinstance(values["epsilons"], list | tuple):
            raise _error("epsilons", "a list of numbers", values["epsilons"])
        return cls(**{**values, "epsilons": tuple(values["epsilons"])})


def _error(name: str, expected: str, value: object) -> ConfigError:
    return ConfigError(f"fgsm: {name}: expected {expected}; got {value!r}; correct this key of the protocol")


def _one_of(name: str, value: object, allowed: Collection[str]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise _error(name, f"one of {sorted(allowed)}", value)


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _error(name, "a whole number >= 1", value)


def _check_epsilons(epsilons: tuple[float, ...]) -> None:
    for epsilon in epsilons:
        number = isinstance(epsilon, int | float) and not isinstance(epsilon, bool)
        if not number or not 0 <= epsilon < math.inf:
            raise _error("epsilon of the list epsilons", ">= 0", epsilon)
    if not epsilons or len(set(epsilons)) < len(epsilons):
        raise _error("epsilons", "at least one value, none of them twice", list(epsilons))
