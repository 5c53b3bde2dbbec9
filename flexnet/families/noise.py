"""Noise: accuracy under random steps of the size of an attack's, which every attack needs as its control."""

from dataclasses import dataclass, fields

from flexnet.families.base import Condition, Family
from flexnet.families.fgsm import DRAW, EPSILON
from flexnet.options.attacks import CLAMPS, SPACES
from flexnet.options.rules import Options, distinct, number, one_of, option, required, whole
from flexnet.problems import refuse
from flexnet.tables.kinds import TEXT

NOISES = ("uniform", "gaussian")


@dataclass(frozen=True, kw_only=True)
class NoiseSettings(Options):
    """Settings of an evaluation under noise.

    Attributes:
        space: unit of epsilon, as for the attack.
        clamp: permitted range, as for the attack.
        epsilons: sizes of the noise, each given once, from 0.
        noises: `"uniform"`, each pixel drawn between -epsilon and epsilon, so that no pixel moves further
            than an attack moves it; `"gaussian"`, normal with standard deviation epsilon, so that an image
            moves as far, in root mean square, as an attack moves it.
        draws: repeats; each draws new noise for every image.
        batch: images that share the mask of a stochastic network.
    """

    space: str = required(one_of(SPACES))
    clamp: str = required(one_of(CLAMPS))
    epsilons: tuple[float, ...] = required(distinct(number("a number of at least 0", least=0), "numbers"))
    noises: tuple[str, ...] = option(NOISES, distinct(one_of(NOISES), "noises"))
    draws: int = option(1, whole(1))
    batch: int = option(100, whole(1))

    def __post_init__(self) -> None:
        refuse(
            "noise", type(self).problems({entry.name: getattr(self, entry.name) for entry in fields(self)})
        )


FAMILY = Family(
    name="noise",
    conditions={"noise": Condition(TEXT), "epsilon": EPSILON, "draw": DRAW},
    settings=NoiseSettings,
    base="fgsm",
)
