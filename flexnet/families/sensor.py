"""Sensor: accuracy under the noise of a sensor, Gaussian on images as they are and Poisson on faded ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import DRAW
from flexnet.options.rules import Options, distinct, flag, number, option, required, whole
from flexnet.problems import refuse
from flexnet.tables.kinds import AMOUNT, FRACTION, TEXT

GAUSSIAN, POISSON = "gaussian", "poisson"
NO_VARIANCE, FULL_CONTRAST = 0.0, 1.0  # images as they are
ANSWER = 0.25  # of a training step, of one answer about an image with noise


@dataclass(frozen=True, kw_only=True)
class SensorSettings(Options):
    """Settings of an evaluation under the noise of a sensor (push-pull paper, its section 4.1).

    Attributes:
        variances: of Gaussian noise on images in [0, 1], each once; 0 leaves them as they are.
        contrasts: factors by which images fade towards a mid grey before Poisson noise, each once; 1 leaves
            them as they are, without noise.
        clip: whether noisy images are cut to [0, 1].
        draws: repeats; each draws new noise for every image.
        seed: of the noise, which is the same for all networks and training seeds.
        batch: images that share the mask of a stochastic network.
    """

    variances: tuple[float, ...] = required(distinct(number("a number of at least 0", least=0), "numbers"))
    contrasts: tuple[float, ...] = required(
        distinct(number("a number above 0 and up to 1", above=0, most=1), "numbers")
    )
    clip: bool = option(False, flag)
    draws: int = option(1, whole(1))
    seed: int = option(0, whole(0))
    batch: int = option(100, whole(1))

    def __post_init__(self) -> None:
        refuse(
            "sensor", type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)})
        )

    def conditions(self) -> Iterator[tuple[str, float, float, int]]:
        """Noise, variance, contrast and repeat of every pass."""
        for variance in self.variances:
            for draw in range(self.draws):
                yield GAUSSIAN, float(variance), FULL_CONTRAST, draw
        for contrast in self.contrasts:
            for draw in range(self.draws):
                yield POISSON, NO_VARIANCE, float(contrast), draw


def work(section: Mapping[str, Any]) -> float:
    """Training steps that cost as much: each condition is an answer."""
    return ANSWER * sum(1 for _ in SensorSettings.from_values(section).conditions())


FAMILY = Family(
    name="sensor",
    conditions={
        "noise": Condition(TEXT),
        "variance": Condition(AMOUNT, plain=NO_VARIANCE),
        "contrast": Condition(FRACTION, plain=FULL_CONTRAST),
        "draw": DRAW,
    },
    settings=SensorSettings,
    seeds="all",
    work=work,
)
