"""Losses: accuracy after one step of FGSM along the gradient of each of several losses."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import DRAW, EPSILON, FgsmSettings
from flexnet.options.attacks import LOSSES
from flexnet.options.rules import distinct, one_of, option
from flexnet.tables.kinds import TEXT


@dataclass(frozen=True, kw_only=True)
class LossesSettings(FgsmSettings):
    """Settings of FGSM along several losses.

    Attributes:
        losses: names of losses, each given once. The attack's own, `loss`, is always among them.
    """

    losses: tuple[str, ...] = option(LOSSES, distinct(one_of(LOSSES), "losses"))

    def each(self) -> Iterator[FgsmSettings]:
        """The attack along each loss, its own first."""
        same = {entry.name: getattr(self, entry.name) for entry in fields(FgsmSettings)}
        for loss in dict.fromkeys((self.loss, *self.losses)):
            yield FgsmSettings(**{**same, "loss": loss})


FAMILY = Family(
    name="losses",
    conditions={"objective": Condition(TEXT), "epsilon": EPSILON, "draw": DRAW},
    settings=LossesSettings,
    base="fgsm",
)
